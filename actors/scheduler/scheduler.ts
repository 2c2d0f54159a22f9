import { type Actor, type ActorKind, type Context, type Timer, unknownMessage } from "../../runtime/mod.ts";
import {
  ANYWHERE,
  chooseVolumes,
  type Diagnosis,
  Draw,
  dependsOnMarks,
  Inventory,
  type Placements,
  type PodClass,
  UNPLACED,
} from "../../scheduler-core/mod.ts";
import { PodKind } from "../kinds/core/pod.ts";
import type { Pod, PodStatus } from "../kinds/generated/types.ts";
import { resourceOf } from "../kinds/kind.ts";
import { StorageClassKind } from "../kinds/storage/storage-class.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { Change, Subscription, View } from "../store/view.ts";
import { Intake } from "./intake.ts";
import {
  eventMessage,
  refusalMessage,
  scheduledMessage,
  unschedulableMessage,
  VICTIMS_ARE_LEAVING,
  withUnschedulable,
} from "./messages.ts";
import type { PlaceTask } from "./place-worker.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import { type PreemptionOutcome, Preemptor } from "./preemptor.ts";
import { SchedulingQueue } from "./queue.ts";
import { ownsPod } from "./shard.ts";
import { VolumeBinder, type Waited } from "./volume-binder.ts";
import { type SchedulerRegistry, Writes } from "./writes.ts";

/*
 * A scheduler shard promises: every pod that is its own, wants a node and can have one gets the best one, by kube-scheduler's rules; one
 * that can have none is told why and tried again when something changes that can help it.
 *
 * One direction: changes from the view wait in an inbox; between two batches they are taken into the arrays; then one batch goes to
 * the pool, which decides and counts; its answer becomes assumptions, bindings and conditions. What arrives meanwhile goes into the next.
 */

/** Pods that are decided in one task. */
const BATCH_PODS_MAX = 2_048;
/** A few `start`, and at most one `work` and one `placed` can wait at a time. */
const MAILBOX_CAPACITY = 16;
const RESTART_BACKOFF_MS = 100;
const RESTART_BACKOFF_MAX_MS = 10_000;

/** In the order in which a change of one is of use to the next. */
const WATCHED: readonly string[] = [
  "namespaces",
  "nodes",
  "persistentvolumes",
  "persistentvolumeclaims",
  resourceOf(StorageClassKind),
  "pods",
];

export type SchedulerMessage =
  /** Begin. A second one changes nothing. */
  | { readonly type: "start" }
  /** To itself: something is in the inbox or in the queue. */
  | { readonly type: "work" }
  /** To itself: the pool has answered. */
  | { readonly type: "placed" }
  /** To itself: a rest has ended. */
  | { readonly type: "tick" };

/** The pool that runs place-worker.ts. */
export interface PlacePool {
  run(task: PlaceTask): Promise<Placements>;
}

export interface SchedulerOptions {
  readonly view: View;
  readonly registry: SchedulerRegistry;
  /** Records as component `default-scheduler`. */
  readonly recorder: EventRecorder;
  readonly pool: PlacePool;
  /** How many shards split the pods; the key of each is its number from 0. Default 1. */
  readonly shards?: number;
}

interface Flight {
  readonly records: readonly PodRecord[];
  answer: Placements | Error | undefined;
}

export function createSchedulerKind(options: SchedulerOptions): ActorKind<SchedulerMessage> {
  return {
    kind: "scheduler",
    mailboxCapacity: MAILBOX_CAPACITY,
    supervision: { strategy: "restart", backoff_ms: RESTART_BACKOFF_MS, backoff_max_ms: RESTART_BACKOFF_MAX_MS },
    activate: (context, key) => new Scheduler(options, context, key),
  };
}

class Scheduler implements Actor<SchedulerMessage> {
  readonly #options: SchedulerOptions;
  readonly #context: Context<SchedulerMessage>;
  readonly #inventory: Inventory;
  readonly #queue = new SchedulingQueue<PodRecord>();
  readonly #intake: Intake;
  readonly #writes = new Writes();
  readonly #preemptor: Preemptor;
  #started = false;
  #subscriptions: Subscription[] = [];
  /** Changes since the last batch, in order. */
  #inbox: Change[] = [];
  /** Pods whose binding was refused since the last batch. */
  #refused: PodRecord[] = [];
  /** The batch that the pool works on; the arrays are its until the answer is here. */
  #flight: Flight | undefined;
  readonly #volumeBinder: VolumeBinder;
  /** Whether a `work` is in the mailbox. */
  #working = false;
  #timer: { readonly at_ms: number; readonly timer: Timer } | undefined;

  constructor(options: SchedulerOptions, context: Context<SchedulerMessage>, key: string) {
    this.#options = options;
    this.#context = context;
    this.#inventory = new Inventory(context.random.below(2 ** 31));
    const owns = (uid: string): boolean => ownsPod(uid, Number(key), options.shards ?? 1);
    this.#intake = new Intake(options.view, this.#inventory, this.#queue, owns);
    const { view, registry, recorder } = options;
    this.#preemptor = new Preemptor({
      ...{ view, registry, recorder, inventory: this.#inventory, intake: this.#intake, writes: this.#writes, log: context.log },
      random: new Draw(context.random.below(2 ** 31)),
      now: () => timestamp(context.clock.now_ms()),
    });
    this.#volumeBinder = new VolumeBinder(view, registry);
    // After a crash nobody says `start` again, so every activation does.
    context.tell(context.self, { type: "start" });
  }

  receive(message: SchedulerMessage): void {
    switch (message.type) {
      case "start":
        this.#start();
        return;
      case "work":
        this.#working = false;
        this.#work();
        return;
      case "placed":
        this.#land();
        this.#work();
        return;
      case "tick":
        this.#timer = undefined;
        this.#work();
        return;
      default:
        unknownMessage(message);
    }
  }

  stopped(): void {
    for (const subscription of this.#subscriptions) subscription.cancel();
    this.#subscriptions = [];
    this.#timer?.timer.cancel();
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const { view } = this.#options;
    const now_ms = this.#context.clock.monotonic_ms();
    for (const entry of view.list("namespaces")) this.#intake.takeNamespace(entry, undefined);
    for (const entry of view.list("nodes")) this.#intake.takeNode(entry);
    for (const entry of view.list("pods")) this.#intake.takePod(entry, undefined, now_ms);
    const since = view.revision;
    const apply = (change: Change): void => void this.#inbox.push(change);
    const watched = WATCHED.map((resource) => view.watch(resource, since, apply));
    this.#subscriptions = [...watched, view.afterBatch(() => this.#wakeUp())];
    this.#work();
  }

  /** Asks for a turn, once, if there is something to do; `forced`: there is. */
  #wakeUp(forced = false): void {
    if (this.#working || (!forced && this.#inbox.length === 0 && this.#refused.length === 0)) return;
    this.#working = true;
    this.#context.tell(this.#context.self, { type: "work" });
  }

  /** Takes in what has happened and sends the next batch off, unless one is under way. */
  #work(): void {
    if (this.#flight !== undefined || !this.#started) return;
    const now_ms = this.#context.clock.monotonic_ms();
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const change of inbox) this.#intake.take(change, now_ms);
    for (const waited of this.#volumeBinder.settled(now_ms)) this.#bindWaited(waited);
    this.#intake.rereadVolumes(now_ms);
    this.#takeRefusals(now_ms);
    this.#queue.flush(now_ms);
    this.#wakeHelped(now_ms);
    const tickets = this.#queue.pop(now_ms, BATCH_PODS_MAX);
    const records = this.#refuse(
      tickets.map(({ owner }) => owner),
      now_ms,
    );
    if (records.length > 0) this.#send(records);
    else if (tickets.length > 0) this.#wakeUp(true);
    else this.#sleep(now_ms);
  }

  /** Rejects at once the pods whose volumes let them have no node; answers the others. */
  #refuse(records: readonly PodRecord[], now_ms: number): PodRecord[] {
    return records.filter((record) => {
      const { volumes, ticket, preemptionPolicy } = record.candidate as Candidate;
      if (volumes?.refusal === undefined) return true;
      this.#queue.reject(ticket, now_ms);
      const message = refusalMessage(volumes.refusal, this.#inventory.nodes(), preemptionPolicy);
      this.#report(record, record.candidate as Candidate, message);
      return false;
    });
  }

  #takeRefusals(now_ms: number): void {
    for (const record of this.#refused) {
      if (!this.#intake.isCurrent(record) || record.candidate === undefined) continue;
      this.#intake.forget(record);
      this.#queue.retry(record.candidate.ticket, now_ms);
      this.#intake.reread(record, now_ms);
    }
    this.#refused = [];
  }

  /**
   * Of each kind of unschedulable pod, wakes as many as the nodes that changed have room for; all of them where a change of other
   * pods, of domains or of namespaces can have let them in.
   */
  #wakeHelped(now_ms: number): void {
    const { helped, stirred, regrouped, nominations } = this.#intake;
    if (helped.size === 0 && stirred.size === 0 && !regrouped) return;
    for (const { candidate } of nominations.at(helped)) if (candidate !== undefined) this.#queue.wakeOne(candidate.ticket, now_ms);
    for (const { bucket, sample, waiting } of [...this.#queue.buckets()]) {
      const { handle, pin } = sample.candidate as Candidate;
      const { relations } = this.#inventory.kinship(sample.peer);
      if (relations !== undefined && (regrouped || dependsOnMarks(relations, stirred))) {
        this.#queue.wake(bucket, waiting, now_ms);
        continue;
      }
      const pinned = pin === undefined ? undefined : this.#intake.slotOfPin(pin);
      let room = 0;
      for (const slot of helped) {
        if (room >= waiting) break;
        if (pinned === undefined || pinned === slot) room += this.#inventory.room(handle, slot, waiting - room);
      }
      if (room > 0) this.#queue.wake(bucket, room, now_ms);
    }
    this.#intake.settle();
  }

  #sleep(now_ms: number): void {
    const at_ms = earliest(this.#queue.nextWake_ms(), this.#volumeBinder.nextDeadline_ms());
    if (at_ms === undefined || (this.#timer !== undefined && this.#timer.at_ms <= at_ms)) return;
    this.#timer?.timer.cancel();
    this.#timer = { at_ms, timer: this.#context.after(Math.max(1, at_ms - now_ms), { type: "tick" }) };
  }

  #send(popped: readonly PodRecord[]): void {
    const { nominations } = this.#intake;
    const isNominee = (record: PodRecord): number => (nominations.nodeOf(record) === undefined ? 0 : 1);
    // The room that was made for a pod is its own, until somebody more important comes.
    const records = [...popped].sort((a, b) => b.priority - a.priority || isNominee(b) - isNominee(a));
    for (const record of records) nominations.release(record);
    const numbers = new Map<string, number>();
    const classes: PodClass[] = [];
    const pods = new Int32Array(records.length);
    const pins = new Int32Array(records.length);
    records.forEach(({ candidate, peer }, i) => {
      const { handle, pin } = candidate as Candidate;
      const key = `${handle.id}/${this.#inventory.kinship(peer).id}`;
      let number = numbers.get(key);
      if (number === undefined) {
        number = classes.length;
        classes.push(this.#inventory.ready(handle, peer));
        numbers.set(key, number);
      }
      pods[i] = number;
      pins[i] = pin === undefined ? ANYWHERE : this.#intake.slotOfPin(pin);
    });
    const flight: Flight = { records, answer: undefined };
    this.#flight = flight;
    const task: PlaceTask = {
      cluster: this.#inventory.cluster.buffer,
      batch: { classes, pods, pins },
      seed: this.#context.random.below(2 ** 31),
    };
    const landed = (answer: Placements | Error): void => {
      flight.answer = answer;
      this.#context.tell(this.#context.self, { type: "placed" });
    };
    this.#options.pool.run(task).then(landed, (error: unknown) => landed(error instanceof Error ? error : new Error(String(error))));
  }

  /** Makes the pool's answer come true. */
  #land(): void {
    const flight = this.#flight;
    if (flight?.answer === undefined) return;
    this.#flight = undefined;
    // What the pool had counted until it failed is not known: begin again from the store.
    if (flight.answer instanceof Error) throw flight.answer;
    const { slots, diagnosisOf, diagnoses } = flight.answer;
    const now_ms = this.#context.clock.monotonic_ms();
    const rejected: number[] = [];
    flight.records.forEach((record, i) => {
      const slot = slots[i] ?? UNPLACED;
      if (slot === UNPLACED) {
        rejected.push(i);
        return;
      }
      const node = this.#inventory.nameOf(slot);
      this.#intake.assume(record, node);
      this.#bindWithVolumes(record, record.candidate as Candidate, node);
    });
    // All that are on nodes now are there before anybody makes room among them.
    for (const i of rejected) this.#intake.nominations.hold(flight.records[i] as PodRecord);
    this.#preemptor.begin();
    for (const i of rejected) {
      const record = flight.records[i] as PodRecord;
      const diagnosis = diagnoses[diagnosisOf[i] ?? -1];
      if (diagnosis === undefined) throw new Error(`no diagnosis for ${record.key}`);
      this.#reject(record, record.candidate as Candidate, diagnosis, now_ms);
    }
  }

  /** No node took the pod: makes room for it where that can help, and says so. */
  #reject(record: PodRecord, candidate: Candidate, diagnosis: Diagnosis, now_ms: number): void {
    const { nominations } = this.#intake;
    const { preemptionPolicy } = candidate;
    let outcome: PreemptionOutcome | undefined;
    if (diagnosis.preemptible > 0 && preemptionPolicy !== "Never") {
      outcome = this.#preemptor.attempt(record, this.#inventory.ready(candidate.handle, record.peer));
      if (outcome === undefined) {
        this.#queue.add(candidate.ticket, now_ms);
        return;
      }
    }
    if (preemptionPolicy !== "Never" && outcome !== VICTIMS_ARE_LEAVING && outcome?.slot === undefined) nominations.clear(record);
    this.#queue.reject(candidate.ticket, now_ms);
    this.#report(record, candidate, unschedulableMessage(diagnosis, this.#inventory.columns.names, preemptionPolicy, outcome));
  }

  /** Binds the pod once its volumes are bound. */
  #bindWithVolumes(record: PodRecord, candidate: Candidate, node: string): void {
    const { volumes } = candidate;
    const facts = this.#inventory.factsOf(this.#inventory.slotOf(node) ?? -1);
    if (volumes === undefined || volumes.refusal !== undefined || volumes.unbound.length === 0 || facts === undefined) {
      this.#bind(record, candidate, node);
      return;
    }
    const { unbound } = volumes;
    const chosen = chooseVolumes(volumes.facts.unbound, facts) ?? [];
    this.#writes.submit(() =>
      this.#volumeBinder.choose(unbound, chosen, node).then(
        () => {
          this.#volumeBinder.wait(record, node, unbound, this.#context.clock.monotonic_ms());
          this.#wakeUp(true);
        },
        (error: unknown) => this.#bindingRefused(record, node, error),
      ),
    );
  }

  #bindWaited({ record, node, isBound }: Waited): void {
    if (!this.#intake.isCurrent(record) || record.candidate === undefined) return;
    if (isBound) this.#bind(record, record.candidate, node);
    else this.#bindingRefused(record, node, new Error("its volumes were not bound in time"));
  }

  #bindingRefused(record: PodRecord, node: string, error: unknown): void {
    this.#context.log.warn({ pod: record.key, node, error: String(error) }, "binding refused");
    this.#refused.push(record);
    this.#wakeUp();
  }

  #bind(record: PodRecord, { about }: Candidate, node: string): void {
    const { namespace = "", name, uid } = about.metadata;
    const { registry, recorder } = this.#options;
    this.#writes.submit(() =>
      registry.bind(namespace, name, uid, node).then(
        () => recorder.once(about, "Normal", "Scheduled", scheduledMessage(namespace, name, node)),
        (error: unknown) => this.#bindingRefused(record, node, error),
      ),
    );
  }

  /** Tells the pod's owner why no node took it: an Event each time, the condition when it says something new. */
  #report(record: PodRecord, { about }: Candidate, message: string): void {
    const { view, registry, recorder } = this.#options;
    const { namespace = "", name, uid, generation } = about.metadata;
    recorder.event(about, "Warning", "FailedScheduling", eventMessage(message));
    const now = timestamp(this.#context.clock.now_ms());
    const nominated = this.#intake.nominations.nodeOf(record);
    const statusOf = ({ status = {} }: Pod): PodStatus | undefined => {
      const conditions = withUnschedulable(status.conditions, message, generation, now);
      if (conditions === undefined && status.nominatedNodeName === nominated) return undefined;
      const { nominatedNodeName: _, ...others } = status;
      return {
        ...others,
        ...(conditions === undefined ? {} : { conditions }),
        ...(nominated === undefined ? {} : { nominatedNodeName: nominated }),
      };
    };
    const known = view.get<Pod>(record.key);
    if (known !== undefined && statusOf(known) === undefined) return;
    const modify = (pod: Pod): Pod | undefined => {
      if (pod.metadata.uid !== uid || pod.spec.nodeName) return undefined;
      const status = statusOf(pod);
      return status === undefined ? undefined : { ...pod, status };
    };
    this.#writes.submit(() =>
      registry.modify(PodKind, namespace, name, modify, { fieldManager: "kube-scheduler", subresource: "status" }).then(
        () => undefined,
        (error: unknown) => this.#context.log.debug({ pod: record.key, error: String(error) }, "condition not written"),
      ),
    );
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
