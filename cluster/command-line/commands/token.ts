import { parseTokenFlags, TOKEN_CREATE_FLAGS, TOKEN_DELETE_FLAGS, TOKEN_LIST_FLAGS } from "../../joining/flags.ts";
import { type Command, DONE } from "../command.ts";
import { printed } from "../output.ts";

const run =
  (verb: string) =>
  async (args: readonly string[]): Promise<number> => {
    const { kubeconfig, command, format } = parseTokenFlags([verb, ...args]);
    const { runToken } = await import("../../joining/token-command.ts");
    const { answer, lines } = await runToken(kubeconfig, command);
    process.stdout.write(await printed(format, answer, () => lines));
    return DONE;
  };

export const token: Command = {
  summary: "tokens by which machines join",
  flags: {},
  verbs: {
    create: {
      summary: "make one, and print it",
      operands: "[TOKEN]",
      flags: TOKEN_CREATE_FLAGS,
      examples: [{ line: "token create --print-join-command", does: "the line for one more machine" }],
      run: run("create"),
    },
    list: { summary: "those there are", flags: TOKEN_LIST_FLAGS, run: run("list") },
    delete: { summary: "end some", operands: "TOKEN...", flags: TOKEN_DELETE_FLAGS, run: run("delete") },
  },
};
