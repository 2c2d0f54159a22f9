import { JOIN_FLAGS, parseJoinFlags } from "../../joining/flags.ts";
import type { Command } from "../command.ts";
import { runCluster, startedMs } from "../run-cluster.ts";

export const join: Command = {
  summary: "make this machine a node of a cluster",
  about:
    "Joins the cluster whose API is at HOST:PORT, by the line that init prints. Without HOST:PORT it goes on with the cluster that the data directory has joined.",
  operands: "[HOST:PORT]",
  flags: JOIN_FLAGS,
  examples: [
    { line: "join 192.0.2.1:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:...", does: "as init prints it" },
    { line: "join --data DIR", does: "go on" },
  ],
  run: async (args) => {
    const flags = parseJoinFlags(args);
    const { startMachine } = await import("../../kubelet/machine.ts");
    return runCluster(startMachine(flags, startedMs()), flags.format);
  },
};
