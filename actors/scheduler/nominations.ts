import type { Guest, Inventory, Usage } from "../../scheduler-core/mod.ts";
import type { PodRecord } from "./pod-record.ts";
import type { Roster } from "./roster.ts";

/** Room that is kept on a node for a pod whose victims are leaving it: a tenant that is not there yet. */
export class Reservation {
  readonly nominee: PodRecord;
  readonly usage: Usage;
  readonly priority: number;
  /** Before the pod is there, only those on its own node have to get on with it: see `guests`. */
  readonly peer: undefined = undefined;

  constructor(nominee: PodRecord) {
    this.nominee = nominee;
    this.usage = nominee.usage;
    this.priority = nominee.priority;
  }
}

interface Nomination {
  readonly node: string;
  readonly reservation: Reservation;
  /** Whether the reservation counts in the arrays; not while the nominee is being decided. */
  isHeld: boolean;
}

/**
 * Pods that wait for victims of theirs to leave a node, by status.nominatedNodeName. Others do not get the room: it is reserved in the
 * arrays until the nominee is decided again.
 */
export class Nominations {
  readonly #inventory: Inventory;
  readonly #roster: Roster<PodRecord | Reservation>;
  readonly #nominations = new Map<PodRecord, Nomination>();

  constructor(inventory: Inventory, roster: Roster<PodRecord | Reservation>) {
    this.#inventory = inventory;
    this.#roster = roster;
  }

  nodeOf(nominee: PodRecord): string | undefined {
    return this.#nominations.get(nominee)?.node;
  }

  set(nominee: PodRecord, node: string): void {
    this.clear(nominee);
    this.#nominations.set(nominee, { node, reservation: new Reservation(nominee), isHeld: false });
    this.hold(nominee);
  }

  /** Takes the room for the nominee, if it has a nomination. */
  hold(nominee: PodRecord): void {
    const nomination = this.#nominations.get(nominee);
    if (nomination === undefined || nomination.isHeld) return;
    nomination.isHeld = true;
    this.#roster.enter(nomination.reservation, nomination.node);
  }

  /** Gives the room back while the nominee is decided. */
  release(nominee: PodRecord): void {
    const nomination = this.#nominations.get(nominee);
    if (nomination === undefined || !nomination.isHeld) return;
    nomination.isHeld = false;
    this.#roster.leave(nomination.reservation, nomination.node);
  }

  clear(nominee: PodRecord): void {
    this.release(nominee);
    this.#nominations.delete(nominee);
  }

  /** Gives back the room of all nominees of lower priority, which does not count for a pod of this one; answers whose. */
  releaseBelow(priority: number): PodRecord[] {
    const released: PodRecord[] = [];
    for (const [nominee, { isHeld }] of this.#nominations) {
      if (!isHeld || nominee.priority >= priority) continue;
      this.release(nominee);
      released.push(nominee);
    }
    return released;
  }

  /** Those of lower priority that are nominated to a node. */
  belowOn(node: string, priority: number): PodRecord[] {
    return [...this.#nominations]
      .filter(([nominee, nomination]) => nomination.node === node && nominee.priority < priority)
      .map(([nominee]) => nominee);
  }

  /** The nominees whose room is kept now, as those who look for nodes beside them have to reckon with them. */
  guests(): Guest[] {
    const held = [...this.#nominations].flatMap(([{ peer }, { node, isHeld }]) => {
      const slot = isHeld ? this.#inventory.slotOf(node) : undefined;
      return slot === undefined ? [] : [{ slot, peer }];
    });
    // What one of them asks of others, others have to hear of before it is known what each of them is to these.
    for (const { peer } of held) this.#inventory.raisedBy(peer);
    return held.map(({ slot, peer }) => ({ slot, marks: this.#inventory.raisedBy(peer) }));
  }

  /** The nominees of these slots. */
  *at(slots: ReadonlySet<number>): Iterable<PodRecord> {
    for (const [nominee, { node }] of this.#nominations) {
      const slot = this.#inventory.slotOf(node);
      if (slot !== undefined && slots.has(slot)) yield nominee;
    }
  }
}

/** A batch in which the room of nominees of lower priority does not count. */
interface Unhindered {
  readonly records: readonly PodRecord[];
  /** Whose room was given back for it. */
  readonly released: readonly PodRecord[];
  /** Those that are to be decided when that room counts again. */
  readonly deferred: readonly PodRecord[];
}

/**
 * The room of nominees does not count for pods of higher priority. Where there are such nominees, only the pods above all of them go into this batch;
 * `sorted` has the highest priority first. Source: RunFilterPluginsWithNominatedPods.
 */
export function withoutLower(sorted: readonly PodRecord[], nominations: Nominations): Unhindered {
  const released = nominations.releaseBelow(sorted[0]?.priority ?? 0);
  if (released.length === 0) return { records: sorted, released, deferred: [] };
  const floor = Math.max(...released.map(({ priority }) => priority));
  const deferred = sorted.filter(({ priority }) => priority <= floor);
  for (const record of deferred) nominations.hold(record);
  return { records: sorted.filter(({ priority }) => priority > floor), released, deferred };
}
