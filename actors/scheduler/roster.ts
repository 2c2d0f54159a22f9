import { type Inventory, NO_PRIORITY, type Peer, type Usage } from "../../scheduler-core/mod.ts";

/** A pod as its node sees it. */
export interface Tenant {
  readonly usage: Usage;
  readonly priority: number;
  /** Undefined: no other pod's terms mean it, and it has none. */
  readonly peer?: Peer | undefined;
}

/**
 * Which pods are on which node, by name. A node may be unknown yet or gone: its pods are remembered and counted when it appears.
 * Invariant: the usage of every tenant of a live node is in the cluster's arrays exactly once.
 */
export class Roster<T extends Tenant> {
  readonly #inventory: Inventory;
  readonly #tenants = new Map<string, Set<T>>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  on(node: string): ReadonlySet<T> {
    return this.#tenants.get(node) ?? new Set();
  }

  /** The pod is on the node now. `counted`: its usage is in the arrays already, put there by a worker. */
  enter(tenant: T, node: string, counted = false): void {
    const tenants = this.#tenants.get(node);
    if (tenants === undefined) this.#tenants.set(node, new Set([tenant]));
    else tenants.add(tenant);
    const slot = this.#inventory.slotOf(node);
    if (slot === undefined) return;
    this.#inventory.enter(slot, tenant.usage, tenant.peer, counted);
    const { cluster } = this.#inventory;
    if (tenant.priority < (cluster.lowestPriority[slot] ?? NO_PRIORITY)) cluster.lowestPriority[slot] = tenant.priority;
  }

  /** The pod has left the node; answers the slot that has more room now. */
  leave(tenant: T, node: string): number | undefined {
    const tenants = this.#tenants.get(node);
    if (!tenants?.delete(tenant)) return undefined;
    if (tenants.size === 0) this.#tenants.delete(node);
    const slot = this.#inventory.slotOf(node);
    if (slot === undefined) return undefined;
    this.#inventory.leave(slot, tenant.usage, tenant.peer);
    const { cluster } = this.#inventory;
    if (cluster.lowestPriority[slot] === tenant.priority) {
      let lowest = NO_PRIORITY;
      for (const { priority } of tenants) lowest = Math.min(lowest, priority);
      cluster.lowestPriority[slot] = lowest;
    }
    return slot;
  }

  /** Something changes by which the pods of a node are counted. */
  recount(node: string, slot: number, change: () => void): void {
    for (const { usage, peer } of this.on(node)) this.#inventory.leave(slot, usage, peer);
    change();
    for (const { usage, peer } of this.on(node)) this.#inventory.enter(slot, usage, peer);
  }

  /** A node has appeared, empty: counts the pods that are there already. */
  opened(node: string, slot: number): void {
    for (const { usage, priority, peer } of this.on(node)) {
      this.#inventory.enter(slot, usage, peer);
      const { cluster } = this.#inventory;
      cluster.lowestPriority[slot] = Math.min(cluster.lowestPriority[slot] ?? NO_PRIORITY, priority);
    }
  }
}
