import { ACTORS_FLAGS, parseActorsFlags } from "../../actors-top/flags.ts";
import { type Command, DONE } from "../command.ts";

export const actors: Command = {
  summary: "the actors of a running cluster by host and kind",
  about: "On a terminal it shows them again and again until Ctrl-C, elsewhere once.",
  flags: ACTORS_FLAGS,
  examples: [{ line: "actors --sort queue", does: "who has most to do" }],
  run: async (args) => {
    const flags = parseActorsFlags(args);
    const { runActors } = await import("../../actors-top/run.ts");
    await runActors(flags, process.stdout);
    return DONE;
  },
};
