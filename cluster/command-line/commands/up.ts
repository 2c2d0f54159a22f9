import type { Command } from "../command.ts";
import { parseUpFlags, UP_FLAGS } from "../flags.ts";
import { runCluster, startedMs } from "../run-cluster.ts";

export const up: Command = {
  summary: "start a cluster, or go on with the one that is there",
  about: `Starts a cluster on the data directory, or goes on with the one that is in it. When the API answers and the nodes are Ready it prints one line with the API's
address and the kubeconfig to give to kubectl, and runs until it is stopped (Ctrl-C, SIGTERM). In a clone of the repository: npm start -- [flags].`,
  flags: UP_FLAGS,
  examples: [
    { line: "up", does: "five hollow nodes" },
    { line: "up --nodes 5000", does: "a large cluster" },
    { line: "up --runtime process", does: "pods are processes of this machine" },
    { line: "up --only api --api-port 0", does: "an API server for tests" },
  ],
  run: async (args) => {
    const flags = parseUpFlags(args);
    const { up: start } = await import("../../boot/up.ts");
    return runCluster(start(flags, startedMs()), flags.format);
  },
};
