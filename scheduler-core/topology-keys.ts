import { type Cluster, NO_DOMAIN } from "./cluster.ts";
import type { NodeFacts } from "./facts.ts";

/** Gives topology keys their columns and the values of each key their domain numbers, in order of appearance. */
export class TopologyKeys {
  readonly #columns = new Map<string, number>();
  readonly #domains: Map<string, number>[] = [];

  get count(): number {
    return this.#domains.length;
  }

  column(key: string): number | undefined {
    return this.#columns.get(key);
  }

  name(column: number): string {
    for (const [key, at] of this.#columns) if (at === column) return key;
    throw new Error(`no topology key has the column ${column}`);
  }

  add(key: string): number {
    const column = this.#domains.length;
    this.#columns.set(key, column);
    this.#domains.push(new Map());
    return column;
  }

  /** Of the key that has the most, how many domains. */
  get domainsMost(): number {
    return Math.max(0, ...this.#domains.map(({ size }) => size));
  }

  /** How many domains the key has. */
  domains(column: number): number {
    return this.#domains[column]?.size ?? 0;
  }

  /** Writes the domains of a node into the cluster; `only` is one key's column. */
  write(cluster: Cluster, slot: number, { labels }: NodeFacts, only?: number): void {
    for (const [key, column] of this.#columns) {
      if (only !== undefined && only !== column) continue;
      const value = labels[key];
      cluster.domains[slot * cluster.keyColumns + column] = value === undefined ? NO_DOMAIN : this.#domainOf(column, value);
    }
  }

  #domainOf(column: number, value: string): number {
    const domains = this.#domains[column] as Map<string, number>;
    let domain = domains.get(value);
    if (domain === undefined) {
      domain = domains.size;
      domains.set(value, domain);
    }
    return domain;
  }
}
