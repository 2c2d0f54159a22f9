import { type Command, type CommandTable, DONE } from "../command.ts";
import { commandAt } from "../dispatch.ts";

export function help(table: CommandTable): Command {
  return {
    summary: "what there is, and what a command does",
    operands: "[COMMAND]",
    choices: async () =>
      Object.fromEntries(await Promise.all(Object.entries(table).map(async ([name, { load }]) => [name, (await load()).summary]))),
    flags: {},
    examples: [{ line: "help up", does: "as up --help" }],
    run: async (words) => {
      const { commandHelp, overview } = await import("../help-text.ts");
      if (words.length === 0) process.stdout.write(await overview(table));
      else {
        const { path, command } = await commandAt(table, words);
        process.stdout.write(await commandHelp(path, command));
      }
      return DONE;
    },
  };
}
