import { type Attachments, FIXED_COLUMNS, PODS, type Usage } from "./usage.ts";

/** Nodes for which a new cluster has room; it doubles when they are used up. */
const NODES_INITIAL = 64;
/** Changed nodes that are remembered; an index that is further behind is built anew. A power of two. */
export const CHANGE_LOG_NODES: number = 1 << 15;
/** The priority of no pod at all: higher than any that exists. */
export const NO_PRIORITY = 0x7fffffff;

const HEADER_WORDS = 8;
const [NODES, CAPACITY, COLUMNS, PORT_COLUMNS, CHANGES, IDENTITY, MARK_COLUMNS, KEY_COLUMNS] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const NO_MARKS: Int32Array = new Int32Array(0);
/** The domain of a node that lacks the topology key's label. */
export const NO_DOMAIN = -1;

/** How wide each part of a cluster's arrays is. */
interface Widths {
  readonly capacity: number;
  readonly columns: number;
  readonly portColumns: number;
  readonly markColumns: number;
  readonly keyColumns: number;
}

/**
 * The nodes of a cluster and what their pods take from them, flat in one SharedArrayBuffer, so that a worker thread sees it
 * by reference. A node is a slot number; slots of deleted nodes are used again.
 *
 * Layout: header (Int32) | rows (Float64, one per slot) | lowest priority (Int32) | change log (Int32) | domains (Int32) | mark totals
 * (Int32) | ports (Uint16) | marks (Uint16) | live (Uint8). A row is allocatable by column, requested by column, nonzero-requested cpu and memory: what one node's filters and scores need
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
  /** Predicates on pods that somebody counts; see `Marks`. */
  readonly markColumns: number;
  /** Topology keys that somebody asks about. */
  readonly keyColumns: number;
  /** How many times the pods of a slot raise a mark, by `slot * markColumns + mark`. */
  readonly marks: Uint16Array;
  /** The same over all nodes. */
  readonly markTotals: Int32Array;
  /** The number of the topology domain that a slot is in, by `slot * keyColumns + key`; NO_DOMAIN without the label. Kept by the owner. */
  readonly domains: Int32Array;
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
    this.markColumns = header[MARK_COLUMNS] ?? 0;
    this.keyColumns = header[KEY_COLUMNS] ?? 0;
    this.stride = 2 * columns + 2;
    let at = HEADER_WORDS * 4;
    this.rows = new Float64Array(buffer, at, capacity * this.stride);
    at += this.rows.byteLength;
    this.lowestPriority = new Int32Array(buffer, at, capacity);
    at += this.lowestPriority.byteLength;
    this.#log = new Int32Array(buffer, at, CHANGE_LOG_NODES);
    at += this.#log.byteLength;
    this.domains = new Int32Array(buffer, at, capacity * this.keyColumns);
    at += this.domains.byteLength;
    this.markTotals = new Int32Array(buffer, at, this.markColumns);
    at += this.markTotals.byteLength;
    this.ports = new Uint16Array(buffer, at, capacity * portColumns);
    at += this.ports.byteLength;
    this.marks = new Uint16Array(buffer, at, capacity * this.markColumns);
    at += this.marks.byteLength;
    this.live = new Uint8Array(buffer, at, capacity);
  }

  /** An empty cluster. `identity` tells clusters apart in a worker that serves several. */
  static create(
    identity: number,
    capacity: number = NODES_INITIAL,
    columns: number = FIXED_COLUMNS,
    portColumns = 0,
    markColumns = 0,
    keyColumns = 0,
  ): Cluster {
    const buffer = new SharedArrayBuffer(bytesOf({ capacity, columns, portColumns, markColumns, keyColumns }));
    const header = new Int32Array(buffer, 0, HEADER_WORDS);
    header[CAPACITY] = capacity;
    header[COLUMNS] = columns;
    header[PORT_COLUMNS] = portColumns;
    header[MARK_COLUMNS] = markColumns;
    header[KEY_COLUMNS] = keyColumns;
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
  grown(capacity: number, columns: number, portColumns: number, markColumns = 0, keyColumns = 0): Cluster {
    const next = Cluster.create(
      this.identity,
      doubled(this.capacity, capacity),
      columns,
      doubled(this.portColumns, portColumns),
      doubled(this.markColumns, markColumns),
      doubled(this.keyColumns, keyColumns),
    );
    next.#header[NODES] = this.nodes;
    next.#header[CHANGES] = this.changes;
    next.#log.set(this.#log);
    next.live.set(this.live);
    next.lowestPriority.set(this.lowestPriority);
    next.markTotals.set(this.markTotals);
    copyRows(this.ports, this.portColumns, next.ports, next.portColumns);
    copyRows(this.marks, this.markColumns, next.marks, next.markColumns);
    copyRows(this.domains, this.keyColumns, next.domains, next.keyColumns);
    if (this.columns === next.columns) next.rows.set(this.rows);
    else {
      for (let slot = 0; slot < this.nodes; slot++) {
        const from = slot * this.stride;
        const to = slot * next.stride;
        next.rows.set(this.rows.subarray(from, from + this.columns), to);
        next.rows.set(this.rows.subarray(from + this.columns, from + 2 * this.columns), to + next.columns);
        next.rows.set(this.rows.subarray(from + 2 * this.columns, from + this.stride), to + 2 * next.columns);
      }
    }
    return next;
  }

  /** A copy without marks and domains, under another identity, so that nobody takes what was worked out over this one for current. */
  withoutMarks(identity: number): Cluster {
    const next = Cluster.create(identity, this.capacity, this.columns, this.portColumns);
    next.#header[NODES] = this.nodes;
    next.rows.set(this.rows);
    next.ports.set(this.ports);
    next.live.set(this.live);
    next.lowestPriority.set(this.lowestPriority);
    return next;
  }

  /** Makes a slot live, empty and allocatable to these amounts by column. The slot must be below `capacity`. */
  open(slot: number, allocatable: Float64Array): void {
    this.rows.fill(0, slot * this.stride, (slot + 1) * this.stride);
    this.ports.fill(0, slot * this.portColumns, (slot + 1) * this.portColumns);
    this.domains.fill(NO_DOMAIN, slot * this.keyColumns, (slot + 1) * this.keyColumns);
    this.lowestPriority[slot] = NO_PRIORITY;
    this.live[slot] = 1;
    if (slot >= this.nodes) this.#header[NODES] = slot + 1;
    this.allocate(slot, allocatable);
  }

  /** The node is gone; its pods' usage goes with it. */
  close(slot: number): void {
    this.live[slot] = 0;
    for (let mark = 0; mark < this.markColumns; mark++) this.mark(slot, mark, -(this.marks[slot * this.markColumns + mark] as number));
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

  /** A pod of this usage, which raises these marks, is on the node now. */
  add(slot: number, usage: Usage, marks: Int32Array = NO_MARKS): void {
    this.#change(slot, usage, marks, 1);
  }

  /** Such a pod has left the node. */
  remove(slot: number, usage: Usage, marks: Int32Array = NO_MARKS): void {
    this.#change(slot, usage, marks, -1);
  }

  /** The pods of a node raise a mark so many times more. */
  mark(slot: number, mark: number, times: number): void {
    const at = slot * this.markColumns + mark;
    this.marks[at] = (this.marks[at] as number) + times;
    this.markTotals[mark] = (this.markTotals[mark] as number) + times;
  }

  #change(slot: number, usage: Usage, marks: Int32Array, sign: 1 | -1): void {
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
    if (usage.attachments !== undefined) this.#attach(requested, usage.attachments, sign);
    for (let i = 0; i < marks.length; i++) this.mark(slot, marks[i] as number, sign);
    this.touch(slot);
  }

  /** Some of the volumes in a column of attachments are attached once more or once less than the pods of a slot say. */
  attached(slot: number, column: number, times: number): void {
    const at = slot * this.stride + this.columns + column;
    this.rows[at] = (this.rows[at] as number) + times;
    this.touch(slot);
  }

  #attach(requested: number, { columns, amounts }: Attachments, sign: 1 | -1): void {
    for (let i = 0; i < columns.length; i++) {
      const at = requested + (columns[i] as number);
      this.rows[at] = (this.rows[at] as number) + sign * (amounts[i] as number);
    }
  }
}

function bytesOf({ capacity, columns, portColumns, markColumns, keyColumns }: Widths): number {
  const perSlot = (2 * columns + 2) * 8 + 4 + keyColumns * 4 + portColumns * 2 + markColumns * 2 + 1;
  return (HEADER_WORDS + CHANGE_LOG_NODES + markColumns) * 4 + capacity * perSlot;
}

function doubled(now: number, wanted: number): number {
  if (wanted <= now) return now;
  let next = Math.max(now, 4);
  while (next < wanted) next *= 2;
  return next;
}

/** Copies rows into rows that are at least as wide. */
function copyRows<T extends Int32Array | Uint16Array>(from: T, width: number, to: T, wider: number): void {
  if (width === wider) to.set(from);
  else for (let row = 0; row * width < from.length; row++) to.set(from.subarray(row * width, (row + 1) * width), row * wider);
}
