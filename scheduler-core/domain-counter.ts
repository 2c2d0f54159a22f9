import { type Cluster, NO_DOMAIN } from "./cluster.ts";
import type { MarkedKey } from "./relations.ts";

/** How often the pods of each topology domain raise a mark. */
export class DomainCounter {
  readonly mark: number;
  readonly counts: Int32Array;
  readonly #cluster: Cluster;
  readonly #key: number;

  constructor(cluster: Cluster, { mark, key, domains }: MarkedKey) {
    this.mark = mark;
    this.counts = new Int32Array(domains);
    this.#cluster = cluster;
    this.#key = key;
  }

  /** Counts all nodes. */
  static of(cluster: Cluster, what: MarkedKey): DomainCounter {
    const counter = new DomainCounter(cluster, what);
    if (cluster.markTotals[what.mark] === 0) return counter;
    for (let slot = 0; slot < cluster.nodes; slot++) {
      if (cluster.live[slot] === 1) counter.countNode(slot);
    }
    return counter;
  }

  /** Adds what the node's pods raise now. */
  countNode(slot: number): void {
    this.change(slot, this.#cluster.marks[slot * this.#cluster.markColumns + this.mark] as number);
  }

  /** The node's pods raise the mark so many times more. */
  change(slot: number, times: number): void {
    const domain = this.domainOf(slot);
    if (domain !== NO_DOMAIN) this.counts[domain] = (this.counts[domain] as number) + times;
  }

  domainOf(slot: number): number {
    return this.#cluster.domains[slot * this.#cluster.keyColumns + this.#key] as number;
  }

  /** The count of the node's domain; 0 when it is in none. */
  at(slot: number): number {
    const domain = this.domainOf(slot);
    return domain === NO_DOMAIN ? 0 : (this.counts[domain] as number);
  }
}

/** How often a list of marks has this one. */
export function timesIn(marks: Int32Array, mark: number): number {
  let times = 0;
  for (let i = 0; i < marks.length; i++) if (marks[i] === mark) times++;
  return times;
}
