import type { Diagnosis, MemberStep } from "../../scheduler-core/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import type { Victims } from "./extender-wire.ts";
import type { Extenders } from "./extenders.ts";
import type { RefusedMember } from "./gang-flight.ts";
import type { Intake } from "./intake.ts";
import { Reservation } from "./nominations.ts";
import type { Objects } from "./objects.ts";
import type { PodRecord } from "./pod-record.ts";
import { Writes } from "./writes.ts";

/** Pods for whose room extenders are asked at a time; more of them wait in order. */
const QUESTIONS_MAX = 32;

/** Somebody who would have to go on a node, and whom it would cost. */
export interface RoomOffer {
  readonly victims: readonly PodRecord[];
  readonly violations: number;
}

/** For what room is asked about: for a pod by itself, or for a group, one member after another. */
export type RoomTopic =
  /** Why no node took it. */
  | { readonly kind: "pod"; readonly diagnosis: Diagnosis }
  /** `settled`: what has come of asking about the members before this one. */
  | {
      readonly kind: "group";
      readonly gang: string;
      readonly refused: readonly RefusedMember[];
      readonly settled: readonly MemberStep<PodRecord>[];
    };

/** What the extenders left of where room could be made for a pod. */
export interface RoomAnswer {
  readonly record: PodRecord;
  readonly topic: RoomTopic;
  readonly offers: ReadonlyMap<string, RoomOffer>;
  /** They could not be asked, or answered what cannot be. */
  readonly error: string | undefined;
  /** `Intake.events` when they were asked. */
  readonly since: number;
}

/** Pods about whose room the extenders are being asked; what they answer is kept until the arrays are the shard's. */
export class RoomQuestions {
  readonly #extenders: Extenders;
  readonly #view: Objects;
  readonly #intake: Intake;
  readonly #wake: () => void;
  readonly #asking = new Writes(QUESTIONS_MAX);
  #answered: RoomAnswer[] = [];

  constructor(extenders: Extenders, view: Objects, intake: Intake, wake: () => void) {
    this.#extenders = extenders;
    this.#view = view;
    this.#intake = intake;
    this.#wake = wake;
  }

  get hasAnswers(): boolean {
    return this.#answered.length > 0;
  }

  concern({ key }: PodRecord): boolean {
    if (!this.#extenders.any) return false;
    const pod = this.#view.get<Pod>(key);
    return pod !== undefined && this.#extenders.concernRoom(pod);
  }

  ask(record: PodRecord, topic: RoomTopic, offers: ReadonlyMap<string, RoomOffer>): void {
    const since = this.#intake.events;
    const answered = (offers: ReadonlyMap<string, RoomOffer>, error: string | undefined): void => {
      this.#answered.push({ record, topic, offers, error, since });
      this.#wake();
    };
    this.#asking.submit(() =>
      this.#ask(record, offers).then(
        (left) => answered(left, undefined),
        (error: Error) => answered(new Map(), error.message),
      ),
    );
  }

  take(): readonly RoomAnswer[] {
    const answered = this.#answered;
    this.#answered = [];
    return answered;
  }

  async #ask(record: PodRecord, offers: ReadonlyMap<string, RoomOffer>): Promise<ReadonlyMap<string, RoomOffer>> {
    const pod = this.#view.get<Pod>(record.key);
    if (pod === undefined) return new Map();
    const asked = new Map<string, Victims>();
    for (const [node, { victims, violations }] of offers) {
      const pods = victims.map(({ key }) => this.#view.get<Pod>(key));
      if (pods.every((each) => each !== undefined)) asked.set(node, { pods, violations });
    }
    const left = await this.#extenders.preempt(pod, asked, (node, uid) => this.#podOn(node, uid));
    const found = new Map<string, RoomOffer>();
    for (const [node, { pods, violations }] of left) {
      const victims = pods.map(({ metadata }) => this.#recordOn(node, metadata.uid));
      if (victims.every((each) => each !== undefined)) found.set(node, { victims, violations });
    }
    return found;
  }

  #recordOn(node: string, uid: string): PodRecord | undefined {
    for (const tenant of this.#intake.on(node)) if (!(tenant instanceof Reservation) && tenant.uid === uid) return tenant;
    return undefined;
  }

  #podOn(node: string, uid: string): Pod | undefined {
    const record = this.#recordOn(node, uid);
    return record === undefined ? undefined : this.#view.get<Pod>(record.key);
  }
}
