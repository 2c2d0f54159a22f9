import { type Actor, type ActorKind, type Context, type Sender, type Timer, unknownMessage } from "../../runtime/mod.ts";
import { Draw, IndexCache, Inventory, type Placements, placeBatch, UNPLACED } from "../../scheduler-core/mod.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { Change, Subscription, View } from "../store/view.ts";
import { VOLUME_ATTACHMENTS } from "./attachments.ts";
import { Binder } from "./binder.ts";
import { DEFAULT_CONFIGURATION, type SchedulerConfiguration } from "./configuration/configuration.ts";
import { Consultations, type Consulted } from "./consultations.ts";
import { DevicePlacer } from "./devices/device-placer.ts";
import { type AskExtender, Extenders } from "./extenders.ts";
import { type Flight, prepareFlight } from "./flight.ts";
import { landConsulted } from "./group-landing.ts";
import { wakeHelped } from "./hints.ts";
import { Intake } from "./intake.ts";
import { type LandingOptions, land } from "./landing.ts";
import { extendersMessage } from "./messages.ts";
import type { PlaceTask } from "./place-pool.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import { Preemptor } from "./preemptor.ts";
import { profilesOf } from "./profile.ts";
import { type QueueTicket, SchedulingQueue } from "./queue.ts";
import { Reclaimer } from "./reclaimer.ts";
import { Rejections } from "./rejections.ts";
import { Reporter } from "./reporter.ts";
import { WATCHED_RESOURCES } from "./resources-read.ts";
import { RoomQuestions } from "./room-questions.ts";
import { ownsPod, SCHEDULER_KIND, shardOf } from "./shard.ts";
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
/** A `start` from each host, and at most one `work` and one `placed` can wait at a time. */
const MAILBOX_CAPACITY = 16;
const RESTART_BACKOFF_MS = 100;
const RESTART_BACKOFF_MAX_MS = 10_000;
/** Who is only in another's place ends when nobody has wanted it for so long: that one is back. */
const STANDBY_WANTED_MS = 3_000;

export type SchedulerMessage =
  /** Begin; answered at once. A second one only says that the shard is still wanted here. */
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
  /** Default: one scheduler, `default-scheduler`, with Kubernetes' default plugins. */
  readonly configuration?: SchedulerConfiguration;
  /** How extenders are asked, where the configuration has some. */
  readonly askExtender?: AskExtender;
}

export function createSchedulerKind(options: SchedulerOptions): ActorKind<SchedulerMessage> {
  return {
    kind: SCHEDULER_KIND,
    mailboxCapacity: MAILBOX_CAPACITY,
    supervision: { strategy: "restart", backoff_ms: RESTART_BACKOFF_MS, backoff_max_ms: RESTART_BACKOFF_MAX_MS },
    activate: (context, key) => new Scheduler(options, context, key),
  };
}

class Scheduler implements Actor<SchedulerMessage> {
  readonly #options: SchedulerOptions;
  readonly #context: Context<SchedulerMessage>;
  readonly #inventory: Inventory;
  readonly #queue: SchedulingQueue<PodRecord>;
  readonly #intake: Intake;
  readonly #writes = new Writes();
  /** For the few decisions that are not left to the pool. */
  readonly #indexes = new IndexCache();
  #started = false;
  #isStopped = false;
  readonly #isStandby: boolean;
  /** When it was last asked to be at work. */
  #wanted_ms: number;
  #subscriptions: Subscription[] = [];
  /** The revision up to which everything is in the arrays. */
  #seen = 0;
  /** Changes since the last batch, in order. */
  #inbox: Change[] = [];
  /** The batch that the pool works on; the arrays are its until the answer is here. */
  #flight: Flight | undefined;
  readonly #binder: Binder;
  readonly #reporter: Reporter;
  readonly #rejections: Rejections;
  readonly #placer: DevicePlacer;
  readonly #landing: LandingOptions;
  readonly #reclaimer: Reclaimer;
  readonly #extenders: Extenders;
  readonly #consultations: Consultations;
  /** Whether a `work` is in the mailbox. */
  #working = false;
  #timer: { readonly at_ms: number; readonly timer: Timer } | undefined;

  constructor(options: SchedulerOptions, context: Context<SchedulerMessage>, key: string) {
    this.#options = options;
    this.#context = context;
    this.#inventory = new Inventory(context.random.below(2 ** 31));
    const { view, registry, recorder, configuration = DEFAULT_CONFIGURATION, shards = 1 } = options;
    const profiles = profilesOf(configuration, this.#inventory);
    this.#queue = new SchedulingQueue<PodRecord>(configuration);
    const nobody: AskExtender = () => Promise.reject(new Error("there is no way to ask extenders"));
    this.#extenders = new Extenders(configuration.extenders, options.askExtender ?? nobody, view);
    const { shard, isStandby } = shardOf(key);
    this.#isStandby = isStandby;
    this.#wanted_ms = context.clock.monotonic_ms();
    const owns = (uid: string): boolean => ownsPod(uid, shard, shards);
    this.#intake = new Intake(view, this.#inventory, this.#queue, { profiles, owns });
    const { clock, log } = context;
    const stage = { view, registry, recorder, inventory: this.#inventory, intake: this.#intake, writes: this.#writes, clock, log };
    const questions = new RoomQuestions(this.#extenders, view, this.#intake, () => this.#wakeUp(true));
    const preemptor = new Preemptor({
      ...stage,
      questions,
      random: new Draw(context.random.below(2 ** 31)),
      now: () => timestamp(clock.now_ms()),
      queue: this.#queue,
      wake: () => this.#wakeUp(true),
    });
    const draw = new Draw(context.random.below(2 ** 31));
    this.#consultations = new Consultations(this.#extenders, view, draw, () => this.#wakeUp(true));
    this.#binder = new Binder({
      ...stage,
      extenders: this.#extenders,
      self: `${context.self}#${context.random.uuid()}`,
      wake: () => this.#wakeUp(true),
    });
    this.#reporter = new Reporter(stage);
    this.#rejections = new Rejections({ ...stage, queue: this.#queue, preemptor, reporter: this.#reporter, questions });
    this.#placer = new DevicePlacer({ ...stage, queue: this.#queue, binder: this.#binder, rejections: this.#rejections, random: draw });
    this.#landing = { ...stage, queue: this.#queue, binder: this.#binder, preemptor, rejections: this.#rejections };
    this.#reclaimer = new Reclaimer({ ...stage, owns, now: () => timestamp(clock.now_ms()) });
    // After a crash nobody says `start` again, so every activation does.
    context.tell(context.self, { type: "start" });
  }

  receive(message: SchedulerMessage, sender: Sender): void {
    switch (message.type) {
      case "start":
        sender.answer(true);
        this.#wanted_ms = this.#context.clock.monotonic_ms();
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
    this.#isStopped = true;
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
    for (const entry of view.list(VOLUME_ATTACHMENTS)) this.#intake.takeAttachment(entry);
    for (const entry of view.list("nodes")) this.#intake.takeNode(entry);
    for (const entry of view.list("pods")) this.#intake.takePod(entry, undefined, now_ms);
    const since = view.revision;
    const apply = (change: Change): void => void this.#inbox.push(change);
    const watched = WATCHED_RESOURCES.map((resource) => view.watch(resource, since, apply));
    this.#subscriptions = [...watched, view.afterBatch(() => this.#wakeUp())];
    this.#work();
  }

  /** Asks for a turn, once, if there is something to do; `forced`: there is. */
  #wakeUp(forced = false): void {
    if (
      this.#isStopped ||
      this.#working ||
      (!forced && this.#inbox.length === 0 && !this.#binder.hasRefusals && !this.#consultations.hasAnswers)
    )
      return;
    this.#working = true;
    this.#context.tell(this.#context.self, { type: "work" });
  }

  /** Takes in what has happened and sends the next batch off, unless one is under way. */
  #work(): void {
    if (this.#flight !== undefined || !this.#started) return;
    const now_ms = this.#context.clock.monotonic_ms();
    if (this.#isStandby && now_ms - this.#wanted_ms >= STANDBY_WANTED_MS) {
      this.#context.stop();
      return;
    }
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const change of inbox) this.#intake.take(change, now_ms);
    this.#seen = this.#options.view.revision;
    this.#binder.settle(now_ms);
    this.#intake.rereadVolumes(now_ms);
    this.#binder.takeRefusals(this.#queue, now_ms);
    this.#queue.flush(now_ms);
    const { events } = this.#intake;
    wakeHelped(this.#intake, this.#inventory, this.#queue, now_ms);
    if (events !== this.#intake.events) this.#tryTurnedAway(now_ms);
    this.#restGangs(now_ms);
    this.#inventory.tidy();
    this.#reclaimer.reclaim(this.#intake.lenders);
    this.#intake.lenders.clear();
    this.#rejections.takeAnswers(now_ms);
    for (const consulted of this.#consultations.take()) this.#takeConsulted(consulted, now_ms);
    for (const group of this.#consultations.takeGroups()) {
      landConsulted(group, this.#landing, this.#consultations, { seen: this.#seen, now_ms });
    }
    const tickets = this.#queue.pop(now_ms, BATCH_PODS_MAX);
    const records = this.#rejections.refuse(this.#withGangs(tickets), now_ms);
    const unasked = this.#extenders.any ? this.#consult(records) : records;
    const plain = this.#placer.takeOut(unasked, this.#seen, now_ms);
    if (plain.length > 0) this.#send(plain);
    else if (tickets.length > 0 && !this.#consultations.isFull) this.#wakeUp(true);
    else this.#sleep(now_ms);
  }

  /** Groups that have been tried in vain for too long rest like pods that failed, and are told so. */
  #restGangs(now_ms: number): void {
    const { gangs } = this.#intake;
    for (const key of gangs.expired(now_ms)) {
      for (const { candidate } of gangs.waiting(key)) {
        if (candidate?.ticket.place === "unschedulable") this.#queue.retry(candidate.ticket, now_ms);
      }
      this.#reporter.timedOut(gangs.group(key), gangs.timeout_s(key));
    }
  }

  /** With each member of a gang come all the others that wait. */
  #withGangs(tickets: readonly QueueTicket<PodRecord>[]): PodRecord[] {
    const { gangs } = this.#intake;
    // Those of groups that are being asked about are decided when there are answers.
    const records = new Set(tickets.map(({ owner }) => owner).filter(({ gang }) => gang === undefined || !gangs.isAskedAbout(gang)));
    for (const { gang } of [...records]) {
      if (gang === undefined || gangs.wanted(gang) === 0) continue;
      for (const member of gangs.waiting(gang)) {
        if (records.has(member) || member.candidate === undefined || member.node !== undefined) continue;
        this.#queue.take(member.candidate.ticket);
        records.add(member);
      }
    }
    return [...records];
  }

  /** Asks the extenders about the pods that are their business; answers the others, and those that no node takes anyway. */
  #consult(records: readonly PodRecord[]): PodRecord[] {
    const { gangs } = this.#intake;
    const together = Map.groupBy(records, ({ gang }) => (gang !== undefined && gangs.wanted(gang) > 0 ? gang : undefined));
    for (const [gang, members] of together) {
      if (gang === undefined || !members.some((record) => this.#consultations.concern(record))) continue;
      gangs.beginAsking(gang);
      this.#consultations.beginGroup(gang, members, this.#inventory, this.#intake);
    }
    return records.filter((record) => {
      const { ticket } = record.candidate as Candidate;
      if (record.gang !== undefined && gangs.isAskedAbout(record.gang)) return false;
      if (this.#consultations.isFull && this.#consultations.concern(record)) {
        this.#queue.putBack(ticket);
        return false;
      }
      return !this.#consultations.begin(record, this.#inventory, this.#intake);
    });
  }

  /** The extenders have answered: the pod goes to the best node that still takes it. */
  #takeConsulted({ record, ranked, best, failed, error, since }: Consulted, now_ms: number): void {
    const { candidate } = record;
    if (!this.#intake.isCurrent(record) || candidate === undefined || record.node !== undefined) return;
    if (error !== undefined) {
      this.#rejections.fail(record, error, now_ms);
      return;
    }
    if (ranked.length === 0) {
      this.#queue.reject(candidate.ticket, new Set(), now_ms);
      this.#consultations.turnAway(record);
      // What happened while they were asked may have helped.
      if (since !== this.#intake.events) this.#tryTurnedAway(now_ms);
      this.#reporter.unschedulable(record, extendersMessage(failed, this.#inventory.nodes()), undefined);
      return;
    }
    if (candidate.devices !== undefined) {
      this.#placer.place(record, ranked, this.#seen, now_ms);
      return;
    }
    const pods = this.#inventory.ready(candidate.handle, record.peer);
    for (const node of ranked.slice(0, best)) {
      const pins = Int32Array.of(this.#intake.slotOfPin(node));
      const batch = { classes: [pods], pods: Int32Array.of(0), pins, guests: this.#intake.nominations.guests() };
      const { slots } = placeBatch(this.#inventory.cluster, batch, this.#indexes, new Draw(1));
      if (slots[0] === UNPLACED) continue;
      this.#intake.assume(record, node);
      this.#binder.bind(record, candidate, node, this.#seen);
      return;
    }
    this.#queue.putBack(candidate.ticket);
  }

  #tryTurnedAway(now_ms: number): void {
    for (const { candidate } of this.#consultations.takeTurnedAway())
      if (candidate !== undefined) this.#queue.wakeOne(candidate.ticket, now_ms);
  }

  #sleep(now_ms: number): void {
    const deadlines = [this.#queue.nextWake_ms(), this.#binder.nextDeadline_ms(), this.#intake.gangs.nextDeadline_ms()];
    const at_ms = earliest(this.#isStandby ? [...deadlines, this.#wanted_ms + STANDBY_WANTED_MS] : deadlines);
    if (at_ms === undefined || (this.#timer !== undefined && this.#timer.at_ms <= at_ms)) return;
    this.#timer?.timer.cancel();
    this.#timer = { at_ms, timer: this.#context.after(Math.max(1, at_ms - now_ms), { type: "tick" }) };
  }

  #send(popped: readonly PodRecord[]): void {
    const { flight, batch, deferred } = prepareFlight(popped, this.#seen, this.#inventory, this.#intake);
    for (const record of deferred) this.#queue.putBack((record.candidate as Candidate).ticket);
    this.#flight = flight;
    const task: PlaceTask = { cluster: this.#inventory.cluster.buffer, batch, seed: this.#context.random.below(2 ** 31) };
    const landed = (answer: Placements | Error): void => {
      flight.answer = answer;
      this.#context.tell(this.#context.self, { type: "placed" });
    };
    this.#options.pool.run(task).then(landed, (error: unknown) => landed(error instanceof Error ? error : new Error(String(error))));
  }

  #land(): void {
    const flight = this.#flight;
    if (flight?.answer === undefined) return;
    this.#flight = undefined;
    // What the pool had counted until it failed is not known: begin again from the store.
    if (flight.answer instanceof Error) throw flight.answer;
    land(flight, flight.answer, this.#landing, this.#context.clock.monotonic_ms());
  }
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
