import { CONSOLE_FLAGS, parseConsoleFlags } from "../../console/command/flags.ts";
import { type Command, DONE } from "../command.ts";
import { printed } from "../output.ts";

export const consoleCommand: Command = {
  summary: "the console in the browser, signed in",
  about:
    "Prints the address of the console with which the user of a kubeconfig is signed in there, and opens it where there is a desktop. Whoever has the address is that user until it ends (docs/console.md).",
  flags: CONSOLE_FLAGS,
  examples: [{ line: "console", does: "as the administrator of the cluster on .troupe" }],
  run: async (args) => {
    const flags = parseConsoleFlags(args);
    const { runConsole } = await import("../../console/command/run.ts");
    const url = await runConsole(flags);
    process.stdout.write(await printed(flags.format, { url }, () => [url]));
    return DONE;
  },
};
