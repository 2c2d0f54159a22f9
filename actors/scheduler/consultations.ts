import { type Draw, explain, type Inventory } from "../../scheduler-core/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import type { Consultation, Extenders } from "./extenders.ts";
import type { Intake } from "./intake.ts";
import type { Objects } from "./objects.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";

/** Pods about which extenders are asked at a time. */
const CONSULTATIONS_MAX = 32;

/** What has come of asking about a pod. */
export interface Consulted {
  readonly record: PodRecord;
  /** The best nodes, in random order; empty: the extenders let none pass. */
  readonly best: readonly string[];
  /** By the extenders' words, how many nodes they rejected. */
  readonly failed: ReadonlyMap<string, number>;
  /** They could not be asked. */
  readonly error: string | undefined;
  /** `Intake.events` when they were asked. */
  readonly since: number;
}

/** Pods about which the extenders are being asked; what they answer is kept until the arrays are the shard's. */
export class Consultations {
  readonly #extenders: Extenders;
  readonly #view: Objects;
  readonly #random: Draw;
  readonly #wake: () => void;
  #running = 0;
  #answered: Consulted[] = [];
  readonly #turnedAway = new Set<PodRecord>();

  constructor(extenders: Extenders, view: Objects, random: Draw, wake: () => void) {
    this.#extenders = extenders;
    this.#view = view;
    this.#random = random;
    this.#wake = wake;
  }

  get hasAnswers(): boolean {
    return this.#answered.length > 0;
  }

  get isFull(): boolean {
    return this.#running >= CONSULTATIONS_MAX;
  }

  concern({ key }: PodRecord): boolean {
    const pod = this.#view.get<Pod>(key);
    return pod !== undefined && this.#extenders.concern(pod);
  }

  /** Asks about a pod; false when that is nobody's business, or no node is left to ask about. */
  begin(record: PodRecord, inventory: Inventory, intake: Intake): boolean {
    const pod = this.#view.get<Pod>(record.key);
    if (pod === undefined || !this.#extenders.concern(pod)) return false;
    const { handle, pin } = record.candidate as Candidate;
    const totals = new Map<string, number>();
    intake.nominations.release(record);
    for (const answer of explain(inventory.cluster, inventory.ready(handle, record.peer), intake.nominations.guests())) {
      const name = inventory.nameOf(answer.slot);
      if (answer.feasible && (pin === undefined || pin === name)) totals.set(name, answer.total);
    }
    if (totals.size === 0) return false;
    const since = intake.events;
    this.#running++;
    void this.#extenders
      .consult(pod, [...totals.keys()])
      .then(
        (consultation) => this.#answered.push({ ...this.#bestOf(record, totals, consultation), since }),
        (error: Error) => this.#answered.push({ record, best: [], failed: new Map(), error: error.message, since }),
      )
      .finally(() => {
        this.#running--;
        this.#wake();
      });
    return true;
  }

  take(): readonly Consulted[] {
    const answered = this.#answered;
    this.#answered = [];
    return answered;
  }

  /** They let the pod on no node: nobody knows what may change their mind, so it is asked about again whenever something happens. */
  turnAway(record: PodRecord): void {
    this.#turnedAway.add(record);
  }

  /** Something has happened: answers whom to try again. */
  takeTurnedAway(): readonly PodRecord[] {
    const records = [...this.#turnedAway];
    this.#turnedAway.clear();
    return records;
  }

  #bestOf(record: PodRecord, totals: ReadonlyMap<string, number>, { nodes, failed }: Consultation): Omit<Consulted, "since"> {
    const scored = [...nodes].map(([name, score]) => ({ name, total: score + (totals.get(name) ?? 0) }));
    const top = Math.max(...scored.map(({ total }) => total));
    const left = scored.filter(({ total }) => total === top).map(({ name }) => name);
    const best: string[] = [];
    while (left.length > 0) best.push(...left.splice(this.#random.below(left.length), 1));
    const words = new Map<string, number>();
    for (const why of failed.values()) words.set(why, (words.get(why) ?? 0) + 1);
    return { record, best, failed: words, error: undefined };
  }
}
