import type { Node, Pod } from "../../../actors/kinds/generated/types.ts";
import { amountOf, podRequests } from "../../../actors/scheduler/resource-needs.ts";
import {
  CORDONED,
  DISK_PRESSURE,
  type FeedLine,
  MEMORY_PRESSURE,
  NO_NETWORK,
  NOT_READY,
  type NodeRow,
  PID_PRESSURE,
  type Totals,
  type UseRow,
} from "../web/map/feed-lines.ts";

/** Where zones are said. */
const ZONE = "topology.kubernetes.io/zone";
const CONDITION_BITS: Readonly<Record<string, number>> = {
  MemoryPressure: MEMORY_PRESSURE,
  DiskPressure: DISK_PRESSURE,
  PIDPressure: PID_PRESSURE,
  NetworkUnavailable: NO_NETWORK,
};
/** Rows in one line: a line is made in one go. */
const ROWS_MAX = 500;

type PodState = "running" | "unready" | "pending" | "failed" | "succeeded";

/** What a pod adds to its node. */
interface Share {
  readonly node: string;
  readonly state: PodState;
  readonly cpu: number;
  readonly memory: number;
}

/** A node by its name: there from when the first pod names it, shown from when its Node is there. */
interface Cell {
  readonly number: number;
  row: NodeRow | undefined;
  cpu: number;
  memory: number;
  readonly counts: Record<PodState, number>;
  pods: number;
}

/**
 * The cluster as the map shows it: sums per node, kept up as nodes and pods change. It holds to this: what a cell has is the sum of the shares of the pods
 * that name it; a number stands for one node from its first line to its `gone`.
 */
export class ClusterPicture {
  readonly #cells = new Map<string, Cell>();
  readonly #shares = new Map<string, Share>();
  readonly #free: number[] = [];
  #next = 0;
  readonly #totals: Record<PodState | "unscheduled", number> = {
    running: 0,
    unready: 0,
    pending: 0,
    unscheduled: 0,
    failed: 0,
    succeeded: 0,
  };
  /** What is to be told. */
  #changedNodes = new Set<Cell>();
  #changedUse = new Set<Cell>();
  #gone: number[] = [];

  get totals(): Totals {
    return this.#totals;
  }

  /** `node` is undefined when it is gone. */
  takeNode(name: string, node: Node | undefined): void {
    if (node === undefined) {
      const cell = this.#cells.get(name);
      if (cell?.row === undefined) return;
      cell.row = undefined;
      this.#changedNodes.delete(cell);
      this.#gone.push(cell.number);
      this.#drop(name, cell);
      return;
    }
    const cell = this.#cell(name);
    const row = rowOf(cell.number, node);
    if (cell.row !== undefined && isSame(cell.row, row)) return;
    cell.row = row;
    this.#changedNodes.add(cell);
    this.#changedUse.add(cell);
  }

  /** `pod` is undefined when it is gone. */
  takePod(key: string, pod: Pod | undefined): void {
    const before = this.#shares.get(key);
    const now = pod === undefined ? undefined : shareOf(pod);
    if (before !== undefined) this.#add(before, -1);
    if (now === undefined) this.#shares.delete(key);
    else {
      this.#shares.set(key, now);
      this.#add(now, 1);
    }
    if (before !== undefined && before.node !== now?.node) this.#drop(before.node, this.#cells.get(before.node));
  }

  /** What has changed since this was called last, as lines. */
  changes(): readonly FeedLine[] {
    const lines: FeedLine[] = [];
    if (this.#gone.length > 0) lines.push({ gone: this.#gone });
    lines.push(...nodeLines([...this.#changedNodes]), ...useLines([...this.#changedUse]));
    this.#gone = [];
    this.#changedNodes = new Set();
    this.#changedUse = new Set();
    return lines;
  }

  /** All of it, for who has seen nothing. Each line is as new as the moment it is asked for, so that changes may be told in between. */
  *whole(): Generator<FeedLine> {
    yield { reset: true };
    const cells = [...this.#cells.values()];
    yield* nodeLines(cells);
    yield* useLines(cells);
  }

  #add({ node, state, cpu, memory }: Share, sign: 1 | -1): void {
    this.#totals[node === "" && state === "pending" ? "unscheduled" : state] += sign;
    if (node === "") return;
    const cell = this.#cell(node);
    cell.pods += sign;
    cell.counts[state] += sign;
    this.#changedUse.add(cell);
    // What is at its end takes nothing.
    if (state === "failed" || state === "succeeded") return;
    cell.cpu += cpu * sign;
    cell.memory += memory * sign;
  }

  #cell(name: string): Cell {
    let cell = this.#cells.get(name);
    if (cell === undefined) {
      const counts = { running: 0, unready: 0, pending: 0, failed: 0, succeeded: 0 };
      cell = { number: this.#free.pop() ?? this.#next++, row: undefined, cpu: 0, memory: 0, counts, pods: 0 };
      this.#cells.set(name, cell);
    }
    return cell;
  }

  /** Forgets a cell that nothing names any more. */
  #drop(name: string, cell: Cell | undefined): void {
    if (cell === undefined || cell.row !== undefined || cell.pods > 0) return;
    this.#cells.delete(name);
    this.#changedUse.delete(cell);
    this.#free.push(cell.number);
  }
}

function* nodeLines(cells: readonly Cell[]): Generator<FeedLine> {
  for (let at = 0; at < cells.length; at += ROWS_MAX)
    yield { nodes: cells.slice(at, at + ROWS_MAX).flatMap(({ row }) => (row === undefined ? [] : [row])) };
}

function* useLines(cells: readonly Cell[]): Generator<FeedLine> {
  for (let at = 0; at < cells.length; at += ROWS_MAX) yield { use: cells.slice(at, at + ROWS_MAX).flatMap(useOf) };
}

function useOf({ number, row, cpu, memory, counts }: Cell): UseRow[] {
  const { running, unready, pending, failed } = counts;
  return row === undefined ? [] : [[number, cpu, memory, running, unready, pending, failed]];
}

function rowOf(number: number, { metadata, spec, status }: Node): NodeRow {
  const { cpu = "0", memory = "0", pods = "0" } = status?.allocatable ?? {};
  let state = spec?.unschedulable === true ? CORDONED : 0;
  let isReady = false;
  for (const { type, status: is } of status?.conditions ?? []) {
    if (type === "Ready") isReady = is === "True";
    else if (is === "True") state |= CONDITION_BITS[type] ?? 0;
  }
  if (!isReady) state |= NOT_READY;
  const zone = metadata?.labels?.[ZONE] ?? "";
  return [number, metadata?.name ?? "", zone, state, amountOf("cpu", cpu), amountOf("memory", memory), amountOf("pods", pods)];
}

function isSame(a: NodeRow, b: NodeRow): boolean {
  return a.every((value, at) => value === b[at]);
}

function shareOf(pod: Pod): Share {
  const { cpu = 0, memory = 0 } = podRequests(pod);
  return { node: pod.spec.nodeName ?? "", state: stateOf(pod), cpu, memory };
}

function stateOf({ status }: Pod): PodState {
  switch (status?.phase) {
    case "Running":
      return status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true ? "running" : "unready";
    case "Failed":
      return "failed";
    case "Succeeded":
      return "succeeded";
    default:
      return "pending";
  }
}
