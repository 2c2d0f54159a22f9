import { CORDONED, type FeedLine, NO_NETWORK, NOT_READY, PRESSURE, type Totals } from "./feed-lines.ts";

/** What cells are coloured by. */
export type By = "cpu" | "memory" | "pods";

export interface MapNode {
  readonly number: number;
  name: string;
  zone: string;
  state: number;
  cpuMax: number;
  memoryMax: number;
  podsMax: number;
  cpu: number;
  memory: number;
  running: number;
  unready: number;
  pending: number;
  failed: number;
  /** The use that the cell shows; it follows the true one. */
  shown: number;
  /** The corner of its cell, in the layout's pixels. */
  x: number;
  y: number;
}

const NOBODY: Totals = { running: 0, unready: 0, pending: 0, unscheduled: 0, failed: 0, succeeded: 0 };
/** The share of the way to the true use that a cell goes in a millisecond. */
const EASE_A_MS = 0.008;
const SETTLED = 0.002;

/** The cluster as the feed tells it. */
export class MapModel {
  readonly nodes: Map<number, MapNode> = new Map<number, MapNode>();
  totals: Totals = NOBODY;
  /** All pods have been counted. */
  isWhole = false;
  /** Changes when nodes come, go, or change their zone. */
  places = 0;

  take(line: FeedLine): void {
    if ("nodes" in line) for (const row of line.nodes) this.#takeNode(row);
    else if ("use" in line) for (const row of line.use) this.#takeUse(row);
    else if ("gone" in line) {
      for (const number of line.gone) this.nodes.delete(number);
      this.places++;
    } else if ("reset" in line) {
      this.nodes.clear();
      this.places++;
    } else {
      this.totals = line.totals;
      this.isWhole = line.whole;
    }
  }

  /** Moves what cells show towards what is. False: they are there. */
  ease(by: By, elapsed_ms: number): boolean {
    const share = Math.min(1, elapsed_ms * EASE_A_MS);
    let isMoving = false;
    for (const node of this.nodes.values()) {
      const way = useOf(node, by) - node.shown;
      if (Math.abs(way) < SETTLED) {
        node.shown += way;
        continue;
      }
      node.shown += way * share;
      isMoving = true;
    }
    return isMoving;
  }

  #takeNode([number, name, zone, state, cpuMax, memoryMax, podsMax]: Extract<FeedLine, { nodes: unknown }>["nodes"][number]): void {
    const node = this.nodes.get(number);
    if (node === undefined) {
      const nothing = { cpu: 0, memory: 0, running: 0, unready: 0, pending: 0, failed: 0, shown: 0, x: 0, y: 0 };
      this.nodes.set(number, { number, name, zone, state, cpuMax, memoryMax, podsMax, ...nothing });
      this.places++;
      return;
    }
    if (node.name !== name || node.zone !== zone) this.places++;
    Object.assign(node, { name, zone, state, cpuMax, memoryMax, podsMax });
  }

  #takeUse([number, cpu, memory, running, unready, pending, failed]: Extract<FeedLine, { use: unknown }>["use"][number]): void {
    const node = this.nodes.get(number);
    if (node !== undefined) Object.assign(node, { cpu, memory, running, unready, pending, failed });
  }
}

/** How much of a node is taken, 0 to 1. */
export function useOf(node: MapNode, by: By): number {
  switch (by) {
    case "cpu":
      return shareOf(node.cpu, node.cpuMax);
    case "memory":
      return shareOf(node.memory, node.memoryMax);
    case "pods":
      return shareOf(podsOn(node), node.podsMax);
  }
}

export function podsOn({ running, unready, pending }: MapNode): number {
  return running + unready + pending;
}

function shareOf(taken: number, of: number): number {
  return of <= 0 ? 0 : Math.min(1, taken / of);
}

/** The sums over all nodes. */
export interface Sums {
  nodes: number;
  /** With a problem of any kind, and those that take no new pods. */
  troubled: number;
  down: number;
  pressed: number;
  cordoned: number;
  cpu: number;
  cpuMax: number;
  memory: number;
  memoryMax: number;
  pods: number;
  podsMax: number;
}

/** How many nodes there are in each tenth of use, and the sums. */
export function summarize(nodes: Iterable<MapNode>, by: By): { readonly sums: Sums; readonly tenths: readonly number[] } {
  const sums: Sums = {
    nodes: 0,
    troubled: 0,
    down: 0,
    pressed: 0,
    cordoned: 0,
    cpu: 0,
    cpuMax: 0,
    memory: 0,
    memoryMax: 0,
    pods: 0,
    podsMax: 0,
  };
  const tenths = new Array<number>(10).fill(0);
  for (const node of nodes) {
    sums.nodes++;
    if (node.state !== 0) sums.troubled++;
    if ((node.state & (NOT_READY | NO_NETWORK)) !== 0) sums.down++;
    if ((node.state & PRESSURE) !== 0) sums.pressed++;
    if ((node.state & CORDONED) !== 0) sums.cordoned++;
    sums.cpu += node.cpu;
    sums.cpuMax += node.cpuMax;
    sums.memory += node.memory;
    sums.memoryMax += node.memoryMax;
    sums.pods += podsOn(node);
    sums.podsMax += node.podsMax;
    const tenth = Math.min(9, Math.floor(useOf(node, by) * 10));
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  return { sums, tenths };
}
