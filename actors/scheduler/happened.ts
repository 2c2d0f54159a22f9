import type { NodeFacts, NodeMove } from "../../scheduler-core/mod.ts";

/** What has happened since waiting pods were last looked at that may help some of them. */
export class Happened {
  /** Slots with more room. */
  readonly freed: Set<number> = new Set();
  /** Slots of nodes that have come, or have other labels or taints, with what they were before; undefined: there was none. */
  readonly altered: Map<number, NodeFacts | undefined> = new Map();
  /** Marks that more pods raise, and those that fewer do. */
  readonly raised: Set<number> = new Set();
  readonly lowered: Set<number> = new Set();
  #moves: NodeMove[] = [];
  /** Namespaces have other labels, and terms ask for these. */
  isRenamed = false;

  get moves(): readonly NodeMove[] {
    return this.#moves;
  }

  get isNothing(): boolean {
    const { freed, altered, raised, lowered } = this;
    return freed.size + altered.size + raised.size + lowered.size + this.#moves.length === 0 && !this.isRenamed;
  }

  /** A node has come (nothing before) or changed, or is what it was but for what it gives. */
  nodeTaken(slot: number, before: NodeFacts | undefined, now: NodeFacts): void {
    const isMoved = this.#moved(before, now);
    this.freed.add(slot);
    if ((isMoved || before?.unschedulable !== now.unschedulable) && !this.altered.has(slot)) this.altered.set(slot, before);
  }

  nodeGone(slot: number, before: NodeFacts | undefined): void {
    this.#moved(before, undefined);
    this.freed.delete(slot);
    this.altered.delete(slot);
  }

  /** Notes what other pods' say may depend on; answers whether there is any of that. */
  #moved(before: NodeFacts | undefined, now: NodeFacts | undefined): boolean {
    const isRetainted = JSON.stringify(before?.taints) !== JSON.stringify(now?.taints);
    const isRelabelled = JSON.stringify(before?.labels) !== JSON.stringify(now?.labels);
    if (isRetainted || isRelabelled) this.#moves.push({ before: before?.labels, now: now?.labels, isRetainted });
    return isRetainted || isRelabelled;
  }

  clear(): void {
    this.freed.clear();
    this.altered.clear();
    this.raised.clear();
    this.lowered.clear();
    this.#moves = [];
    this.isRenamed = false;
  }
}
