import { freeOf, type Inventory } from "../../scheduler-core/mod.ts";
import { leastMembers, POD_GROUPS, type PodGroup } from "../kinds/scheduling/pod-group.ts";
import type { Objects } from "./objects.ts";
import type { PodRecord } from "./pod-record.ts";
import { type Amounts, amountsOf } from "./resource-needs.ts";

/** Source: scheduler-plugins' CoschedulingArgs.permitWaitingTimeSeconds. */
const TIMEOUT_S = 60;
const MS_PER_S = 1_000;

interface Gang {
  readonly waiting: Set<PodRecord>;
  readonly bound: Set<PodRecord>;
  /** Since when its members have been looked at together in vain. */
  began_ms: number | undefined;
}

/**
 * Groups of pods of which all that are wanted get nodes together, or none does. Members are held back until there are enough of them; they are decided in one
 * batch, and what the batch cannot give all of them it gives none. So no group holds nodes while it waits for more, and two of them never wait
 * for each other. Where there is no PodGroup of the name that a pod's label has, the pod is one like any other.
 */
export class Gangs {
  readonly #view: Objects;
  readonly #gangs = new Map<string, Gang>();
  /** Those with a `began_ms`. */
  readonly #trying = new Set<string>();
  /** Those that are not tried for lack of room. */
  readonly #lacking = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(view: Objects) {
    this.#view = view;
  }

  /** The pod waits as a member, or is on a node. */
  enter(key: string, record: PodRecord, isBound: boolean): void {
    const gang = this.#gangs.get(key) ?? { waiting: new Set(), bound: new Set(), began_ms: undefined };
    this.#gangs.set(key, gang);
    (isBound ? gang.bound : gang.waiting).add(record);
  }

  leave(key: string, record: PodRecord): void {
    const gang = this.#gangs.get(key);
    gang?.waiting.delete(record);
    gang?.bound.delete(record);
    if (gang?.waiting.size !== 0 || gang.bound.size > 0) return;
    this.#gangs.delete(key);
    this.#trying.delete(key);
    this.#lacking.delete(key);
  }

  group(key: string): PodGroup | undefined {
    return this.#view.get<PodGroup>(`${POD_GROUPS}/${key}`);
  }

  /** Members that wait. */
  waiting(key: string): ReadonlySet<PodRecord> {
    return this.#gangs.get(key)?.waiting ?? new Set();
  }

  /** How many more must get nodes together; 0: any may go alone. */
  wanted(key: string): number {
    const group = this.group(key);
    return group === undefined ? 0 : Math.max(0, leastMembers(group) - (this.#gangs.get(key)?.bound.size ?? 0));
  }

  /**
   * Why the group is not tried, in words for its members: too few of them are there, or less room than it says it needs; undefined: it is. `isKept`: room
   * is being kept for some of them.
   */
  shortage(key: string, inventory: Inventory, isKept = false): string | undefined {
    const wanted = this.wanted(key);
    if (wanted === 0) return undefined;
    const there = this.waiting(key).size;
    if (wanted > there) return `pod group "${key}" waits for ${wanted - there} more of its ${leastMembers(this.group(key))} members`;
    const lack = isKept || this.#mayMakeRoom(key, inventory) ? undefined : this.#lackOfRoom(key, inventory);
    if (lack === undefined) this.#lacking.delete(key);
    else this.#lacking.add(key);
    return lack;
  }

  /** Groups that the nodes as a whole had too little room for, and have enough now. A node may help them that takes none of their members. */
  relieved(inventory: Inventory): string[] {
    return [...this.#lacking].filter((key) => this.shortage(key, inventory) === undefined);
  }

  /** Extenders are being asked about its members, and none of them is decided meanwhile. */
  beginAsking(key: string): void {
    this.#asked.add(key);
  }

  endAsking(key: string): void {
    this.#asked.delete(key);
  }

  isAskedAbout(key: string): boolean {
    return this.#asked.has(key);
  }

  /** They were decided together and not all found a node: from the first time on its timeout counts. */
  failed(key: string, now_ms: number): void {
    const gang = this.#gangs.get(key);
    if (gang === undefined) return;
    gang.began_ms ??= now_ms;
    this.#trying.add(key);
  }

  placed(key: string): void {
    this.#rest(key);
  }

  /** The groups that have been tried in vain for as long as they wanted; they begin anew. */
  expired(now_ms: number): string[] {
    const expired = [...this.#trying].filter((key) => this.#deadline_ms(key) <= now_ms);
    for (const key of expired) this.#rest(key);
    return expired;
  }

  /** When `expired` will next have one; undefined: nobody is tried. */
  nextDeadline_ms(): number | undefined {
    let next: number | undefined;
    for (const key of this.#trying) next = Math.min(next ?? Number.POSITIVE_INFINITY, this.#deadline_ms(key));
    return next;
  }

  /** How long a group is tried. */
  timeout_s(key: string): number {
    const timeout_s = this.group(key)?.spec?.scheduleTimeoutSeconds ?? 0;
    return timeout_s > 0 ? timeout_s : TIMEOUT_S;
  }

  #deadline_ms(key: string): number {
    return (this.#gangs.get(key)?.began_ms ?? 0) + this.timeout_s(key) * MS_PER_S;
  }

  #rest(key: string): void {
    const gang = this.#gangs.get(key);
    if (gang !== undefined) gang.began_ms = undefined;
    this.#trying.delete(key);
  }

  /** Whether there are pods that may have to go for it. */
  #mayMakeRoom(key: string, { cluster }: Inventory): boolean {
    let highest = Number.NEGATIVE_INFINITY;
    for (const { priority, candidate } of this.waiting(key)) {
      if (candidate?.preemptionPolicy !== "Never" && candidate?.profile.preemption !== undefined) highest = Math.max(highest, priority);
    }
    for (let slot = 0; slot < cluster.nodes; slot++) {
      if (cluster.live[slot] === 1 && (cluster.lowestPriority[slot] as number) < highest) return true;
    }
    return false;
  }

  /** What its own members have on nodes counts as free. Source: coscheduling's CheckClusterResource. */
  #lackOfRoom(key: string, inventory: Inventory): string | undefined {
    const group = this.group(key);
    if (group?.spec?.minResources === undefined) return undefined;
    const bound = this.#gangs.get(key)?.bound ?? [];
    const missing: string[] = [];
    const needed: Amounts = { ...amountsOf(group.spec.minResources), pods: leastMembers(group) };
    for (const [resource, amount] of Object.entries(needed)) {
      const column = inventory.columns.names.indexOf(resource);
      let room = freeOf(inventory.cluster, column);
      for (const { usage } of bound) room += resource === "pods" ? 1 : (usage.amounts[usage.columns.indexOf(column)] ?? 0);
      if (room < amount) missing.push(resource);
    }
    return missing.length === 0 ? undefined : `pod group "${key}" needs more ${missing.sort().join(", ")} than the nodes have free`;
  }
}
