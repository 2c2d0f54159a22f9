/**
 * What `GET /troupe/map` sends: one JSON value a line. A node has a number, by which everything after its first line calls it. The numbers of rows are in the
 * order of the fields below; bytes and thousandths of a processor are whole numbers.
 */
export type FeedLine =
  /** What was told before does not count any more: all of it follows. */
  | { readonly reset: true }
  /** Nodes that are new, or whose facts have changed. */
  | { readonly nodes: readonly NodeRow[] }
  /** What is on nodes. */
  | { readonly use: readonly UseRow[] }
  /** Nodes that are not there any more; their numbers may come again. */
  | { readonly gone: readonly number[] }
  /** Comes every second at least, so that silence means a lost connection. `whole`: all pods have been looked at. */
  | { readonly totals: Totals; readonly whole: boolean };

export type NodeRow = readonly [node: number, name: string, zone: string, state: number, cpu: number, memory: number, pods: number];

/** `cpu` and `memory` are what the pods that are not at their end request. */
export type UseRow = readonly [
  node: number,
  cpu: number,
  memory: number,
  running: number,
  unready: number,
  pending: number,
  failed: number,
];

/** Pods of the cluster by what becomes of them. */
export interface Totals {
  readonly running: number;
  /** Running, and not Ready. */
  readonly unready: number;
  /** On a node, and not running yet. */
  readonly pending: number;
  /** On no node. */
  readonly unscheduled: number;
  readonly failed: number;
  readonly succeeded: number;
}

/** What may be the matter with a node: bits of its state. */
export const NOT_READY = 1;
export const CORDONED = 2;
export const MEMORY_PRESSURE = 4;
export const DISK_PRESSURE = 8;
export const PID_PRESSURE = 16;
export const NO_NETWORK = 32;

export const PRESSURE: number = MEMORY_PRESSURE | DISK_PRESSURE | PID_PRESSURE;
