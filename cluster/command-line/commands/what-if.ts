import { parseWhatIfFlags, WHAT_IF_FLAGS } from "../../rehearsal/flags.ts";
import { type Command, DONE } from "../command.ts";

export const whatIf: Command = {
  summary: "where pods would go; nothing is created",
  about: "Where pods would go, and who would have to go for them.",
  flags: WHAT_IF_FLAGS,
  examples: [
    { line: "what-if -f deployment.yaml", does: "on the nodes of the cluster" },
    { line: "what-if -f deployment.yaml --nodes nodes.yaml --offline", does: "on these nodes, without a cluster" },
  ],
  run: async (args) => {
    const flags = parseWhatIfFlags(args);
    const { runWhatIf } = await import("../../rehearsal/run.ts");
    await runWhatIf(flags, process.stdout);
    return DONE;
  },
};
