import { type Command, type CommandTable, DONE } from "./command.ts";
import { nearest } from "./nearest.ts";
import { WrongUsage } from "./wrong-usage.ts";

/** What else people type for a command. */
const ALSO: ReadonlyMap<string, string> = new Map([
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
]);

/** Runs the command that the first arguments name with the rest, and gives the exit code. Throws WrongUsage, and what the command throws. */
export async function dispatch(table: CommandTable, [typed = "help", ...args]: readonly string[]): Promise<number> {
  const { path, command, rest } = await commandAt(table, [ALSO.get(typed) ?? typed, ...args]);
  if (asksForHelp(command, rest)) {
    const { commandHelp } = await import("./help-text.ts");
    process.stdout.write(await commandHelp(path, command));
    return DONE;
  }
  if (command.run === undefined) throw unknownWord(path, Object.keys(command.verbs ?? {}), rest[0]);
  return command.run(rest);
}

/** A command, or the verb of one, that the first arguments name. Throws WrongUsage where there is none. */
export async function commandAt(
  table: CommandTable,
  [name = "", ...args]: readonly string[],
): Promise<{ readonly path: string; readonly command: Command; readonly rest: readonly string[] }> {
  const entry = Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry === undefined) throw unknownWord("", Object.keys(table), name);
  const command = await entry.load();
  const [word = "", ...rest] = args;
  const verb = command.verbs !== undefined && Object.hasOwn(command.verbs, word) ? command.verbs[word] : undefined;
  return verb === undefined ? { path: name, command, rest: args } : { path: `${name} ${word}`, command: verb, rest };
}

function asksForHelp({ helpIsTheirs }: Command, args: readonly string[]): boolean {
  const own = args.slice(0, helpIsTheirs ? 1 : undefined);
  return own.includes("--help") || own.includes("-h");
}

function unknownWord(path: string, known: readonly string[], typed: string | undefined): WrongUsage {
  const see = path === "" ? "troupe help" : `troupe help ${path}`;
  if (path !== "" && typed === undefined) return new WrongUsage(`troupe ${path} wants one of ${known.join(", ")}; see ${see}`);
  const meant = nearest(typed ?? "", known);
  const what = path === "" ? `unknown command ${typed}` : `troupe ${path} ${typed}: it is ${known.join(", ")}`;
  return new WrongUsage(`${what}${meant === undefined ? "" : ` (did you mean ${meant}?)`}; see ${see}`);
}
