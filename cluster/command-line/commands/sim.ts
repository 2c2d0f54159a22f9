import type { Command } from "../command.ts";
import { SIM_CLUSTER_FLAGS, SIM_FLAGS } from "../sim-flags.ts";

export const sim: Command = {
  summary: "run the program on virtual time and a hostile network",
  about: "The kernel alone, or with cluster a whole cluster. The exit code is 1 when an invariant broke (docs/simulator.md).",
  flags: SIM_FLAGS,
  examples: [{ line: "sim --seeds 100", does: "a hundred runs" }],
  run: async (args) => (await import("../sim.ts")).runSim(args),
  verbs: {
    cluster: {
      summary: "days of a cluster: its store, scheduler, controllers and nodes, and people who use it",
      flags: SIM_CLUSTER_FLAGS,
      examples: [{ line: "sim cluster --seed 42 --hours 6", does: "a quarter of a day" }],
      run: async (args) => (await import("../sim-cluster.ts")).runSimCluster(args),
    },
  },
};
