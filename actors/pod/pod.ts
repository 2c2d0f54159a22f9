import { type Actor, type ActorKind, type Context, keyOf, type Timer, unknownMessage } from "../../runtime/mod.ts";
import { PodKind } from "../kinds/core/pod.ts";
import { isTerminalPhase } from "../kinds/core/pod-phase.ts";
import type { Node, Pod } from "../kinds/generated/types.ts";
import { type Kind, partsOf } from "../kinds/kind.ts";
import { decodeMetadata, mayBeDeleted } from "../kinds/metadata-text.ts";
import { StatusError } from "../kinds/status.ts";
import { decodeObject, type ObjectText } from "../kinds/text.ts";
import type { PodSandbox, Reporter, Runtime, RuntimeReport } from "../node/runtime.ts";
import { podsByNode } from "../pod/pods-by-node.ts";
import { NODE_OF_POD } from "../registry/authors.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import type { ObjectWrites } from "../registry/registry.ts";
import { timestamp } from "../registry/timestamps.ts";
import { WriteGate } from "../registry/write-gate.ts";
import type { StagePlay } from "../stages/stage-play.ts";
import type { Stages } from "../stages/stages.ts";
import type { TemplateFunctions } from "../stages/template/template.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry, ObjectView } from "../store/view.ts";
import { type NodeRoom, roomOn } from "./node-room.ts";
import { isUnobserved, observedStatus } from "./pod-changes.ts";
import type { PodOrder } from "./pod-order.ts";
import { crashedStatus, waitingStatus } from "./pod-setbacks.ts";
import { creatingStatus, endedStatus, type PodPlace, readiness, runningStatus } from "./pod-status.ts";

/**
 * The life of one hollow pod on its node, address `pod/<uid>`: Pending, ContainerCreating, Running; on deletion the containers are ended
 * within the grace period and the object is removed. It promises that the API's status follows what the runtime reports, in order,
 * and that it ends when the pod is gone. A store that is away is waited for; nothing is forgotten.
 */
export type PodMessage =
  | PodOrder
  | { readonly type: "report"; readonly report: RuntimeReport }
  /** The time of a planned stage has come. */
  | { readonly type: "play" }
  /** Try the write again that the store did not take. */
  | { readonly type: "retry" }
  /** See whether there is room now for a resize that was put off. */
  | { readonly type: "reconsider" };

/** How long a pod waits before it repeats a write that failed. */
const WRITE_RETRY_MS = 1_000;
/** How long a resize that was put off waits before it is considered again. Source: kubelet's default resync of pods is a minute; hollow nodes are quicker. */
const RESIZE_RETRY_MS = 5_000;
const POD_MAILBOX_MESSAGES = 64;
/** Writes of all pods of a host that are under way at a time. */
const WRITES_IN_FLIGHT_MAX = 256;

export interface PodOptions {
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly recorder: EventRecorder;
  readonly runtime: Runtime;
  /** Stages that may take a pod's life over; absent where the runtime has none. */
  readonly stages?: Stages;
}

/** What remains to be told to the API. Each step is repeated until it is done. */
type Step = "accept" | "wait" | "run" | "ready" | "crash" | "observe" | "exit" | "remove" | "none";

type Started = Extract<RuntimeReport, { type: "started" }>;

/** How its containers are, as the runtime reported last. */
type Containers = "down" | "unready" | "ready";

export function createPodKind(options: PodOptions): ActorKind<PodMessage> {
  const shared: Shared = { ...options, gate: new WriteGate(WRITES_IN_FLIGHT_MAX) };
  return {
    kind: "pod",
    mailboxCapacity: POD_MAILBOX_MESSAGES,
    supervision: { strategy: "stop" },
    activate: (context) => new PodActor(context, shared),
  };
}

/** What all pods of a host share. */
interface Shared extends PodOptions {
  readonly gate: WriteGate;
}

class PodActor implements Actor<PodMessage>, Reporter {
  readonly #context: Context<PodMessage>;
  readonly #options: Shared;
  /** The newest state from the API, as text shared with the view: a pod at rest costs little. Undefined only before the first sync. */
  #entry: Entry | undefined = undefined;
  #place: PodPlace = NOWHERE;
  /** Present from acceptance on. */
  #sandbox: PodSandbox | undefined = undefined;
  /** Whether its readiness waits for conditions that others set. */
  #isGated = false;
  #stopping = false;
  #isSilent = false;
  #containers: Containers = "down";
  #step: Step = "none";
  #retry: Timer | undefined = undefined;
  /** Only while there are stages for pods. */
  #play: StagePlay | undefined = undefined;
  /** What the step is about: how the containers exited, what they wait for. */
  #reported: RuntimeReport | undefined = undefined;

  constructor(context: Context<PodMessage>, options: Shared) {
    this.#context = context;
    this.#options = options;
  }

  /** Which incarnation it is; its address says it. */
  get #uid(): string {
    return keyOf(this.#context.self);
  }

  receive(message: PodMessage): void | Promise<void> {
    switch (message.type) {
      case "sync":
        return this.#synced(message);
      case "gone":
        return this.#context.stop();
      case "report":
        return this.#report(message.report);
      case "silence":
        return this.#silence(message.on);
      case "play":
        return this.#playStage();
      case "retry":
        return this.#advance(this.#step);
      case "reconsider":
        return this.#advance("observe");
      default:
        unknownMessage(message);
    }
  }

  movesWith(): PodMessage | undefined {
    if (this.#entry === undefined) return undefined;
    return { type: "sync", entry: this.#entry, place: this.#place, silent: this.#isSilent };
  }

  stopped(): void {
    this.#sandbox?.abandon();
    this.#play?.forget();
  }

  #synced({ entry, place, silent = false }: Extract<PodMessage, { readonly type: "sync" }>): void | Promise<void> {
    if (this.#isSilent === silent) return this.#sync(entry, place);
    this.#entry = entry;
    this.#place = place;
    return this.#silence(silent);
  }

  #sync(entry: Entry, place: PodPlace): void | Promise<void> {
    this.#entry = entry;
    this.#place = place;
    if (this.#isSilent || this.#isHeldByStages(entry)) return;
    if (!mayBeDeleted(entry.text)) {
      // Most syncs are echoes of what this actor wrote, or a pod that no node has reported on yet: the text alone says what to do.
      const isEcho = this.#sandbox !== undefined && !this.#isGated && isFirstGeneration(entry.text);
      if (isEcho && !(this.#containers === "ready" && isSaidUnready(entry.text))) return;
      if (this.#sandbox === undefined && !entry.text.includes('startTime":"')) return this.#advance("accept");
    }
    const pod = podOf(entry);
    this.#isGated = pod.spec.readinessGates !== undefined;
    const phase = pod.status?.phase;
    const ended = isTerminalPhase(phase);
    if (pod.metadata.deletionTimestamp !== undefined) return this.#stop(pod, ended);
    if (ended) return;
    if (this.#sandbox === undefined) {
      if (phase !== "Running") return this.#advance("accept");
      if (this.#isPast(entry)) return this.#context.stop();
      this.#adopt(pod);
    }
    if (phase !== "Running" || this.#containers === "down") return;
    const ready = pod.status?.conditions?.find((condition) => condition.type === "Ready");
    if (this.#containers === "ready" && ready?.status !== readiness(pod).status) return this.#advance("ready");
    if (isUnobserved(pod)) return this.#advance("observe");
  }

  /** Whether this incarnation of the pod is gone: its node may have been removed, and then nobody has told this actor. */
  #isPast({ key, revision }: Entry): boolean {
    const { view } = this.#options;
    const now = view.entry(key);
    return revision <= view.revision && (now === undefined || decodeMetadata(now.text).uid !== this.#uid);
  }

  /** Takes over the containers of a pod that runs. */
  #adopt(pod: Pod): void {
    this.#containers = containersOf(pod);
    this.#sandbox = this.#options.runtime.adopt(pod, this);
  }

  /** What stages hold nobody else has a hand in: its containers are let go of. */
  #isHeldByStages(entry: Entry): boolean {
    const { stages } = this.#options;
    if (stages === undefined || (this.#play === undefined && stages.for(POD).length === 0)) return false;
    this.#play ??= stages.play({
      kind: PodKind as unknown as Kind,
      functions: podFunctions(() => this.#place),
      author: NODE_OF_POD,
      after: (ms) => this.#context.after(ms, { type: "play" }),
    });
    if (!this.#play.see(entry)) return false;
    this.#sandbox?.abandon();
    this.#sandbox = undefined;
    this.#step = "none";
    this.#containers = "down";
    return true;
  }

  /** A silent node plays nothing; it looks again when it is silent no more. */
  #playStage(): void | Promise<void> {
    if (!this.#isSilent) return this.#play?.play();
    this.#play?.forget();
  }

  #report(report: RuntimeReport): void | Promise<void> {
    // What was on its way from containers that stages have taken over means nothing any more.
    if (this.#sandbox === undefined) return;
    if (report.type === "event") return this.#tell(report);
    // As long as the store would not have it, what comes after is not said before.
    if (this.#step === "accept" && !this.#stopping) return void this.#context.after(WRITE_RETRY_MS, { type: "report", report });
    this.#reported = report;
    switch (report.type) {
      case "started":
        this.#containers = report.ready ? "ready" : "unready";
        return this.#advance("run");
      case "ready":
        this.#containers = "ready";
        return this.#advance("ready");
      case "waiting":
        return this.#advance("wait");
      case "ended":
        this.#containers = "down";
        return this.#advance("crash");
      case "exited":
        this.#containers = "down";
        return this.#advance("exit");
      case "stopped":
        return this.#advance("remove");
    }
  }

  /** What has happened meanwhile is told when there is a way again. */
  #silence(on: boolean): void | Promise<void> {
    this.#isSilent = on;
    if (on || this.#entry === undefined) return;
    return this.#step === "none" ? this.#sync(this.#entry, this.#place) : this.#advance(this.#step);
  }

  #stop(pod: Pod, ended: boolean): void | Promise<void> {
    const grace_ms = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
    if (this.#stopping && grace_ms > 0) return;
    this.#stopping = true;
    if (this.#sandbox === undefined || ended) return this.#advance("remove");
    this.#sandbox.stop(grace_ms);
  }

  reported(report: RuntimeReport): void {
    // What is about to be told takes this in.
    if (this.#step === "accept" && report.type === "started") this.#reported = report;
    else this.#context.tell<PodMessage>(this.#context.self, { type: "report", report });
  }

  /** Takes one step and, when the store would not have it, takes it again later. */
  async #advance(step: Step): Promise<void> {
    if (this.#entry === undefined || step === "none" || (this.#stopping && step !== "remove")) return;
    this.#step = step;
    if (this.#isSilent) return;
    try {
      await this.#perform(step, this.#entry);
      if (this.#step === step) this.#step = "none";
    } catch (error) {
      if (isGone(error, step)) return this.#context.stop();
      this.#context.log.warn({ error: String(error), step }, "a pod's status could not be written; trying again");
      // One at a time, however often it is told of its pod meanwhile.
      this.#retry?.cancel();
      this.#retry = this.#context.after(WRITE_RETRY_MS, { type: "retry" });
    }
  }

  async #perform(step: Exclude<Step, "none">, entry: Entry): Promise<void> {
    const now = timestamp(this.#context.clock.now_ms());
    const { runtime, registry, gate } = this.#options;
    const reported = this.#reported;
    const { key } = entry;
    switch (step) {
      case "accept":
        return this.#accept(entry);
      case "wait":
        if (reported?.type === "waiting") await this.#writeStatus(key, (current) => waitingStatus(current, this.#place, reported, now));
        return;
      case "run": {
        const ready = this.#containers === "ready";
        const pod = await this.#writeStatus(key, (current) => runningStatus(current, this.#place, runtime.name, now, ready));
        if (pod !== undefined) this.#tellStarted(pod);
        return;
      }
      case "ready":
        await this.#writeStatus(key, (current) => runningStatus(current, this.#place, runtime.name, now));
        return;
      case "crash":
        if (reported?.type === "ended") await this.#writeStatus(key, (current) => crashedStatus(current, reported.exitCode, now));
        return;
      case "observe": {
        let deferred = false;
        await this.#writeStatus(key, (current) => {
          const observed = observedStatus(current, runtime.name, now, this.#room(current));
          deferred = observed.deferred;
          return observed.status;
        });
        if (deferred) this.#context.after(RESIZE_RETRY_MS, { type: "reconsider" });
        return;
      }
      case "exit":
        if (reported?.type === "exited") await this.#writeStatus(key, (current) => endedStatus(current, reported.exitCode, now));
        return;
      case "remove": {
        const { namespace, name } = partsOf(key);
        const how = { author: NODE_OF_POD, gracePeriodSeconds: 0, preconditions: { uid: this.#uid } };
        await gate.through(() => registry.delete(PodKind, namespace, name, how));
        return;
      }
    }
  }

  /** The containers are started, and what is told of them is how they are by the time that it can be told: in a rush that is one write less. */
  async #accept(entry: Entry): Promise<void> {
    const { runtime } = this.#options;
    if (this.#sandbox === undefined) {
      const pod = podOf(entry);
      this.#isGated = pod.spec.readinessGates !== undefined;
      this.#reported = undefined;
      this.#sandbox = runtime.start(pod, this);
    }
    let told: Started | undefined;
    const pod = await this.#writeStatus(entry.key, (current) => {
      if (hasBegun(current)) return current.status;
      told = this.#reported?.type === "started" ? this.#reported : undefined;
      const now = timestamp(this.#context.clock.now_ms());
      if (told === undefined) return creatingStatus(current, this.#place, now);
      return runningStatus(current, this.#place, runtime.name, now, told.ready);
    });
    this.#step = "none";
    if (pod === undefined) return;
    // The activation before this one may have got further than was known when this one was told of the pod.
    if (hasBegun(pod)) {
      this.#sandbox.abandon();
      this.#sandbox = undefined;
      if (pod.status?.phase === "Running") this.#adopt(pod);
      return;
    }
    if (this.#reported === undefined) return;
    if (told === undefined) return this.reported(this.#reported);
    this.#containers = told.ready ? "ready" : "unready";
    this.#tellStarted(pod);
  }

  /** What the pod may ask of its node. */
  #room({ spec, metadata }: Pod): NodeRoom {
    const { view } = this.#options;
    const node = spec.nodeName ?? "";
    view.index(podsByNode);
    const others = view.byIndex(podsByNode.name, node).map((entry) => view.decode<Pod>(entry));
    const { allocatable } = view.get<Node>(`nodes/${node}`)?.status ?? {};
    return roomOn(
      allocatable,
      others.filter((other) => other.metadata.uid !== metadata.uid),
    );
  }

  /** Gives the pod as it was read for the write; undefined when another incarnation has its name now. */
  async #writeStatus(key: Key, status: (current: Pod) => Pod["status"]): Promise<Pod | undefined> {
    const { namespace, name } = partsOf(key);
    let read: Pod | undefined;
    const { gate, registry } = this.#options;
    const told = (current: Pod): Pod | undefined => {
      read = current.metadata.uid === this.#uid ? current : undefined;
      return read === undefined ? undefined : { ...current, status: status(current) ?? {} };
    };
    const how = { author: NODE_OF_POD, subresource: "status", fieldManager: "kubelet", unmanaged: true } as const;
    await gate.through(() => registry.modify(PodKind, namespace, name, told, how));
    return read;
  }

  /** Of a kubelet's Events this one alone is true of every runtime: a hollow node pulls no image and creates nothing unless something is to go wrong with it. */
  #tellStarted(pod: Pod): void {
    const about = { kind: "Pod", apiVersion: "v1", metadata: pod.metadata };
    for (const container of pod.spec?.containers ?? []) {
      this.#options.recorder.once(about, "Normal", "Started", `Started container ${container.name}`);
    }
  }

  /** What repeats by its nature is counted up, not told anew. */
  #tell({ severity, reason, message, container }: Extract<RuntimeReport, { type: "event" }>): void {
    if (this.#entry === undefined || this.#isSilent) return;
    const { metadata } = podOf(this.#entry);
    const about = { kind: "Pod", apiVersion: "v1", metadata };
    const part = container === undefined ? about : { ...about, fieldPath: `spec.containers{${container}}` };
    this.#options.recorder.event(part, severity, reason, message);
  }
}

/** As stages call it. */
const POD = "v1/Pod";

/** What templates for pods can ask for. Its address is given to a pod by its node, whatever a template asks it for. Source: kwok's pod_controller.go. */
function podFunctions(place: () => PodPlace): TemplateFunctions {
  return {
    NodeIP: () => place().hostIP,
    NodeIPWith: () => place().hostIP,
    NodeIPsWith: () => [place().hostIP],
    PodIP: () => place().podIP,
    PodIPWith: () => place().podIP,
    PodIPsWith: () => [place().podIP],
  };
}

/** Before the first sync. */
const NOWHERE: PodPlace = { hostIP: "", podIP: "" };

const hasBegun = ({ status }: Pod): boolean => status?.phase !== undefined && status.phase !== "Pending";

/** How the containers are of a pod that ran before. */
function containersOf({ status }: Pod): Containers {
  const containers = status?.containerStatuses ?? [];
  if (containers.some(({ state }) => state?.running === undefined)) return "down";
  return containers.every(({ ready }) => ready) ? "ready" : "unready";
}

/** The pod, or this incarnation of it (a removal's uid precondition fails), does not exist any more. */
function isGone(error: unknown, step: Step): boolean {
  return error instanceof StatusError && (error.status.code === 404 || (step === "remove" && error.status.code === 409));
}

/** A pod that was never changed since it was made; what of it is new is only what was reported. */
const isFirstGeneration = (text: ObjectText): boolean => text.includes('"generation":1,');

/** As the node controller says of a pod whose node was silent, and the node then has to put right. */
const isSaidUnready = (text: ObjectText): boolean => text.includes('"type":"Ready","status":"False"');

const podOf = (entry: Entry): Pod => decodeObject<Pod>(entry.text, entry.revision);
