import type { Pod } from "../../kinds/generated/types.ts";
import type { Key } from "../../store/transaction.ts";

// Plain data, but for the last: it crosses between hosts.

/** What one container uses at a moment. */
export interface ContainerUsage {
  readonly name: string;
  /** Billionths of a core. */
  readonly cpu_nanocores: number;
  readonly memory_bytes: number;
  /** Absent: nobody counts them. */
  readonly processes?: number;
}

/** What the containers of a pod use that run. */
export interface PodUsage {
  readonly key: Key;
  /** At least one. */
  readonly containers: readonly ContainerUsage[];
  readonly at_ms: number;
}

/** What a whole node uses. */
export interface NodeUsage {
  readonly cpu_nanocores: number;
  readonly memory_bytes: number;
  readonly at_ms: number;
}

/** What a machine that has joined says of itself and its pods. */
export interface MachineUsage {
  readonly node: NodeUsage;
  readonly pods: readonly PodUsage[];
}

/** How a runtime tells what the containers of a pod of its node use at this time: of those that run, in the order of the spec. */
export type UsageOf = (pod: Pod, now_ms: number) => readonly ContainerUsage[];
