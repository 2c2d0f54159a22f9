import { type Actor, type ActorKind, type Address, addressOf, type Context, type Sender, unknownMessage } from "../../runtime/mod.ts";
import { mayBeMirror } from "../kinds/core/mirror-pod.ts";
import type { Node, Pod } from "../kinds/generated/types.ts";
import { decodeMetadata } from "../kinds/metadata-text.ts";
import { decodeObject } from "../kinds/text.ts";
import type { PodOrder, PodSync } from "../pod/pod-order.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import type { ObjectWrites } from "../registry/registry.ts";
import { isLender } from "../scheduler/overcommit.ts";
import type { Stages } from "../stages/stages.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry, ObjectView } from "../store/view.ts";
import { Allocations, type Reallocated } from "./allocation/allocations.ts";
import { PRESSURES, type Pressure } from "./allocation/pod-admission.ts";
import type { SysctlAllowlist } from "./allocation/sysctl-allowlist.ts";
import { FLEET_ADDRESS } from "./fleet-address.ts";
import { conditionEvents } from "./hollow/condition-events.ts";
import { type Fate, fates } from "./hollow/fate.ts";
import type { ToldCondition } from "./hollow/node-behaviour.ts";
import { NodeTroubles } from "./hollow/node-troubles.ts";
import { type Heart, LeaseRenewals } from "./lease-renewals.ts";
import type { CompanionMessage, FleetMessage, NodeMessage, Play, PodHere, StaticPlaced } from "./messages.ts";
import type { NodeForm } from "./node-form.ts";
import { NodeReporter } from "./node-reporter.ts";
import { NodeStages } from "./node-stages.ts";
import { hasAddress, PodPlaces } from "./pod-places.ts";
import { MEASURE_MS, onlineUsage } from "./usage/online-usage.ts";
import { PodsUsage } from "./usage/pods-usage.ts";
import type { NodeUsage, PodUsage, UsageOf } from "./usage/usage.ts";

/** Source: kubelet's nodeStatusReportFrequency. */
const STATUS_REPORT_MS = 300_000;
const RETRY_MS = 1_000;
/** How often a node that has no pod range looks whether the cluster has given it one. */
const RANGE_POLL_MS = 100;
const SILENT = "the node is told to be silent";
const COULD_NOT_REPORT = "a node could not report; trying again";
const NODE_MAILBOX_MESSAGES = 16_384;

export interface NodeOptions {
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly form: NodeForm;
  readonly usageOf: UsageOf;
  /** Is told how the node's conditions change, and what is wrong with its annotations; absent: nobody. */
  readonly recorder?: EventRecorder;
  /** What befalls nodes that are to be befallen by something. */
  readonly fate?: Fate;
  /** Stages that may take over what the node says of itself. */
  readonly stages?: Stages;
  /** Where pods really run. */
  readonly real?: RealNodes;
}

export interface RealNodes {
  /** Kinds of actors that each node has beside it, under its own name: they begin when it does. */
  readonly companions: readonly string[];
  /** Settings of the kernel that pods may have for themselves. */
  readonly sysctls: SysctlAllowlist;
}

export function createNodeKind(options: NodeOptions): ActorKind<NodeMessage> {
  let renewals: LeaseRenewals | undefined;
  return {
    kind: "node",
    mailboxCapacity: NODE_MAILBOX_MESSAGES,
    // The fleet watches it, and alone knows the node's index and can tell it of its pods again.
    supervision: { strategy: "stop" },
    activate(context, name) {
      renewals ??= new LeaseRenewals(options.registry, context.clock, context.random);
      return new NodeActor(context, name, options, renewals);
    },
  };
}

const podAddressOf = (uid: string): Address => addressOf("pod", uid);

/**
 * One node's agent, address `node/<name>`: registers the Node, renews its lease, reports its status and owns its pods' actors: it gives them
 * their addresses and hands them what the API says of them. It promises that a pod bound to the node has an actor, and that a node whose
 * object was removed falls silent.
 */
class NodeActor implements Actor<NodeMessage>, Heart {
  readonly name: string;
  readonly #context: Context<NodeMessage>;
  readonly #view: ObjectView;
  readonly #form: NodeForm;
  readonly #renewals: LeaseRenewals;
  readonly #usage: PodsUsage;
  readonly #recorder: EventRecorder | undefined;
  readonly #stages: NodeStages;
  readonly #reporter: NodeReporter;
  /** Ends its part in the heartbeats, from when it has begun. */
  #stopBeating: (() => void) | undefined;
  /** It renews its lease alone. */
  #isRenewing = false;
  /** What it is to play, from when it is told to. */
  #play: Play | undefined;
  /** The Node as it was when play began; undefined before. */
  #node: Node | undefined;
  /** The view has shown the Node since then. */
  #wasThere = false;
  /**
   * Until all pods of the node have been told of, those that have no address yet wait, in the order in which they came: one that is told of later
   * may have it already.
   */
  #waiting: Map<Key, Entry> | undefined = new Map();
  /** The pods that have an actor. */
  readonly #places = new PodPlaces();
  /** Pods of the API that only show what the node runs by itself. */
  readonly #mirrors = new Set<Key>();
  readonly #real: RealNodes | undefined;
  /** Of real pods; hollow ones are granted what they ask for. */
  readonly #allocations: Allocations | undefined;
  readonly #troubles: NodeTroubles;
  /** A `measure` is on its way. */
  #isMeasuring = false;

  constructor(context: Context<NodeMessage>, name: string, options: NodeOptions, renewals: LeaseRenewals) {
    const { view, registry, form, usageOf, recorder, fate = fates(0) } = options;
    this.#context = context;
    this.name = name;
    this.#renewals = renewals;
    this.#view = view;
    this.#form = form;
    this.#usage = new PodsUsage(view, context.clock, usageOf);
    this.#recorder = recorder;
    this.#real = options.real;
    if (options.real !== undefined) this.#allocations = new Allocations(() => view.get<Node>(`nodes/${name}`), options.real.sysctls);
    this.#stages = new NodeStages(options.stages, {
      name,
      address: () => (this.#node === undefined ? "" : this.#reporter.addressOf(this.#node)),
      after: (ms) => context.after(ms, { type: "playStage" }),
    });
    this.#troubles = new NodeTroubles({
      node: name,
      fate,
      after: (ms, turn) => context.after(ms, { type: "spell", turn }),
      complain: (complaint) => this.#event("Warning", "InvalidAnnotation", complaint),
    });
    this.#reporter = new NodeReporter(
      { view, registry, form, clock: context.clock },
      { name, conditions: () => this.#conditions, isHeld: () => this.#stages.hold },
    );
  }

  receive(message: NodeMessage, sender: Sender): void | Promise<void> {
    switch (message.type) {
      case "play":
        return this.#begin(message);
      case "removed":
        return this.#removed();
      case "pod":
        return this.#podChanged(message.entry);
      case "podsTold":
        return this.#podsTold(new Set(message.keys));
      case "podGone":
        return this.#podGone(message.key);
      case "podEnded":
        return this.#podEnded(message.key, message.uid);
      case "podAgain":
        return this.#podAgain(message.key, message.uid);
      case "usage":
        if (this.#troubles.isSilent) return sender.fail("silent", SILENT);
        return sender.answer(this.#usage.total(this.#allPods()) satisfies NodeUsage);
      case "podUsage":
        if (this.#troubles.isSilent) return sender.fail("silent", SILENT);
        return sender.answer(this.#usage.of([...message.pods].filter((key) => this.#hasPod(key))) satisfies readonly PodUsage[]);
      case "node":
        return this.#nodeChanged(message.entry);
      case "pressure":
        return this.#pressed(message.pressures);
      case "placeStatic":
        return this.#placeStatic(message.entry, message.address, sender);
      case "staticGone":
        return this.#staticGone(message.uid);
      case "playStage":
        return this.#stages.play(this.#troubles.isSilent);
      case "spell":
        return this.#troubled(() => this.#troubles.turn(message.turn));
      case "measure":
        return this.#measure();
      case "renewLease":
        if (this.#isGone()) return this.#removed();
        // Not in this turn: it waits for others, and pods are not to wait for it.
        void this.#renewAlone(message);
        return;
      case "reportStatus":
        return this.#reportAgain(message);
      default:
        unknownMessage(message);
    }
  }

  stopped(): void {
    this.#stopBeating?.();
    this.#stages.forget();
  }

  beats(): boolean {
    if (this.#isGone()) this.missed();
    return !this.#isRenewing && !this.#troubles.isSilent;
  }

  /** What is not as it was said is put right without waiting for the next report. */
  renewed(): void {
    if (this.#reporter.isDue()) this.missed();
  }

  missed(): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    this.#context.tell(this.#context.self, { type: "renewLease" });
  }

  failed(error: unknown): void {
    this.#context.log.warn({ error: String(error), work: "renewLease" }, COULD_NOT_REPORT);
  }

  movesWith(): NodeMessage | undefined {
    if (this.#play === undefined || this.#node === undefined) return this.#play;
    return { ...this.#play, pods: [...this.#places.pods].map(([key, here]) => ({ key, ...here })) };
  }

  /** Whether the Node was there and is not any more: that it was removed may have been said to nobody. */
  #isGone(): boolean {
    const isThere = this.#view.entry(`nodes/${this.name}`) !== undefined;
    this.#wasThere ||= isThere;
    return this.#wasThere && !isThere;
  }

  #removed(): void {
    // Until it has begun, those that the agent before had are its pods.
    const { pods = [] } = (this.#node === undefined ? this.#play : undefined) ?? {};
    for (const { uid } of [...pods, ...this.#places.pods.values()]) this.#tellPod(uid, { type: "gone" });
    this.#tellCompanions({ type: "nodeGone" });
    this.#context.stop();
  }

  async #begin(play: Play): Promise<void> {
    if (this.#node !== undefined) {
      // What the agent before had comes after the fleet's word, when that is quicker. Whether it is there still the fleet says.
      const before = (play.pods ?? []).filter(({ key }) => !this.#places.pods.has(key));
      this.#takeOver(before);
      this.#tellReady(before.length > 0);
      return;
    }
    // Whoever moved here brings what it had; the fleet, which tells it to play too, does not know that.
    if (play.pods !== undefined || this.#play === undefined) this.#play = play;
    const { index, pods = [] } = this.#play;
    try {
      const range = this.#form.addresses.podCidrOf(index);
      const existing = this.#view.get<Node>(`nodes/${this.name}`);
      const before = existing?.spec?.podCIDR ?? range;
      if (before !== undefined) this.#places.use(before);
      // What the node runs by itself does not wait for the API.
      this.#tellCompanions({ type: "nodeBegins" });
      const node = await this.#reporter.register(existing, index, range);
      const podCidr = node.spec?.podCIDR ?? range;
      if (podCidr === undefined) {
        this.#context.after(RANGE_POLL_MS, this.#play);
        return;
      }
      this.#node = node;
      this.#places.use(podCidr);
      const entry = this.#view.entry(`nodes/${this.name}`);
      if (entry !== undefined) this.#stages.see(entry);
      await this.#reporter.report();
    } catch (error) {
      // It has not begun: what is retried is all of it, heartbeats included.
      this.#node = undefined;
      this.#context.log.warn({ error: String(error) }, "a node could not register; trying again");
      this.#context.after(RETRY_MS, this.#play);
      return;
    }
    this.#takeOver(pods);
    this.#stopBeating = this.#renewals.join(this);
    this.#context.after(this.#context.random.next() * STATUS_REPORT_MS, { type: "reportStatus" });
    this.#tellReady(true);
    this.#lend(this.#node.metadata);
    await this.#troubled(() => this.#troubles.read(this.#node?.metadata.annotations));
  }

  /** Pods that had their addresses from the agent before. */
  #takeOver(pods: NonNullable<Play["pods"]>): void {
    for (const { key, uid, place } of pods) {
      this.#places.adopt(key, { uid, place });
      this.#watchPod(key, uid);
    }
  }

  #nodeChanged(entry: Entry): void | Promise<void> {
    if (this.#node === undefined) return;
    this.#lend(decodeMetadata(entry.text));
    this.#stages.see(entry);
    return this.#troubled(() => this.#troubles.read(decodeMetadata(entry.text).annotations));
  }

  /** Something begins or ends to be wrong with the node, if `happens` says so. */
  async #troubled(happens: () => boolean): Promise<void> {
    const wasSilent = this.#troubles.isSilent;
    const before = this.#conditions;
    if (!happens()) return;
    const { isSilent } = this.#troubles;
    if (isSilent !== wasSilent) for (const { uid } of this.#places.pods.values()) this.#tellPod(uid, { type: "silence", on: isSilent });
    if (isSilent) return;
    const entry = this.#view.entry(`nodes/${this.name}`);
    if (wasSilent && entry !== undefined) this.#stages.see(entry);
    for (const { reason, message } of conditionEvents(this.name, before, this.#conditions)) this.#event("Normal", reason, message);
    // It says at once how it is. What fails now is said again in its time.
    await this.#reporter.report().catch((error: unknown) => this.#context.log.warn({ error: String(error) }, "a node could not report"));
  }

  /** What it is to say in place of its being well. */
  get #conditions(): readonly ToldCondition[] {
    const { conditions } = this.#troubles;
    const pressures = this.#allocations?.pressures;
    if (pressures === undefined) return conditions;
    return [...PRESSURES.map((type): ToldCondition => ({ type, status: pressures.includes(type) ? "True" : "False" })), ...conditions];
  }

  #pressed(pressures: readonly Pressure[]): Promise<void> {
    return this.#troubled(() => {
      if (this.#allocations !== undefined) this.#allocations.pressures = pressures;
      return true;
    });
  }

  /** Begins to measure when the node is to lend. It ends by itself. */
  #lend(metadata: Node["metadata"]): void {
    if (this.#isMeasuring || !isLender({ metadata })) return;
    this.#isMeasuring = true;
    this.#context.tell(this.#context.self, { type: "measure" });
  }

  async #measure(): Promise<void> {
    const node = this.#view.get<Node>(`nodes/${this.name}`);
    if (node === undefined) return;
    this.#isMeasuring = isLender(node);
    if (!this.#troubles.isSilent)
      await this.#reportUsage(node).catch((error: unknown) => this.#context.log.warn({ error: String(error) }, "a node could not report"));
    if (this.#isMeasuring) this.#context.after(MEASURE_MS, { type: "measure" });
  }

  /** A node that lends no more says nothing of what it uses. */
  async #reportUsage(node: Node): Promise<void> {
    const used = isLender(node) ? onlineUsage(this.#usage.measured(this.#places.pods.keys()), node.status?.allocatable) : undefined;
    await this.#reporter.reportUsage(node, used);
  }

  #event(severity: "Normal" | "Warning", reason: string, message: string): void {
    if (this.#node === undefined) return;
    this.#recorder?.event({ kind: "Node", apiVersion: "v1", metadata: this.#node.metadata }, severity, reason, message);
  }

  #tellReady(begun: boolean): void {
    this.#context.tell<FleetMessage>(FLEET_ADDRESS, { type: "nodeReady", name: this.name, begun });
  }

  /** Reports, and plans the next time. */
  async #reportAgain(message: NodeMessage): Promise<void> {
    const begun_ms = this.#context.clock.monotonic_ms();
    const done = await this.#said(message, async () => {
      await this.#reporter.reportStatus();
      this.#tellPodsAgain();
    });
    if (done) this.#context.after(Math.max(RETRY_MS, begun_ms + STATUS_REPORT_MS - this.#context.clock.monotonic_ms()), message);
  }

  async #renewAlone(message: NodeMessage): Promise<void> {
    this.#isRenewing = !(await this.#said(message, () => this.#reporter.heartbeat()));
  }

  /** Whether the node has said it, or has nothing to say: it is silent, or gone. Otherwise the message comes again soon. */
  async #said(message: NodeMessage, say: () => Promise<void>): Promise<boolean> {
    if (this.#troubles.isSilent) return true;
    try {
      await say();
      return true;
    } catch (error) {
      if (this.#view.entry(`nodes/${this.name}`) === undefined) return true;
      this.#context.log.warn({ error: String(error), work: message.type }, COULD_NOT_REPORT);
      this.#context.after(RETRY_MS, message);
      return false;
    }
  }

  #podChanged(entry: Entry): void {
    const node = this.#node;
    // Not yet registered: the fleet tells of all pods when it is.
    if (node === undefined) return;
    if (this.#real !== undefined && mayBeMirror(entry.text)) {
      if (!this.#mirrors.has(entry.key)) this.#places.hold(decodeObject<Pod>(entry.text, entry.revision).status?.podIP ?? "");
      this.#mirrors.add(entry.key);
      return;
    }
    if (this.#waiting !== undefined && !hasAddress(entry)) {
      this.#waiting.set(entry.key, entry);
      return;
    }
    this.#waiting?.delete(entry.key);
    const { here, isNew } = this.#places.see(entry, this.#reporter.addressOf(node));
    if (isNew) this.#watchPod(entry.key, here.uid);
    const others = this.#allocations?.see(decodeObject<Pod>(entry.text, entry.revision));
    this.#sync(entry, here);
    if (others !== undefined) this.#syncOthers(others, here.uid);
  }

  #sync(entry: Entry, { uid, place }: PodHere): void {
    const allocation = this.#allocations?.of(uid);
    const sync: PodSync = { type: "sync", entry, place, silent: this.#troubles.isSilent };
    this.#tellPod(uid, allocation === undefined ? sync : { ...sync, allocation });
  }

  /** What has been granted to them is new. */
  #syncOthers(uids: Reallocated, but?: string): void {
    for (const [key, here] of uids.size === 0 ? [] : this.#places.pods) {
      const entry = uids.has(here.uid) && here.uid !== but ? this.#view.entry(key) : undefined;
      if (entry?.text.includes(here.uid) === true) this.#sync(entry, here);
    }
  }

  /** `address`: what it has already, of a life before this one. */
  #placeStatic(entry: Entry, address: string | undefined, sender: Sender): void {
    const pod = decodeObject<Pod>(entry.text, entry.revision);
    const node = this.#view.get<Node>(`nodes/${this.name}`);
    const hostIP = node === undefined ? this.#form.addresses.nodeAddressOf(this.#play?.index ?? 0) : this.#reporter.addressOf(node);
    const place = this.#places.placeStatic(pod, address, hostIP);
    if (place === undefined) {
      sender.answer(null);
      return;
    }
    this.#allocations?.see(pod, true);
    const allocation = this.#allocations?.of(pod.metadata.uid);
    const placed: StaticPlaced = { place };
    sender.answer(allocation === undefined ? placed : ({ ...placed, allocation } satisfies StaticPlaced));
  }

  #staticGone(uid: string): void {
    this.#places.staticGone(uid);
    this.#syncOthers(this.#allocations?.gone(uid) ?? new Set());
  }

  /** What was told may have been lost on the way to a pod's actor on another host. What its pod says it knows already. */
  #tellPodsAgain(): void {
    for (const [key, here] of this.#places.pods) {
      const entry = this.#view.entry(key);
      if (entry?.text.includes(here.uid) === true) this.#sync(entry, here);
    }
  }

  #watchPod(key: Key, uid: string): void {
    this.#context.watch(podAddressOf(uid), { type: "podEnded", key, uid });
  }

  /** Those that went while nobody told of it. */
  #podsTold(keys: ReadonlySet<Key>): void {
    for (const key of this.#places.pods.keys()) if (!keys.has(key)) this.#podGone(key);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const entry of waiting?.values() ?? []) this.#podChanged(entry);
    this.#syncOthers(this.#allocations?.complete() ?? new Set());
  }

  #podGone(key: Key): void {
    this.#waiting?.delete(key);
    this.#mirrors.delete(key);
    const here = this.#places.gone(key);
    if (here === undefined) return;
    this.#tellPod(here.uid, { type: "gone" });
    this.#syncOthers(this.#allocations?.gone(here.uid) ?? new Set());
  }

  /** An actor that ends while its pod is here has crashed, or its host has gone. */
  #podEnded(key: Key, uid: string): void {
    if (this.#places.pods.get(key)?.uid === uid) this.#context.after(RETRY_MS, { type: "podAgain", key, uid });
  }

  #podAgain(key: Key, uid: string): void {
    const here = this.#places.pods.get(key);
    const entry = this.#view.entry(key);
    if (here?.uid !== uid || entry === undefined || decodeMetadata(entry.text).uid !== uid) return;
    this.#watchPod(key, uid);
    this.#sync(entry, here);
  }

  /** Those of which there may be something to say: its own, and those that show what it runs by itself. */
  #allPods(): Iterable<Key> {
    return [...this.#places.pods.keys(), ...this.#mirrors];
  }

  #hasPod(key: Key): boolean {
    return this.#places.pods.has(key) || this.#mirrors.has(key);
  }

  #tellCompanions(message: CompanionMessage): void {
    for (const kind of this.#real?.companions ?? []) this.#context.tell<CompanionMessage>(addressOf(kind, this.name), message);
  }

  #tellPod(uid: string, message: PodOrder): void {
    this.#context.tell(podAddressOf(uid), message);
  }
}
