/**
 * What a node has left of, how little of it is too little, and since when. Pure. Source: kubelet's eviction/helpers.go and defaults_linux.go (Kubernetes 1.34);
 * https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
 */
import type { Pressure } from "../allocation/pod-admission.ts";

export const SIGNALS = [
  "memory.available",
  "nodefs.available",
  "nodefs.inodesFree",
  "imagefs.available",
  "imagefs.inodesFree",
  "pid.available",
] as const;
export type ToldSignal = (typeof SIGNALS)[number];
/** The last is that of all pods together, within what is kept for them: its threshold is that of memory. */
export type Signal = ToldSignal | "allocatableMemory.available";

/** So much, or so large a part of what there is. */
export type ThresholdValue = { readonly amount: number } | { readonly part: number };

export interface Threshold {
  readonly signal: Signal;
  readonly value: ThresholdValue;
  /** How long it is borne; 0: not at all, it is a hard one. */
  readonly grace_ms: number;
  /** When it has come to that, so much more than the threshold is to be had again. */
  readonly minReclaim: ThresholdValue | undefined;
}

export interface EvictionSettings {
  readonly thresholds: readonly Threshold[];
  /** A condition goes when it has not been so for that long. */
  readonly transition_ms: number;
  /** What pods have to end in, at the most, where the threshold is a soft one. */
  readonly softGrace_s: number;
}

export interface Observation {
  readonly available: number;
  readonly capacity: number;
}
export type Observations = ReadonlyMap<Signal, Observation>;

const CONDITIONS: Readonly<Record<Signal, Pressure>> = {
  "memory.available": "MemoryPressure",
  "allocatableMemory.available": "MemoryPressure",
  "nodefs.available": "DiskPressure",
  "nodefs.inodesFree": "DiskPressure",
  "imagefs.available": "DiskPressure",
  "imagefs.inodesFree": "DiskPressure",
  "pid.available": "PIDPressure",
};

/** What it is that is short, as messages name it. */
export type Starved = "memory" | "ephemeral-storage" | "inodes" | "pids";
export const STARVED: Readonly<Record<Signal, Starved>> = {
  "memory.available": "memory",
  "allocatableMemory.available": "memory",
  "nodefs.available": "ephemeral-storage",
  "nodefs.inodesFree": "inodes",
  "imagefs.available": "ephemeral-storage",
  "imagefs.inodesFree": "inodes",
  "pid.available": "pids",
};

export function amountIn(value: ThresholdValue, capacity: number): number {
  return "amount" in value ? value.amount : Math.trunc(capacity * value.part);
}

/** The thresholds of pods together are those of memory, where that can be told. */
export function withAllocatable(thresholds: readonly Threshold[]): readonly Threshold[] {
  const ofMemory = thresholds.filter(({ signal, grace_ms }) => signal === "memory.available" && grace_ms === 0);
  return [...thresholds, ...ofMemory.map((threshold): Threshold => ({ ...threshold, signal: "allocatableMemory.available" }))];
}

/** Those that are met. `reclaims`: also those of which not enough is there again. */
export function thresholdsMet(thresholds: readonly Threshold[], observed: Observations, reclaims: boolean): readonly Threshold[] {
  return thresholds.filter(({ signal, value, minReclaim }) => {
    const seen = observed.get(signal);
    if (seen === undefined) return false;
    const more = reclaims && minReclaim !== undefined ? amountIn(minReclaim, seen.capacity) : 0;
    return seen.available < amountIn(value, seen.capacity) + more;
  });
}

/** What is remembered from one look to the next. */
export interface PressureState {
  /** Since when each has been met without a break. */
  readonly since_ms: ReadonlyMap<Threshold, number>;
  /** When each condition was so last. */
  readonly seen_ms: ReadonlyMap<Pressure, number>;
  /** Thresholds that were not to be borne any more. */
  readonly due: readonly Threshold[];
}

export const CALM: PressureState = { since_ms: new Map(), seen_ms: new Map(), due: [] };

export interface Looked {
  readonly state: PressureState;
  readonly pressures: readonly Pressure[];
}

/** Source: the manager's synchronize, up to where something is done about it. */
export function look(before: PressureState, settings: EvictionSettings, observed: Observations, now_ms: number): Looked {
  const { thresholds, transition_ms } = settings;
  const met = new Set([...thresholdsMet(thresholds, observed, false), ...thresholdsMet(before.due, observed, true)]);
  const since_ms = new Map([...met].map((threshold) => [threshold, before.since_ms.get(threshold) ?? now_ms]));
  const seen_ms = new Map(before.seen_ms);
  for (const { signal } of met) seen_ms.set(CONDITIONS[signal], now_ms);
  const due = [...since_ms].flatMap(([threshold, since]) => (now_ms - since >= threshold.grace_ms ? [threshold] : []));
  const pressures = [...seen_ms].flatMap(([pressure, seen]) => (now_ms - seen < transition_ms ? [pressure] : []));
  return { state: { since_ms, seen_ms, due: due.sort(memoryFirst) }, pressures: pressures.sort() };
}

function memoryFirst(a: Threshold, b: Threshold): number {
  return Number(STARVED[b.signal] === "memory") - Number(STARVED[a.signal] === "memory");
}
