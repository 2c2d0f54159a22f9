import { FIXED_COLUMNS, PODS, type Usage } from "./usage.ts";

/** Nodes for which a new cluster has room; it doubles when they are used up. */
const NODES_INITIAL = 64;
/** Changed nodes that are remembered; an index that is further behind is built anew. A power of two. */
export const CHANGE_LOG_NODES: number = 1 << 15;
/** The priority of no pod at all: higher than any that exists. */
export const NO_PRIORITY = 0x7fffffff;

const HEADER_WORDS = 8;
const [NODES, CAPACITY, COLUMNS, PORT_COLUMNS, CHANGES, IDENTITY] = [0, 1, 2, 3, 4, 5] as const;

/**
 * The nodes of a cluster and what their pods take from them, flat in one SharedArrayBuffer, so that a worker thread sees it
 * by reference. A node is a slot number; slots of deleted nodes are used again.
 *
 * Layout: header (Int32) | rows (Float64, one per slot) | lowest priority (Int32) | change log (Int32) | ports (Uint16) | live (Uint8).
 * A row is allocatable by column, requested by column, nonzero-requested cpu and memory: what one node's filters and scores need
 * lies side by side. Float64 holds every amount exactly to 2^53.
 *
 * Invariant: one thread at a time writes. The owner hands the buffer to a worker with a task and does not touch it until the
 * answer is there.
 */
export class Cluster {
  readonly buffer: SharedArrayBuffer;
  /** Slots that exist. */
  readonly capacity: number;
  readonly columns: number;
  readonly portColumns: number;
  /** Float64s per row. */
  readonly stride: number;
  readonly rows: Float64Array;
  /** Per slot the lowest priority of its pods; NO_PRIORITY without pods. Kept by the owner. */
  readonly lowestPriority: Int32Array;
  /** How many pods hold a port, by `slot * portColumns + column`. */
  readonly ports: Uint16Array;
  readonly live: Uint8Array;
  readonly #header: Int32Array;
  readonly #log: Int32Array;

  private constructor(buffer: SharedArrayBuffer) {
    const header = new Int32Array(buffer, 0, HEADER_WORDS);
    const capacity = header[CAPACITY] ?? 0;
    const columns = header[COLUMNS] ?? 0;
    const portColumns = header[PORT_COLUMNS] ?? 0;
    this.buffer = buffer;
    this.#header = header;
    this.capacity = capacity;
    this.columns = columns;
    this.portColumns = portColumns;
    this.stride = 2 * columns + 2;
    let at = HEADER_WORDS * 4;
    this.rows = new Float64Array(buffer, at, capacity * this.stride);
    at += this.rows.byteLength;
    this.lowestPriority = new Int32Array(buffer, at, capacity);
    at += this.lowestPriority.byteLength;
    this.#log = new Int32Array(buffer, at, CHANGE_LOG_NODES);
    at += this.#log.byteLength;
    this.ports = new Uint16Array(buffer, at, capacity * portColumns);
    at += this.ports.byteLength;
    this.live = new Uint8Array(buffer, at, capacity);
  }

  /** An empty cluster. `identity` tells clusters apart in a worker that serves several. */
  static create(identity: number, capacity: number = NODES_INITIAL, columns: number = FIXED_COLUMNS, portColumns = 0): Cluster {
    const bytes =
      HEADER_WORDS * 4 + capacity * (2 * columns + 2) * 8 + capacity * 4 + CHANGE_LOG_NODES * 4 + capacity * portColumns * 2 + capacity;
    const buffer = new SharedArrayBuffer(bytes);
    const header = new Int32Array(buffer, 0, HEADER_WORDS);
    header[CAPACITY] = capacity;
    header[COLUMNS] = columns;
    header[PORT_COLUMNS] = portColumns;
    header[IDENTITY] = identity;
    const cluster = new Cluster(buffer);
    cluster.lowestPriority.fill(NO_PRIORITY);
    return cluster;
  }

  /** The cluster that another thread made. */
  static over(buffer: SharedArrayBuffer): Cluster {
    return new Cluster(buffer);
  }

  get identity(): number {
    return this.#header[IDENTITY] ?? 0;
  }

  /** Slots in use are below this number. */
  get nodes(): number {
    return this.#header[NODES] ?? 0;
  }

  /** Counts changes of nodes; wraps at 2^32. */
  get changes(): number {
    return this.#header[CHANGES] ?? 0;
  }

  /** The slot of the change with this number; it must be at most CHANGE_LOG_NODES old. */
  changedAt(change: number): number {
    return this.#log[change & (CHANGE_LOG_NODES - 1)] ?? 0;
  }

  /** Tells the indexes that what they know of this slot is stale. */
  touch(slot: number): void {
    const change = this.#header[CHANGES] ?? 0;
    this.#log[change & (CHANGE_LOG_NODES - 1)] = slot;
    this.#header[CHANGES] = (change + 1) | 0;
  }

  /** A copy with room for at least this much; everything keeps its number. */
  grown(capacity: number, columns: number, portColumns: number): Cluster {
    const next = Cluster.create(this.identity, doubled(this.capacity, capacity), columns, doubled(this.portColumns, portColumns));
    next.#header[NODES] = this.nodes;
    next.#header[CHANGES] = this.changes;
    next.#log.set(this.#log);
    next.live.set(this.live);
    next.lowestPriority.set(this.lowestPriority);
    for (let slot = 0; slot < this.nodes; slot++) {
      const from = slot * this.stride;
      const to = slot * next.stride;
      next.rows.set(this.rows.subarray(from, from + this.columns), to);
      next.rows.set(this.rows.subarray(from + this.columns, from + 2 * this.columns), to + next.columns);
      next.rows.set(this.rows.subarray(from + 2 * this.columns, from + this.stride), to + 2 * next.columns);
      next.ports.set(this.ports.subarray(slot * this.portColumns, (slot + 1) * this.portColumns), slot * next.portColumns);
    }
    return next;
  }

  /** Makes a slot live, empty and allocatable to these amounts by column. The slot must be below `capacity`. */
  open(slot: number, allocatable: Float64Array): void {
    this.rows.fill(0, slot * this.stride, (slot + 1) * this.stride);
    this.ports.fill(0, slot * this.portColumns, (slot + 1) * this.portColumns);
    this.lowestPriority[slot] = NO_PRIORITY;
    this.live[slot] = 1;
    if (slot >= this.nodes) this.#header[NODES] = slot + 1;
    this.allocate(slot, allocatable);
  }

  /** The node is gone; its pods' usage goes with it. */
  close(slot: number): void {
    this.live[slot] = 0;
    this.touch(slot);
  }

  /** Sets what the node can give, by column. */
  allocate(slot: number, allocatable: Float64Array): void {
    const row = slot * this.stride;
    this.rows.fill(0, row, row + this.columns);
    this.rows.set(allocatable.subarray(0, this.columns), row);
    this.touch(slot);
  }

  allocatable(slot: number, column: number): number {
    return this.rows[slot * this.stride + column] ?? 0;
  }

  requested(slot: number, column: number): number {
    return this.rows[slot * this.stride + this.columns + column] ?? 0;
  }

  /** A pod of this usage is on the node now. */
  add(slot: number, usage: Usage): void {
    this.#change(slot, usage, 1);
  }

  /** A pod of this usage has left the node. */
  remove(slot: number, usage: Usage): void {
    this.#change(slot, usage, -1);
  }

  #change(slot: number, usage: Usage, sign: 1 | -1): void {
    const rows = this.rows;
    const requested = slot * this.stride + this.columns;
    const { columns, amounts, portsTaken } = usage;
    for (let i = 0; i < columns.length; i++) {
      const at = requested + (columns[i] as number);
      rows[at] = (rows[at] as number) + sign * (amounts[i] as number);
    }
    rows[requested + PODS] = (rows[requested + PODS] as number) + sign;
    const nonzero = requested + this.columns;
    rows[nonzero] = (rows[nonzero] as number) + sign * usage.nonzeroCpu_milli;
    rows[nonzero + 1] = (rows[nonzero + 1] as number) + sign * usage.nonzeroMemory_bytes;
    const ports = slot * this.portColumns;
    for (let i = 0; i < portsTaken.length; i++) {
      const at = ports + (portsTaken[i] as number);
      this.ports[at] = (this.ports[at] as number) + sign;
    }
    this.touch(slot);
  }
}

function doubled(now: number, wanted: number): number {
  if (wanted <= now) return now;
  let next = Math.max(now, 4);
  while (next < wanted) next *= 2;
  return next;
}
