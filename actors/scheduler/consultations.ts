import { type Draw, explain, type Inventory } from "../../scheduler-core/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import type { Consultation, Extenders } from "./extenders.ts";
import type { Intake } from "./intake.ts";
import type { Objects } from "./objects.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";

/** Pods about which extenders are asked at a time. */
const CONSULTATIONS_MAX = 32;

/** What the extenders have made of the nodes that would take a pod. */
interface Opinion {
  /** The nodes that are left, the best first, those that are as good in random order. */
  readonly ranked: readonly string[];
  /** How many of them are the best. */
  readonly best: number;
  /** By the extenders' words, how many nodes they rejected. */
  readonly failed: ReadonlyMap<string, number>;
}

/** What has come of asking about a pod. */
export interface Consulted extends Opinion {
  readonly record: PodRecord;
  /** They could not be asked. */
  readonly error: string | undefined;
  /** `Intake.events` when they were asked. */
  readonly since: number;
}

/** What has come of asking about the members of a group. */
export interface ConsultedGroup {
  readonly gang: string;
  /** Without an opinion: nobody has a say, or no node would take it. */
  readonly members: readonly { readonly record: PodRecord; readonly opinion: Opinion | undefined }[];
  readonly error: string | undefined;
}

/** Pods about which the extenders are being asked; what they answer is kept until the arrays are the shard's. */
export class Consultations {
  readonly #extenders: Extenders;
  readonly #view: Objects;
  readonly #random: Draw;
  readonly #wake: () => void;
  #running = 0;
  #answered: Consulted[] = [];
  #groups: ConsultedGroup[] = [];
  readonly #turnedAway = new Set<PodRecord>();

  constructor(extenders: Extenders, view: Objects, random: Draw, wake: () => void) {
    this.#extenders = extenders;
    this.#view = view;
    this.#random = random;
    this.#wake = wake;
  }

  get hasAnswers(): boolean {
    return this.#answered.length + this.#groups.length > 0;
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
    const asking = this.#ask(record, inventory, intake);
    if (asking === undefined) return false;
    const since = intake.events;
    this.#run(
      asking.then(
        (opinion) => void this.#answered.push({ record, ...opinion, error: undefined, since }),
        (error: Error) => void this.#answered.push({ record, ranked: [], best: 0, failed: new Map(), error: error.message, since }),
      ),
    );
    return true;
  }

  /** Asks about the members of a group, which are decided when there are answers about all. */
  beginGroup(gang: string, records: readonly PodRecord[], inventory: Inventory, intake: Intake): void {
    const asking = records.map(async (record) => ({ record, opinion: await this.#ask(record, inventory, intake) }));
    this.#run(
      Promise.all(asking).then(
        (members) => void this.#groups.push({ gang, members, error: undefined }),
        (error: Error) =>
          void this.#groups.push({ gang, members: records.map((record) => ({ record, opinion: undefined })), error: error.message }),
      ),
    );
  }

  take(): readonly Consulted[] {
    const answered = this.#answered;
    this.#answered = [];
    return answered;
  }

  takeGroups(): readonly ConsultedGroup[] {
    const groups = this.#groups;
    this.#groups = [];
    return groups;
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

  #run(asking: Promise<void>): void {
    this.#running++;
    void asking.finally(() => {
      this.#running--;
      this.#wake();
    });
  }

  /** Undefined: nobody has a say, or no node would take the pod. The arrays are read before this returns. */
  #ask(record: PodRecord, inventory: Inventory, intake: Intake): Promise<Opinion> | undefined {
    const pod = this.#view.get<Pod>(record.key);
    if (pod === undefined || !this.#extenders.concern(pod)) return undefined;
    const { handle, pin } = record.candidate as Candidate;
    const totals = new Map<string, number>();
    intake.nominations.release(record);
    for (const answer of explain(inventory.cluster, inventory.ready(handle, record.peer), intake.nominations.guests())) {
      const name = inventory.nameOf(answer.slot);
      if (answer.feasible && (pin === undefined || pin === name)) totals.set(name, answer.total);
    }
    return totals.size === 0 ? undefined : this.#extenders.consult(pod, [...totals.keys()]).then((answer) => this.#opinion(totals, answer));
  }

  #opinion(totals: ReadonlyMap<string, number>, { nodes, failed }: Consultation): Opinion {
    const left = [...nodes].map(([name, score]) => ({ name, total: score + (totals.get(name) ?? 0) }));
    const shuffled: typeof left = [];
    while (left.length > 0) shuffled.push(...left.splice(this.#random.below(left.length), 1));
    const ranked = shuffled.sort((a, b) => b.total - a.total);
    const words = new Map<string, number>();
    for (const why of failed.values()) words.set(why, (words.get(why) ?? 0) + 1);
    const best = ranked.filter(({ total }) => total === ranked[0]?.total).length;
    return { ranked: ranked.map(({ name }) => name), best, failed: words };
  }
}
