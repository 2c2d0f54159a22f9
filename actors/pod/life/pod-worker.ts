import { type Actor, type ActorKind, type Context, keyOf, type Sender, type Timer, unknownMessage } from "../../../runtime/mod.ts";
import { isTerminal } from "../../kinds/core/pod-phase.ts";
import type { Pod } from "../../kinds/generated/types.ts";
import { StatusError } from "../../kinds/status.ts";
import { type ContainerObserved, type PodObserved, RuntimeFailure, schemeOf } from "../../node/container-runtime.ts";
import type { LogAsked, LogChunk } from "../../node/logs/read-log.ts";
import type { StreamAsked, StreamDoor } from "../../node/streaming/stream-door.ts";
import type { Key } from "../../store/transaction.ts";
import type { Subscription } from "../../store/view.ts";
import type { PodEviction, PodOrder, PodSync } from "../pod-order.ts";
import type { PodPlace } from "../pod-status.ts";
import { sizeOf } from "./container-spec.ts";
import { Groundwork, RETRY_MS } from "./groundwork.ts";
import { Handlers } from "./handlers.ts";
import { type LifeFacts, lifeStatus, type Verdict } from "./life-status.ts";
import { type PodPlan, type ProbeKind, planPod, type ResizeOrder } from "./plan.ts";
import { ephemeralContainersOf, initContainersOf, newestOf } from "./pod-containers.ts";
import { PodDoors } from "./pod-doors.ts";
import { PodRecord } from "./pod-record.ts";
import { Probing } from "./probing.ts";
import { resizeCompleted } from "./resize-conditions.ts";
import { featuresOf } from "./sandbox-spec.ts";
import { sleep } from "./sleep.ts";
import { Starter } from "./starter.ts";
import { type Stop, Stopper } from "./stopper.ts";
import { type LifeWorld, type Severity, tellOf } from "./world.ts";

/**
 * The life of one pod in real containers, address `pod/<uid>`, whichever runtime they run in. It looks, decides what is missing (plan.ts), reports
 * (life-status.ts) and does it, again and again: when the pod changes, when a container starts or ends, when a probe comes to a verdict, when a time has
 * come. It promises that no two runs of a container are there at once, that what it was told to end is ended within its grace period, and that the
 * API's status follows. It holds nothing that the API and the runtime do not have but back-offs and verdicts of probes, so another one can go on.
 */
export type PodWorkerMessage =
  | PodOrder
  | PodEviction
  /** From itself: something may be different. */
  | { readonly type: "look" }
  /** From itself: the time of a probe of a container's run has come. */
  | { readonly type: "probe"; readonly id: string; readonly probe: ProbeKind }
  /** Answered with a LogChunk: what the run of a container has printed. `pod` is who is meant: a mirror may say that it is another's. */
  | { readonly type: "readLog"; readonly pod: Key; readonly id: string; readonly asked: LogAsked }
  /** Answered with a StreamDoor: streams of what runs in a container. */
  | { readonly type: "stream"; readonly pod: Key; readonly container: string; readonly asked: StreamAsked }
  /** Answered with a StreamDoor: a connection to a port of the pod; with null where its address is the way. */
  | { readonly type: "port"; readonly pod: Key; readonly port: number };

/** Before what could not be resized is tried again. */
const RESIZE_RETRY_MS = 10_000;
/** Of what the API knows nothing any more there is no grace period to go by. */
const ORPHAN_GRACE_MS = 2_000;
const POD_MAILBOX_MESSAGES = 1_024;
const MS_PER_S = 1_000;
const EVICTED = "Evicted";
/** Of a pod that has taken too much. Source: kubelet's immediateEvictionGracePeriodSeconds. */
const EVICTION_GRACE_S = 1;
const DEADLINE_EXCEEDED = { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" } as const;

export function createPodWorkerKind(world: LifeWorld): ActorKind<PodWorkerMessage> {
  return {
    kind: "pod",
    mailboxCapacity: POD_MAILBOX_MESSAGES,
    supervision: { strategy: "stop" },
    activate: (context) => new PodWorker(context, world),
  };
}

class PodWorker implements Actor<PodWorkerMessage> {
  readonly #context: Context<PodWorkerMessage>;
  readonly #world: LifeWorld;
  readonly #groundwork: Groundwork;
  readonly #starter: Starter;
  readonly #stopper: Stopper;
  readonly #probing: Probing;
  readonly #watch: Subscription;
  readonly #record: PodRecord;
  readonly #doors: PodDoors;
  #place: PodPlace = { hostIP: "", podIP: "" };
  /** A look is under way, and whether another one is wanted after it. */
  #isLooking = false;
  #isWanted = false;
  #isSilent = false;
  #isGone = false;
  /** The activation is over; what is under way changes nothing any more. */
  #isOver = false;
  #nextLook: { readonly at_ms: number; readonly timer: Timer } | undefined;
  /** Containers that were stopped for another to take their place. */
  readonly #replaced = new Set<string>();
  /** It is to end, for this reason where its node wants it so. */
  #verdict: Verdict | undefined;
  /** Why what was granted is not in force yet. */
  #resizeTrouble: string | undefined;
  #isEnding = false;
  /** The shortest grace period that the API has given it. */
  #grace_s = Number.POSITIVE_INFINITY;
  /** Aborted when nothing more is to be started. */
  readonly #going = new AbortController();

  constructor(context: Context<PodWorkerMessage>, world: LifeWorld) {
    this.#context = context;
    this.#world = world;
    this.#record = new PodRecord(this.#uid, world.registry);
    this.#doors = new PodDoors(this.#uid, this.#record, world.runtime);
    const handlers = new Handlers(world.runtime, world.reach);
    const { clock } = context;
    const sleeps = (ms: number, signal: AbortSignal): Promise<void> => sleep(clock, ms, signal);
    this.#groundwork = new Groundwork(world, clock, (at_ms) => this.#wantAt(at_ms));
    this.#starter = new Starter(world, handlers, clock, sleeps);
    this.#stopper = new Stopper(world, handlers, clock, sleeps, {
      changed: () => this.#want(),
      complain: (error) => this.#complain(error),
    });
    this.#probing = new Probing({
      clock,
      after: (ms, probe) => context.after(ms, { type: "probe", ...probe }),
      perform: (probe, target) => handlers.probe(probe, target),
      tell: (container, reason, message) => {
        const { pod } = this.#record;
        if (pod !== undefined) tellOf(world.recorder, pod, container, "Warning", reason, message);
      },
      changed: () => this.#want(),
    });
    this.#watch = world.runtime.watch(this.#uid, () => this.#want());
  }

  /** Which incarnation it is; its address says it. */
  get #uid(): string {
    return keyOf(this.#context.self);
  }

  receive(message: PodWorkerMessage, sender: Sender): void {
    switch (message.type) {
      case "sync":
        this.#sync(message);
        return;
      case "gone":
        this.#gone();
        return;
      case "silence":
        this.#isSilent = message.on;
        this.#look();
        return;
      case "evict":
        this.#evict(message);
        return;
      case "look":
        this.#look();
        return;
      case "probe":
        this.#probing.due(message.id, message.probe).catch((error: unknown) => this.#complain(error));
        return;
      case "readLog":
        this.#doors
          .log(message.pod, message.id, message.asked)
          .then((chunk) => sender.answer(chunk satisfies LogChunk), failing(sender, "log"));
        return;
      case "stream":
        this.#doors
          .stream(message.pod, message.container, message.asked)
          .then((door) => sender.answer(door satisfies StreamDoor), failing(sender, "stream"));
        return;
      case "port":
        this.#doors
          .port(message.pod, message.port)
          .then((door) => sender.answer(door satisfies StreamDoor | null), failing(sender, "stream"));
        return;
      default:
        unknownMessage(message);
    }
  }

  movesWith(): PodWorkerMessage | undefined {
    const { entry, allocation, isStatic } = this.#record;
    if (entry === undefined) return undefined;
    const sync: PodSync = { type: "sync", entry, place: this.#place, silent: this.#isSilent, isStatic };
    return allocation === undefined ? sync : { ...sync, allocation };
  }

  /** What runs goes on: whoever is this pod's worker next finds it. */
  stopped(): void {
    this.#isOver = true;
    this.#going.abort();
    this.#probing.stop();
    this.#watch.cancel();
    this.#world.volumes.leave(this.#uid);
  }

  #gone(): void {
    this.#isGone = true;
    this.#going.abort();
    if (this.#record.pod !== undefined) {
      this.#look();
      return;
    }
    this.#world.runtime
      .removePod(this.#uid)
      .catch((error: unknown) => this.#complain(error))
      .finally(() => this.#context.stop());
  }

  #sync(sync: PodSync): void {
    const isNews = this.#record.see(sync);
    this.#isSilent = sync.silent ?? this.#isSilent;
    this.#place = sync.place;
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = this.#record.pod?.metadata ?? {};
    if (deletionTimestamp !== undefined) {
      this.#going.abort();
      if (deletionGracePeriodSeconds < this.#grace_s) this.#stopper.hurry(deletionGracePeriodSeconds * MS_PER_S);
      this.#grace_s = Math.min(this.#grace_s, deletionGracePeriodSeconds);
    }
    if (isNews) this.#look();
  }

  /** A runtime may have given the pod another address than its node has for it. */
  #placeIn({ sandboxes: [sandbox] }: PodObserved): PodPlace {
    return sandbox?.ready === true ? { ...this.#place, podIP: sandbox.address } : this.#place;
  }

  #want(): void {
    if (!this.#isOver) this.#context.tell<PodWorkerMessage>(this.#context.self, { type: "look" });
  }

  #wantAt(at_ms: number): void {
    const now_ms = this.#context.clock.now_ms();
    if (this.#nextLook !== undefined && this.#nextLook.at_ms > now_ms && this.#nextLook.at_ms <= at_ms) return;
    this.#nextLook?.timer.cancel();
    this.#nextLook = { at_ms, timer: this.#context.after(Math.max(0, at_ms - now_ms), { type: "look" }) };
  }

  /** One look at a time, outside of the turn: starting and stopping take long, and orders come meanwhile. */
  #look(): void {
    this.#isWanted = true;
    if (this.#isLooking || this.#isOver || this.#record.pod === undefined) return;
    this.#lookAgain().catch((error: unknown) => {
      if (error instanceof StatusError && error.status.code === 404) return;
      this.#complain(error);
      if (!this.#isOver) this.#wantAt(this.#context.clock.now_ms() + RETRY_MS);
    });
  }

  /** That nothing is wanted any more and that it looks no more are one step: what is wanted in between would be wanted of nobody. */
  async #lookAgain(): Promise<void> {
    this.#isLooking = true;
    try {
      while (this.#isWanted && !this.#isOver) {
        this.#isWanted = false;
        const observed = await this.#world.runtime.observe(this.#uid);
        const { pod } = this.#record;
        if (pod === undefined || this.#isOver) return;
        if (this.#isGone) await this.#forget(pod, observed);
        else if (!this.#isSilent) await this.#live(pod, observed);
      }
    } finally {
      this.#isLooking = false;
    }
  }

  async #live(pod: Pod, observed: PodObserved): Promise<void> {
    this.#checkRejection(pod);
    this.#checkDeadline(pod);
    const isToEnd = pod.metadata.deletionTimestamp !== undefined || this.#verdict !== undefined || isTerminal(pod);
    this.#probing.follow(pod, observed, this.#placeIn(observed).podIP, isToEnd || this.#isEnding);
    const plan = isToEnd || this.#isEnding ? undefined : planPod(pod, observed, this.#probing.verdict, this.#replaced);
    if (plan === undefined || plan.endPod) return this.#end(pod, observed);
    if (observed.containers.some(isRunning))
      this.#world.volumes.follow(pod, (message) => this.#evict({ message, grace_s: EVICTION_GRACE_S, isDisruption: false }));
    await this.#report(observed, false);
    await this.#perform(pod, observed, plan);
  }

  /** Source: kubelet's active_deadline.go. */
  #checkDeadline(pod: Pod): void {
    const { activeDeadlineSeconds } = pod.spec;
    const { startTime } = pod.status ?? {};
    if (activeDeadlineSeconds === undefined || startTime === undefined || this.#verdict !== undefined || isTerminal(pod)) return;
    const until_ms = Date.parse(startTime) + activeDeadlineSeconds * MS_PER_S;
    if (this.#context.clock.now_ms() < until_ms) {
      this.#wantAt(until_ms);
      return;
    }
    this.#decide(pod, DEADLINE_EXCEEDED, "Normal", DEADLINE_EXCEEDED.message);
  }

  /** Source: kubelet's rejectPod. */
  #checkRejection(pod: Pod): void {
    const { rejected } = this.#record.allocation ?? {};
    if (rejected === undefined || this.#verdict !== undefined || isTerminal(pod)) return;
    const { reason, message } = rejected;
    this.#decide(pod, { reason, message: `Pod was rejected: ${message}`, isRejection: true }, "Warning", message);
  }

  /** Source: kubelet's evictPod. */
  #evict({ message, grace_s, isDisruption }: Omit<PodEviction, "type">): void {
    const { pod } = this.#record;
    if (pod === undefined || isTerminal(pod) || this.#verdict !== undefined || this.#isOver) return;
    this.#decide(pod, { reason: EVICTED, message, grace_s, isDisruption }, "Warning", message);
    this.#want();
  }

  #decide(pod: Pod, verdict: Verdict, severity: Severity, told: string): void {
    this.#verdict = verdict;
    this.#going.abort();
    tellOf(this.#world.recorder, pod, undefined, severity, verdict.reason, told);
  }

  async #perform(pod: Pod, observed: PodObserved, { stop, start, resize, newSandbox }: PodPlan): Promise<void> {
    for (const { container, id, cause, message } of stop) {
      if (start.includes(container)) this.#replaced.add(container.name);
      this.#stop({ pod, place: this.#placeIn(observed), container, id, cause, message });
    }
    for (const order of resize) await this.#resize(pod, order);
    // What still runs, or ends, is started when it has ended.
    const ready = start.filter(({ name }) => {
      const newest = newestOf(observed, name);
      return newest?.state !== "running" && (newest === undefined || !this.#stopper.isStopping(newest.id));
    });
    if (ready.length === 0) return;
    const ground = await this.#groundwork.lay(pod, () => this.#place, observed, newSandbox);
    if (ground === undefined) return;
    const { sandbox, volumes, claims } = ground;
    const place = { ...this.#place, podIP: sandbox.address };
    for (const container of ready) {
      const { signal } = this.#going;
      if (signal.aborted) return;
      const started = await this.#starter.start({ pod, place, container, observed, sandbox: sandbox.id, volumes, claims, signal });
      if (started.type === "waits") this.#wantAt(started.until_ms);
      else this.#replaced.delete(container.name);
      if (started.type === "hookFailed")
        this.#stop({ pod, place, container, id: started.id, cause: "postStart", message: "FailedPostStartHook" });
    }
    await this.#reportNow();
  }

  /** The runtime tells of what it has done, and that is looked at again. */
  async #resize(pod: Pod, { container, id }: ResizeOrder): Promise<void> {
    try {
      await this.#world.runtime.resizeContainer(id, sizeOf(pod, container));
      this.#resizeTrouble = undefined;
    } catch (error) {
      if (!(error instanceof RuntimeFailure) || error.reason === "RuntimeUnavailable") throw error;
      this.#resizeTrouble = error.message;
      tellOf(
        this.#world.recorder,
        pod,
        container,
        "Warning",
        "ResizeError",
        `Failed to resize container ${container.name}: ${error.message}`,
      );
      this.#wantAt(this.#context.clock.now_ms() + RESIZE_RETRY_MS);
    }
  }

  /** What has just been done is told of the pod as it is in the API now. */
  async #reportNow(): Promise<void> {
    const observed = await this.#world.runtime.observe(this.#uid);
    if (!this.#going.signal.aborted) await this.#report(observed, false);
  }

  /** Stops what runs; when nothing does any more, says how it went, and has the pod removed if that is wanted. */
  async #end(pod: Pod, observed: PodObserved): Promise<void> {
    this.#isEnding = true;
    const { runtime, volumes } = this.#world;
    if (this.#stopAll(pod, observed)) return this.#report(observed, false);
    volumes.leave(this.#uid);
    const [sandbox] = observed.sandboxes;
    if (sandbox?.ready === true) await runtime.stopSandbox(sandbox.id);
    const left = await runtime.observe(this.#uid);
    await this.#groundwork.letGoOfDevices(pod, left);
    await this.#report(left, true);
    // Others may want what it had mounted, though its object stays.
    await volumes.unmount(pod);
    if (pod.metadata.deletionTimestamp === undefined) return this.#makeRoom(left);
    if (this.#record.isStatic) return this.#forget(pod, observed);
    await this.#record.remove();
  }

  /** What has been evicted is to leave nothing behind that takes room. Source: kubelet's ShouldPodContentBeRemoved. */
  async #makeRoom({ sandboxes, containers }: PodObserved): Promise<void> {
    const { pod } = this.#record;
    if (pod?.status?.reason !== EVICTED || (sandboxes.length === 0 && containers.length === 0)) return;
    await this.#world.runtime.removePod(this.#uid);
  }

  /** Whether anything still runs or is on its way out. Main containers go first, then sidecars from the last one on. */
  #stopAll(pod: Pod, observed: PodObserved): boolean {
    const { containers } = observed;
    const running = new Map(containers.filter(({ state }) => state === "running").map((run) => [run.name, run]));
    const { grace_s } = this.#verdict ?? {};
    const grace = grace_s === undefined ? {} : { grace_s };
    const order = [...pod.spec.containers, ...ephemeralContainersOf(pod), ...[...initContainersOf(pod)].reverse()];
    for (const container of order) {
      const run = running.get(container.name);
      if (run === undefined) continue;
      const message = `Stopping container ${container.name}`;
      this.#stop({ pod, place: this.#placeIn(observed), container, id: run.id, cause: "ending", message, ...grace });
    }
    return running.size > 0 || this.#stopper.isBusy;
  }

  #stop(stop: Stop): void {
    this.#stopper.stop(stop);
  }

  /** The API does not know it any more, nor shall its node. */
  async #forget(pod: Pod, observed: PodObserved): Promise<void> {
    const { runtime, volumes } = this.#world;
    this.#probing.stop();
    await Promise.all(observed.containers.filter(isRunning).map(({ id }) => runtime.stopContainer(id, ORPHAN_GRACE_MS)));
    await this.#groundwork.letGoOfDevices(pod, observed);
    await volumes.unmount(pod);
    await runtime.removePod(this.#uid);
    this.#isOver = true;
    this.#context.stop();
  }

  async #report(observed: PodObserved, isOver: boolean): Promise<void> {
    const facts: LifeFacts = {
      place: this.#placeIn(observed),
      runtime: schemeOf(this.#world.runtime),
      features: (pod) => featuresOf(this.#world.view, pod),
      observed,
      verdicts: this.#probing.verdict,
      waits: this.#starter.waits,
      replaced: this.#replaced,
      isOver,
      verdict: this.#verdict,
      pendingResize: this.#record.allocation?.pending,
      resizeTrouble: this.#resizeTrouble,
      now_ms: this.#context.clock.now_ms(),
    };
    const before = this.#record.pod;
    await this.#record.report((pod) => lifeStatus(pod, facts));
    const { pod } = this.#record;
    const completed = before === undefined || pod === undefined ? undefined : resizeCompleted(before, pod);
    if (pod !== undefined && completed !== undefined) tellOf(this.#world.recorder, pod, undefined, "Normal", "ResizeCompleted", completed);
  }

  #complain(error: unknown): void {
    const pod = this.#record.key ?? this.#uid;
    if (!this.#isOver) this.#context.log.warn({ error: String(error), pod }, "a step of a pod's life went wrong; trying again");
  }
}

const isRunning = ({ state }: ContainerObserved): boolean => state === "running";

const failing =
  (sender: Sender, code: string) =>
  (error: unknown): void =>
    sender.fail(code, (error as Error).message);
