import { type Diagnosis, type Inventory, type MemberStep, rejectorsOf, UNPLACED } from "../../scheduler-core/mod.ts";
import { DYNAMIC_RESOURCES } from "./devices/pod-claims.ts";
import type { RefusedMember } from "./gang-flight.ts";
import type { Intake } from "./intake.ts";
import {
  claimsMessage,
  type DEALLOCATED,
  diagnosisMessage,
  NO_CANDIDATE,
  type NOTHING_TO_GIVE_BACK,
  refusalMessage,
  refusedClaimsMessage,
  unschedulableMessage,
  VICTIMS_ARE_LEAVING,
} from "./messages.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import { ASKED, type PreemptionOutcome, type Preemptor } from "./preemptor.ts";
import type { SchedulingQueue } from "./queue.ts";
import type { Reporter } from "./reporter.ts";
import type { RoomAnswer, RoomQuestions, RoomTopic } from "./room-questions.ts";

export interface RejectionsOptions {
  readonly queue: SchedulingQueue<PodRecord>;
  readonly intake: Intake;
  readonly inventory: Inventory;
  readonly preemptor: Preemptor;
  readonly questions: RoomQuestions;
  readonly reporter: Reporter;
}

/** No plugin rejected the pod. */
const NOBODY: ReadonlySet<string> = new Set();
const BY_CLAIMS: ReadonlySet<string> = new Set([DYNAMIC_RESOURCES]);

/** What becomes of pods that get no node: room is made for them where that can help, they are told why, and wait for what can help them. */
export class Rejections {
  readonly #options: RejectionsOptions;

  constructor(options: RejectionsOptions) {
    this.#options = options;
  }

  /** Rejects at once the pods for which no node would do; answers the others. */
  refuse(records: readonly PodRecord[], now_ms: number): PodRecord[] {
    const { intake, inventory, queue, reporter } = this.#options;
    const shortages = new Map<string, string | undefined>();
    const shortageOf = (gang: string): string | undefined => {
      if (!shortages.has(gang)) {
        const isKept = [...intake.gangs.waiting(gang)].some((record) => intake.nominations.nodeOf(record) !== undefined);
        shortages.set(gang, intake.gangs.shortage(gang, inventory, isKept));
      }
      return shortages.get(gang);
    };
    return records.filter((record) => {
      const { refusal: own, ticket } = record.candidate as Candidate;
      const refusal = own ?? (record.gang === undefined ? undefined : shortageOf(record.gang));
      if (refusal === undefined) return true;
      queue.reject(ticket, NOBODY, now_ms);
      reporter.unschedulable(record, refusalMessage(refusal, inventory.nodes()), undefined);
      return false;
    });
  }

  /**
   * Not enough members of a group found nodes: room is made for as many as are wanted, or for none, and they wait for one another. `settled`: what extenders have
   * said so far.
   */
  rejectGroup(gang: string, refused: readonly RefusedMember[], now_ms: number, settled?: readonly MemberStep<PodRecord>[]): void {
    const { intake, inventory, queue, reporter, preemptor } = this.#options;
    const isHelpful = refused.some(({ diagnosis }) => diagnosis !== undefined && diagnosis.preemptible > 0);
    const records = refused.map(({ record }) => record);
    const outcome = isHelpful ? preemptor.attemptGroup(gang, refused, settled) : NO_CANDIDATE;
    if (outcome === ASKED) {
      intake.gangs.beginAsking(gang);
      return;
    }
    if (outcome === undefined) {
      for (const { candidate } of records) queue.putBack((candidate as Candidate).ticket);
      return;
    }
    intake.gangs.failed(gang, now_ms);
    for (const { record, diagnosis, words } of refused) {
      // One that would have had a node waits for the others to be woken.
      queue.reject((record.candidate as Candidate).ticket, diagnosis === undefined ? NOBODY : rejectorsOf(diagnosis), now_ms);
      if (outcome === NO_CANDIDATE) intake.nominations.clear(record);
      const own = diagnosis === undefined ? words : diagnosisMessage(diagnosis, inventory.columns.names);
      const message = own ?? `the other members of pod group "${gang}" found no nodes`;
      reporter.unschedulable(record, message, intake.nominations.nodeOf(record));
    }
  }

  /** No node took the pod: makes room for it where that can help, and says so. */
  reject(record: PodRecord, diagnosis: Diagnosis, now_ms: number): void {
    const { inventory, queue, preemptor } = this.#options;
    const { handle, ticket, preemptionPolicy, profile } = record.candidate as Candidate;
    let outcome: PreemptionOutcome | undefined;
    if (diagnosis.preemptible > 0 && preemptionPolicy !== "Never" && profile.preemption !== undefined) {
      const tried = preemptor.attempt(record, inventory.ready(handle, record.peer), diagnosis);
      if (tried === ASKED) return;
      if (tried === undefined) {
        queue.putBack(ticket);
        return;
      }
      outcome = tried;
    }
    queue.reject(ticket, rejectorsOf(diagnosis), now_ms);
    this.#say(record, diagnosis, outcome);
  }

  /** Its claims on devices are such that no node would do. */
  refuseClaims(record: PodRecord, refusal: string, now_ms: number): void {
    const { inventory, queue, reporter } = this.#options;
    queue.reject((record.candidate as Candidate).ticket, BY_CLAIMS, now_ms);
    reporter.unschedulable(record, refusedClaimsMessage(refusal, inventory.nodes()), undefined);
  }

  /** No node took the pod, of those with enough of everything else because of its claims on devices. `reasons`: how many of these said what. */
  rejectClaims(
    record: PodRecord,
    diagnosis: Diagnosis,
    reasons: ReadonlyMap<string, number>,
    claims: typeof NOTHING_TO_GIVE_BACK | typeof DEALLOCATED,
    now_ms: number,
  ): void {
    const { inventory, queue, reporter } = this.#options;
    const { ticket, preemptionPolicy } = record.candidate as Candidate;
    const rejectors = rejectorsOf(diagnosis);
    queue.reject(ticket, reasons.size === 0 ? rejectors : new Set([...rejectors, DYNAMIC_RESOURCES]), now_ms);
    reporter.unschedulable(record, claimsMessage(diagnosis, inventory.columns.names, reasons, claims, preemptionPolicy), undefined);
  }

  /** Somebody who has a say in it could not be asked: it is tried again after a rest. */
  fail(record: PodRecord, error: string, now_ms: number): void {
    const { intake, queue, reporter } = this.#options;
    queue.retry((record.candidate as Candidate).ticket, now_ms);
    reporter.unschedulable(record, error, intake.nominations.nodeOf(record));
  }

  /** Goes on with the pods about whose room extenders have answered. */
  takeAnswers(now_ms: number): void {
    const { intake, queue, preemptor, questions } = this.#options;
    for (const answer of questions.take()) {
      if (answer.topic.kind === "group") {
        this.#goOnWithGroup(answer, answer.topic, now_ms);
        continue;
      }
      const { record, offers, error, since } = answer;
      const { diagnosis } = answer.topic;
      const { candidate } = record;
      if (!intake.isCurrent(record) || candidate === undefined || record.node !== undefined) continue;
      if (error !== undefined || offers.size === 0) {
        // Nothing that happens here may change their mind, so it is asked again after a rest.
        queue.retry(candidate.ticket, now_ms);
        this.#say(record, diagnosis, error === undefined ? NO_CANDIDATE : { error });
        continue;
      }
      const outcome = preemptor.choose(record, offers);
      if (outcome === undefined) queue.putBack(candidate.ticket);
      else {
        queue.reject(candidate.ticket, rejectorsOf(diagnosis), now_ms);
        if (since !== intake.events) queue.wakeOne(candidate.ticket, now_ms);
        this.#say(record, diagnosis, outcome);
      }
    }
  }

  /** Who is to go for one more member is settled, and the next is looked at; where something has changed meanwhile they are decided anew. */
  #goOnWithGroup({ offers, error }: RoomAnswer, { gang, refused, settled }: RoomTopic & { kind: "group" }, now_ms: number): void {
    const { intake, queue, preemptor } = this.#options;
    intake.gangs.endAsking(gang);
    const current = refused
      .map(({ record }) => record)
      .filter((record) => intake.isCurrent(record) && record.node === undefined && record.candidate !== undefined);
    const step = offers.size === 0 ? { slot: UNPLACED, victims: [] } : preemptor.leastOf(offers);
    if (error !== undefined) for (const record of current) this.fail(record, error, now_ms);
    else if (current.length < refused.length || step === undefined)
      for (const { candidate } of current) queue.putBack((candidate as Candidate).ticket);
    else this.rejectGroup(gang, refused, now_ms, [...settled, step]);
    intake.rejoin(gang);
  }

  #say(record: PodRecord, diagnosis: Diagnosis, outcome: PreemptionOutcome | { readonly error: string } | undefined): void {
    const { intake, inventory, reporter } = this.#options;
    const { nominations } = intake;
    const { preemptionPolicy } = record.candidate as Candidate;
    const isMadeRoomFor =
      outcome === VICTIMS_ARE_LEAVING || (typeof outcome === "object" && "slot" in outcome && outcome.slot !== undefined);
    const isUnknown = typeof outcome === "object" && "error" in outcome;
    if (preemptionPolicy !== "Never" && !isMadeRoomFor && !isUnknown) nominations.clear(record);
    const message = unschedulableMessage(diagnosis, inventory.columns.names, preemptionPolicy, outcome);
    reporter.unschedulable(record, message, nominations.nodeOf(record));
  }
}
