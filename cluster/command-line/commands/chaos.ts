import { CHAOS_FLAGS, parseChaosFlags } from "../../chaos/flags.ts";
import type { Command } from "../command.ts";

export const chaos: Command = {
  summary: "do harm to a running cluster, and hold it to its promises",
  about: "Works in a namespace of its own. The exit code is 1 when a promise broke (docs/operating.md).",
  flags: CHAOS_FLAGS,
  examples: [{ line: "chaos --rounds 12 --seed 7", does: "twelve faults, the same ones each time" }],
  run: async (args) => {
    const flags = parseChaosFlags(args, Date.now() % 1_000_000);
    const { runChaos } = await import("../../chaos/run.ts");
    return runChaos(flags, process.stdout);
  },
};
