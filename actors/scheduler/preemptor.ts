import type { Clock } from "../../runtime/mod.ts";
import {
  ANYWHERE,
  type Diagnosis,
  type Draw,
  type GroupPreemption,
  IndexCache,
  type Inventory,
  leastLoss,
  type MemberRequest,
  type MemberStep,
  type Occupant,
  type PodClass,
  type Preemption,
  PreemptionIndexes,
  type PreemptionRequest,
  preemptionCandidates,
  preemptTogether,
  rejectionOf,
  UNPLACED,
  type VictimsOnNode,
} from "../../scheduler-core/mod.ts";

import type { Pod } from "../kinds/generated/types.ts";
import { nameOfKey } from "../store/resource-table.ts";
import type { Entry, View } from "../store/view.ts";
import { Budgets } from "./budgets.ts";
import { type EndingOptions, type EndingReason, endPod } from "./ending.ts";
import type { RefusedMember } from "./gang-flight.ts";
import type { Intake } from "./intake.ts";
import { NO_CANDIDATE, VICTIMS_ARE_LEAVING, withDisruption } from "./messages.ts";
import { Reservation } from "./nominations.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import type { SchedulingQueue } from "./queue.ts";
import { startTimeOf } from "./relevance.ts";
import type { RoomOffer, RoomQuestions } from "./room-questions.ts";

/** How many pods may try to make room between two batches; each looks at the pods of many nodes. The rest is tried after the next. */
export const PREEMPTIONS_MAX = 64;

export interface PreemptorOptions extends EndingOptions {
  readonly view: View;
  readonly inventory: Inventory;
  readonly intake: Intake;
  readonly random: Draw;
  readonly clock: Clock;
  /** Now, as an API object says it. */
  readonly now: () => string;
  readonly queue: SchedulingQueue<PodRecord>;
  /** A pod in the queue may be tried again. */
  readonly wake: () => void;
  readonly questions: RoomQuestions;
}

/** When a pod was started, as this state of it says. */
interface Start {
  readonly entry: Entry;
  readonly at_ms: number | undefined;
}

export type GroupOutcome = GroupPreemption<PodRecord> | typeof VICTIMS_ARE_LEAVING | typeof NO_CANDIDATE;
export type PreemptionOutcome = Preemption<PodRecord> | typeof VICTIMS_ARE_LEAVING | typeof NO_CANDIDATE;
/** Extenders have a say and are being asked. */
export const ASKED: "asked" = "asked";

/** Makes room for pods that no node takes: chooses a node and victims, nominates the pod, and ends the victims as gracefully as they asked for. */
export class Preemptor {
  readonly #options: PreemptorOptions;
  #budgets: Budgets | undefined;
  readonly #indexes = new PreemptionIndexes<PodRecord>();
  /** For groups, whose members are placed one after another for trial. */
  readonly #placing = new IndexCache();
  /** What was found to be of no help, by class and pin: it stays so until somebody is nominated. */
  readonly #futile = new Map<string, PreemptionOutcome>();
  readonly #starts = new WeakMap<PodRecord, Start>();
  #left = 0;

  constructor(options: PreemptorOptions) {
    this.#options = options;
  }

  /** A new round: what was found out before may be wrong by now. */
  begin(): void {
    this.#budgets = undefined;
    this.#futile.clear();
    this.#left = PREEMPTIONS_MAX;
  }

  /** Tries for one pod; undefined: not any more in this round. */
  attempt(record: PodRecord, pods: PodClass, diagnosis: Diagnosis): PreemptionOutcome | typeof ASKED | undefined {
    const { inventory, intake, questions } = this.#options;
    if (this.#victimsAreLeaving(record, pods)) return VICTIMS_ARE_LEAVING;
    const { pin } = record.candidate as Candidate;
    const key = `${pods.id}/${inventory.kinship(record.peer).id}/${pin ?? ""}`;
    const futile = this.#futile.get(key);
    if (futile !== undefined) return futile;
    if (this.#left-- <= 0) return undefined;
    const budgets = this.#budgetsOfRound();
    // The room of nominees of lower priority is there for this pod, and so is its own.
    const released = [...intake.nominations.releaseBelow(record.priority), record];
    intake.nominations.release(record);
    const outcome = questions.concern(record)
      ? this.#ask(record, pods, budgets, diagnosis)
      : this.#indexes.preempt(inventory.cluster, this.#requestOf(record, pods, budgets));
    if (outcome === ASKED) this.#futile.clear();
    else if (outcome.slot === undefined) this.#futile.set(key, outcome);
    else {
      this.#futile.clear();
      this.#carryOut(record, inventory.nameOf(outcome.slot), outcome.victims, budgets);
    }
    for (const nominee of released) intake.nominations.hold(nominee);
    return outcome;
  }

  /**
   * Tries for so many members of a group, the most important first, or for none: all of them are nominated, also those for which nobody had to go. Undefined: not
   * any more in this round. Extenders that have a say are asked about one member after another; `settled` is what has come of that.
   */
  attemptGroup(
    gang: string,
    refused: readonly RefusedMember[],
    settled: readonly MemberStep<PodRecord>[] = [],
  ): GroupOutcome | typeof ASKED | undefined {
    const { inventory, intake, random, questions } = this.#options;
    const { nominations } = intake;
    const wanted = intake.gangs.wanted(gang);
    const sorted = refused.map(({ record }) => record).sort((a, b) => b.priority - a.priority);
    const readied = sorted.map((record) => inventory.ready((record.candidate as Candidate).handle, record.peer));
    if (sorted.some((record, i) => this.#victimsAreLeaving(record, readied[i] as PodClass))) return VICTIMS_ARE_LEAVING;
    if (this.#left <= 0) return undefined;
    this.#left -= sorted.length;
    const budgets = this.#budgetsOfRound();
    const released = [...nominations.releaseBelow(sorted.at(-1)?.priority ?? 0), ...sorted];
    for (const record of sorted) nominations.release(record);
    const members = sorted.map((record, i): MemberRequest => {
      const { pin, preemptionPolicy, profile } = record.candidate as Candidate;
      const mayPreempt = preemptionPolicy !== "Never" && profile.preemption !== undefined;
      const isAskedAbout = questions.concern(record);
      return { pods: readied[i] as PodClass, pin: pin === undefined ? ANYWHERE : intake.slotOfPin(pin), mayPreempt, isAskedAbout };
    });
    const found = preemptTogether<PodRecord>(inventory.cluster, {
      members,
      wanted,
      settled,
      occupants: (slot) => this.#occupantsOf(slot, budgets),
      allowed: budgets.allowed,
      guests: nominations.guests(),
      random,
      indexes: this.#placing,
      find: (request) => this.#indexes.preempt(inventory.cluster, request),
    });
    this.#futile.clear();
    if (found?.kind === "question") {
      const asked = sorted[found.settled.length] as PodRecord;
      questions.ask(asked, { kind: "group", gang, refused, settled: found.settled }, this.#offersOf(found.candidates));
      for (const nominee of released) nominations.hold(nominee);
      return ASKED;
    }
    sorted.forEach((record, i) => {
      const slot = found?.slots[i] ?? UNPLACED;
      if (slot === UNPLACED) nominations.clear(record);
      else {
        const victims = (found?.victims ?? []).filter((victim) => victim.slot === slot && !victim.owner.isVictim).map(({ owner }) => owner);
        this.#carryOut(record, inventory.nameOf(slot), victims, budgets);
      }
    });
    for (const nominee of released) nominations.hold(nominee);
    return found ?? NO_CANDIDATE;
  }

  /** Extenders have left these nodes, with these victims on each: the least of them go. Undefined: somebody else has seen to it that it is not so any more. */
  choose(record: PodRecord, offers: ReadonlyMap<string, RoomOffer>): Preemption<PodRecord> | undefined {
    const budgets = new Budgets(this.#options.view);
    const best = this.leastOf(offers, budgets);
    if (best === undefined) return undefined;
    this.#carryOut(record, this.#options.inventory.nameOf(best.slot), best.victims, budgets);
    return { ...best, rejections: new Map(), unhelpful: 0, victimless: 0 };
  }

  /** Of what extenders have left, where the least is lost; undefined: none of it is so any more. */
  leastOf(offers: ReadonlyMap<string, RoomOffer>, budgets: Budgets = new Budgets(this.#options.view)): MemberStep<PodRecord> | undefined {
    const { inventory, intake } = this.#options;
    const candidates: VictimsOnNode<PodRecord>[] = [];
    for (const [node, { victims, violations }] of offers) {
      const slot = inventory.slotOf(node);
      const areThere = victims.every((victim) => intake.isCurrent(victim) && victim.node === node && !victim.isVictim);
      if (slot === undefined || !areThere) continue;
      candidates.push({ slot, violations, victims: victims.map((victim) => this.#occupant(victim, budgets)) });
    }
    const best = leastLoss(candidates);
    return best === undefined ? undefined : { slot: best.slot, victims: best.victims.map(({ owner }) => owner) };
  }

  #offersOf(candidates: readonly VictimsOnNode<PodRecord>[]): ReadonlyMap<string, RoomOffer> {
    const { inventory } = this.#options;
    return new Map(
      candidates.map(({ slot, victims, violations }): [string, RoomOffer] => [
        inventory.nameOf(slot),
        { victims: victims.map(({ owner }) => owner), violations },
      ]),
    );
  }

  #ask(record: PodRecord, pods: PodClass, budgets: Budgets, diagnosis: Diagnosis): Preemption<PodRecord> | typeof ASKED {
    const { inventory, questions } = this.#options;
    const { candidates, ...others } = preemptionCandidates(inventory.cluster, this.#requestOf(record, pods, budgets));
    if (candidates.length === 0) return { slot: undefined, victims: [], ...others };
    questions.ask(record, { kind: "pod", diagnosis }, this.#offersOf(candidates));
    return ASKED;
  }

  #requestOf(record: PodRecord, pods: PodClass, budgets: Budgets): PreemptionRequest<PodRecord> {
    const { intake, random } = this.#options;
    const { pin, profile } = record.candidate as Candidate;
    return {
      pods,
      pin: pin === undefined ? ANYWHERE : intake.slotOfPin(pin),
      occupants: (slot) => this.#occupantsOf(slot, budgets),
      allowed: budgets.allowed,
      guests: intake.nominations.guests(),
      random,
      ...(profile.preemption === undefined ? {} : { candidates: profile.preemption }),
    };
  }

  /** Source: PodEligibleToPreemptOthers: who has victims that are on their way out waits for them, unless the node will not do any more whoever leaves it. */
  #victimsAreLeaving(record: PodRecord, pods: PodClass): boolean {
    const { inventory, intake } = this.#options;
    const node = intake.nominations.nodeOf(record);
    const slot = node === undefined ? undefined : inventory.slotOf(node);
    if (node === undefined || slot === undefined) return false;
    if (rejectionOf(inventory.cluster, pods, slot, intake.nominations.guests())?.resolvable === false) return false;
    for (const tenant of this.#options.intake.on(node)) {
      if (!(tenant instanceof Reservation) && tenant.priority < record.priority && tenant.isVictim) return true;
    }
    return false;
  }

  #budgetsOfRound(): Budgets {
    if (this.#budgets === undefined) {
      this.#budgets = new Budgets(this.#options.view);
      this.#indexes.begin(this.#budgets.key);
    }
    return this.#budgets;
  }

  #occupantsOf(slot: number, budgets: Budgets): Occupant<PodRecord>[] {
    const { inventory, intake } = this.#options;
    const found: Occupant<PodRecord>[] = [];
    for (const owner of intake.on(inventory.nameOf(slot))) if (!(owner instanceof Reservation)) found.push(this.#occupant(owner, budgets));
    return found;
  }

  #occupant(owner: PodRecord, budgets: Budgets): Occupant<PodRecord> {
    const { usage, priority } = owner;
    const { inventory } = this.#options;
    return {
      owner,
      usage,
      priority,
      marks: inventory.raisedBy(owner.peer),
      started_ms: this.#startOf(owner),
      budgets: budgets.of(owner.peer.facts, nameOfKey(owner.key)),
    };
  }

  /** When the pod was started; undefined: not yet. Thousands are asked about again and again, so it is read once for each state of a pod. */
  #startOf(owner: PodRecord): number | undefined {
    const entry = this.#options.view.entry(owner.key);
    if (entry === undefined) return undefined;
    let start = this.#starts.get(owner);
    if (start?.entry !== entry) {
      start = { entry, at_ms: startTimeOf(entry.text) };
      this.#starts.set(owner, start);
    }
    return start.at_ms;
  }

  #carryOut(record: PodRecord, node: string, victims: readonly PodRecord[], budgets: Budgets): void {
    const { intake, queue, clock, view } = this.#options;
    const { nominations } = intake;
    const ending = victims.flatMap((victim) => {
      const pod = victim.isVictim ? undefined : view.get<Pod>(victim.key);
      victim.isVictim = true;
      return pod === undefined || pod.metadata.uid !== victim.uid ? [] : [{ victim, pod }];
    });
    const { candidate } = record;
    if (ending.length > 0 && candidate !== undefined) queue.hold(candidate.ticket);
    let left = ending.length;
    let isInVain = false;
    const done = (isEnding: boolean): void => {
      isInVain ||= !isEnding;
      if (--left === 0) this.#release(record, isInVain);
    };
    for (const { victim, pod } of ending) this.#end(victim, pod, record, node, budgets, done);
    // Source: prepareCandidate: nominees of lower priority may not fit any more, and look for another node.
    for (const nominee of nominations.belowOn(node, record.priority)) {
      nominations.clear(nominee);
      if (nominee.candidate !== undefined) queue.wakeOne(nominee.candidate.ticket, clock.monotonic_ms());
    }
    nominations.set(record, node);
  }

  /** All its victims have been told to go: only now it is tried again, when they leave. Source: KEP-4832. */
  #release(record: PodRecord, isInVain: boolean): void {
    const { intake, queue, clock, wake } = this.#options;
    const now = intake.find(record.key);
    if (now?.uid !== record.uid || now.candidate === undefined) return;
    const areLeaving = [...intake.on(intake.nominations.nodeOf(now) ?? "")].some(
      (tenant) => !(tenant instanceof Reservation) && tenant.isVictim,
    );
    queue.release(now.candidate.ticket, isInVain || !areLeaving, clock.monotonic_ms());
    wake();
  }

  #end(victim: PodRecord, pod: Pod, preemptor: PodRecord, node: string, budgets: Budgets, done: (isEnding: boolean) => void): void {
    const { now } = this.#options;
    budgets.take(budgets.of(victim.peer.facts, pod.metadata.name));
    const why: EndingReason = {
      told: (current) => withDisruption(current, now()),
      event: ["Preempted", `Preempted by pod ${preemptor.uid} on node ${node}`],
      failed: "victim of preemption not deleted",
    };
    endPod(this.#options, victim, pod, why, done);
  }
}
