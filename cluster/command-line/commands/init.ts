import { join } from "node:path";
import { INIT_FLAGS, parseInitFlags } from "../../joining/flags.ts";
import type { Command } from "../command.ts";
import { runCluster, startedMs } from "../run-cluster.ts";

export const init: Command = {
  summary: "start a cluster that other machines join",
  about:
    "As up, with the API and NATS on an address that other machines reach. Below the ready line it prints the line by which they join.",
  flags: INIT_FLAGS,
  examples: [{ line: "init --advertise-address 192.0.2.1", does: "for the machines that reach it there" }],
  run: async (args) => {
    const { up: flags, token, ttl_ms } = parseInitFlags(args);
    const { up: start } = await import("../../boot/up.ts");
    return runCluster(start(flags, startedMs()), flags.format, async () => {
      const { openForJoining } = await import("../../joining/init.ts");
      const { machineConfigOf } = await import("../../joining/machine-config-of.ts");
      const line = await openForJoining(join(flags.data, "kubeconfig"), token, ttl_ms, machineConfigOf(flags));
      return { answer: { join: line }, lines: ["other machines join it with", "", `  ${line}`, ""] };
    });
  },
};
