import type { AddressPlan } from "./cidr.ts";

/** What the cluster's own nodes are called. */
export function numberedName(number: number): string {
  return `node-${number}`;
}

/** `node-12` wants index 12, and the addresses that go with it. */
const NUMBERED = /^node-(0|[1-9]\d{0,4})$/;

/**
 * Which index, and so which addresses, each node has: that of the pod range that it has already, else that of its number, else the last
 * free one, far away from those of numbered nodes. No two nodes share one.
 */
export class NodeIndexes {
  readonly #byName = new Map<string, number>();
  readonly #taken = new Set<number>();
  readonly #addresses: AddressPlan;
  #last: number;

  constructor(addresses: AddressPlan) {
    this.#addresses = addresses;
    this.#last = addresses.nodesMax - 1;
  }

  /** The index of the node, from now until its release; undefined when there is none left. `podCidr` is its `spec.podCIDR`. */
  take(name: string, podCidr: string | undefined): number | undefined {
    const before = this.#byName.get(name);
    if (before !== undefined) return before;
    const number = NUMBERED.exec(name)?.[1];
    const wishes = [
      podCidr === undefined ? undefined : this.#addresses.indexOfPodCidr(podCidr),
      number === undefined ? undefined : Number(number),
    ];
    const index =
      wishes.find((wish) => wish !== undefined && wish < this.#addresses.nodesMax && !this.#taken.has(wish)) ?? this.#lastFree();
    if (index === undefined) return undefined;
    this.#byName.set(name, index);
    this.#taken.add(index);
    return index;
  }

  release(name: string): void {
    const index = this.#byName.get(name);
    if (index === undefined) return;
    this.#byName.delete(name);
    this.#taken.delete(index);
    this.#last = Math.max(this.#last, index);
  }

  #lastFree(): number | undefined {
    while (this.#last >= 0 && this.#taken.has(this.#last)) this.#last--;
    return this.#last < 0 ? undefined : this.#last;
  }
}
