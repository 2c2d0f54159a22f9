/**
 * Which pod is to go first when something is short, and what is said of it. Pure. Source: kubelet's eviction/helpers.go (Kubernetes 1.34).
 */
import type { Container, Pod } from "../../kinds/generated/types.ts";
import { formatQuantity } from "../../kinds/machinery/quantity.ts";
import { amountOf, podRequests } from "../../scheduler/resource-needs.ts";
import type { DiskUse } from "../disk-use.ts";
import { amountIn, type Observations, type Signal, STARVED, type Starved, type Threshold } from "./thresholds.ts";

export interface ContainerStats {
  readonly name: string;
  readonly memory_bytes: number;
  readonly processes: number;
  /** What it writes beside its volumes, and what it prints. */
  readonly root: DiskUse;
  readonly logs: DiskUse;
}

/** What a pod uses. */
export interface PodStats {
  readonly containers: readonly ContainerStats[];
  /** Of its volumes that lie on the node's disk, by name. */
  readonly volumes: ReadonlyMap<string, DiskUse>;
}

/** Nothing is known of some pods: then they go first. */
export type StatsOf = (pod: Pod) => PodStats | undefined;

/** Where images, and what containers write, are on another disk than all else of pods. */
export type Disks = "one" | "images apart";

const NANO_PER_BYTE = 1_000_000_000n;

type Compare = (a: Pod, b: Pod) => number;

/** The pods in the order in which they are to go. */
export function rankedFor(signal: Signal, pods: readonly Pod[], statsOf: StatsOf, disks: Disks): readonly Pod[] {
  const order = ordersFor(signal, statsOf, disks);
  return [...pods].sort((a, b) => {
    for (const compare of order) {
      const result = compare(a, b);
      if (result !== 0) return result;
    }
    return 0;
  });
}

function ordersFor(signal: Signal, statsOf: StatsOf, disks: Disks): readonly Compare[] {
  const starved = STARVED[signal];
  const usage = (pod: Pod): number | undefined => usageIn(signal, statsOf(pod), disks);
  if (starved === "pids") return [byPriority, moreFirst(usage)];
  const request = (pod: Pod, of: string): number => podRequests({ ...pod, status: {} })[of] ?? 0;
  const exceeds = (pod: Pod): number | undefined => {
    const used = usage(pod);
    return used === undefined ? undefined : Number(used > request(pod, starved));
  };
  // Of inodes nothing is requested, so they are weighed against what is requested of the disk.
  const beyond = (pod: Pod): number | undefined => {
    const used = usage(pod);
    return used === undefined ? undefined : used - request(pod, starved === "memory" ? "memory" : "ephemeral-storage");
  };
  return [moreFirst(exceeds), byPriority, moreFirst(beyond)];
}

function byPriority(a: Pod, b: Pod): number {
  return (a.spec.priority ?? 0) - (b.spec.priority ?? 0);
}

function moreFirst(of: (pod: Pod) => number | undefined): Compare {
  return (a, b) => {
    const [x, y] = [of(a), of(b)];
    if (x === undefined || y === undefined) return Number(y === undefined) - Number(x === undefined);
    return y - x;
  };
}

function usageIn(signal: Signal, stats: PodStats | undefined, disks: Disks): number | undefined {
  if (stats === undefined) return undefined;
  const sum = (of: (container: ContainerStats) => number): number => stats.containers.reduce((total, each) => total + of(each), 0);
  switch (STARVED[signal]) {
    case "memory":
      return sum(({ memory_bytes }) => memory_bytes);
    case "pids":
      return sum(({ processes }) => processes);
    default: {
      const of = STARVED[signal] === "inodes" ? "inodes" : "bytes";
      const isOfImages = signal.startsWith("imagefs");
      const root = disks === "one" || isOfImages ? sum((container) => container.root[of]) : 0;
      if (disks === "images apart" && isOfImages) return root;
      const volumes = [...stats.volumes.values()].reduce((total, volume) => total + volume[of], 0);
      return root + sum((container) => container.logs[of]) + volumes;
    }
  }
}

export interface Shortage {
  readonly starved: Starved;
  readonly due: readonly Threshold[];
  readonly observed: Observations;
}

/** Why the pod goes. Source: evictionMessage. */
export function evictionMessage(pod: Pod, stats: PodStats | undefined, { starved, due, observed }: Shortage): string {
  const low = `The node was low on resource: ${starved}. ${thresholdWords(starved, due, observed)}`;
  if (stats === undefined || (starved !== "memory" && starved !== "ephemeral-storage")) return low;
  const { spec, metadata } = pod;
  const words: string[] = [];
  const ofPod = spec.resources?.requests?.memory;
  if (starved === "memory" && ofPod !== undefined) {
    const used = stats.containers.reduce((total, each) => total + each.memory_bytes, 0);
    words.push(`Pod ${metadata.name} was using ${binary(used)}, request is ${ofPod}, has larger consumption of ${starved}. `);
  }
  const containers: readonly Container[] = [...spec.containers, ...(spec.initContainers ?? [])];
  for (const { name, memory_bytes, root, logs } of stats.containers) {
    const container = containers.find((each) => each.name === name);
    if (container === undefined) continue;
    const used = starved === "memory" ? memory_bytes : root.bytes + logs.bytes;
    const request = container.resources?.requests?.[starved] ?? "0";
    if (used > amountOf(starved, request))
      words.push(`Container ${name} was using ${binary(used)}, request is ${request}, has larger consumption of ${starved}. `);
  }
  return low + words.join("");
}

function thresholdWords(starved: Starved, due: readonly Threshold[], observed: Observations): string {
  for (const { signal, value } of due) {
    const seen = STARVED[signal] === starved ? observed.get(signal) : undefined;
    if (seen === undefined) continue;
    const print = starved === "memory" || starved === "ephemeral-storage" ? binary : String;
    return `Threshold quantity: ${print(amountIn(value, seen.capacity))}, available: ${print(seen.available)}. `;
  }
  return "";
}

/** As Go prints a quantity of bytes: `100Mi`, `18564Ki`. */
export function binary(bytes: number): string {
  return formatQuantity({ nano: BigInt(Math.round(bytes)) * NANO_PER_BYTE, format: "BinarySI" });
}
