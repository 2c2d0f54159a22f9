import { UsageReader } from "../../actors/mod.ts";
import { Kubelets } from "../outbound/kubelets.ts";
import type { HostOptions } from "./host-protocol.ts";
import type { RoleContext } from "./role-context.ts";

/** Nodes of a new cluster when `--nodes` is not given. This machine is one. */
const NODES_OF_A_NEW_CLUSTER = { hollow: 5, process: 1, sandbox: 1, cri: 1 } as const;

/** The least number of nodes to play: what was asked for; else those that exist, or some for a new cluster. */
export function nodesToPlay(asked: number | undefined, existing: number, runtime: keyof typeof NODES_OF_A_NEW_CLUSTER = "hollow"): number {
  return asked ?? (existing > 0 ? existing : NODES_OF_A_NEW_CLUSTER[runtime]);
}

/** Whether this or another host plays nodes, which know what pods use: without any there is no API of metrics, as in a Kubernetes without a metrics-server. */
export function playsNodes({ nodes, plans }: HostOptions): boolean {
  return nodes !== 0 && plans.some(({ roles }) => roles.includes("nodes"));
}

/** What pods use, as their nodes know it; undefined where none are played. */
export function usageReader(context: RoleContext): UsageReader | undefined {
  const { options, ground, messenger } = context;
  if (!playsNodes(options)) return undefined;
  const kubelets = kubeletsOf(context);
  return new UsageReader(ground.view, messenger, (node) => kubelets.usage(node));
}

/** The doors of machines that have joined. */
export function kubeletsOf({ ground, own, control }: RoleContext): Kubelets {
  return new Kubelets({ view: ground.view, own, credentials: () => control().kubeletClient });
}
