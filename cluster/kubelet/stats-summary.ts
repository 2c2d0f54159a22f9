/** What a kubelet says that its node and pods use. Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1, as far as it is read here. */

import { partsOf } from "../../actors/kinds/kind.ts";
import type { MachineUsage, NodeUsage, PodUsage } from "../../actors/node/usage/usage.ts";
import { timestamp } from "../../actors/registry/timestamps.ts";

interface Stats {
  readonly cpu?: { readonly time: string; readonly usageNanoCores?: number };
  readonly memory?: { readonly time: string; readonly workingSetBytes?: number };
}

export interface StatsSummary {
  readonly node: Stats & { readonly nodeName: string };
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers: readonly (Stats & { readonly name: string })[];
  }[];
}

interface Used {
  readonly cpu_nanocores: number;
  readonly memory_bytes: number;
}

export function summaryOf(nodeName: string, node: NodeUsage, pods: readonly PodUsage[]): StatsSummary {
  return {
    node: { nodeName, ...statsOf(node, node.at_ms) },
    pods: pods.map(({ key, containers, at_ms }) => ({
      podRef: partsOf(key),
      containers: containers.map((used) => ({ name: used.name, ...statsOf(used, at_ms) })),
    })),
  };
}

function statsOf({ cpu_nanocores, memory_bytes }: Used, at_ms: number): Required<Stats> {
  const time = timestamp(at_ms);
  return { cpu: { time, usageNanoCores: cpu_nanocores }, memory: { time, workingSetBytes: memory_bytes } };
}

export function usageIn({ node, pods }: StatsSummary): MachineUsage {
  return {
    node: { ...usedIn(node), at_ms: timeOf(node) },
    pods: pods.map(({ podRef, containers }) => ({
      key: `pods/${podRef.namespace}/${podRef.name}`,
      containers: containers.map((stats) => ({ name: stats.name, ...usedIn(stats) })),
      at_ms: Math.max(0, ...containers.map(timeOf)),
    })),
  };
}

function usedIn({ cpu, memory }: Stats): Used {
  return { cpu_nanocores: Number(cpu?.usageNanoCores) || 0, memory_bytes: Number(memory?.workingSetBytes) || 0 };
}

function timeOf({ cpu }: Stats): number {
  return Date.parse(cpu?.time ?? "") || 0;
}
