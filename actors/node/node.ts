import { type Actor, type ActorKind, addressOf, type Context, type Sender, unknownMessage } from "../../runtime/mod.ts";
import type { Node } from "../kinds/generated/types.ts";
import { decodeMetadata } from "../kinds/metadata-text.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import type { ObjectWrites } from "../registry/registry.ts";
import { isLender } from "../scheduler/overcommit.ts";
import type { Stages } from "../stages/stages.ts";
import type { Entry, ObjectView } from "../store/view.ts";
import { Allocations } from "./allocation/allocations.ts";
import { PRESSURES, type Pressure } from "./allocation/pod-admission.ts";
import type { SysctlAllowlist } from "./allocation/sysctl-allowlist.ts";
import { FLEET_ADDRESS } from "./fleet-address.ts";
import { conditionEvents } from "./hollow/condition-events.ts";
import { type Fate, fates } from "./hollow/fate.ts";
import type { ToldCondition } from "./hollow/node-behaviour.ts";
import { NodeTroubles } from "./hollow/node-troubles.ts";
import { type Heart, LeaseRenewals } from "./lease-renewals.ts";
import type { CompanionMessage, FleetMessage, NodeMessage, Play, StaticPlaced } from "./messages.ts";
import type { NodeForm } from "./node-form.ts";
import { NodePods } from "./node-pods.ts";
import { NodeReporter } from "./node-reporter.ts";
import { NodeStages } from "./node-stages.ts";
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
  readonly #pods: NodePods;
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
    const allocations = options.real && new Allocations(() => view.get<Node>(`nodes/${name}`), options.real.sysctls);
    this.#allocations = allocations;
    this.#stages = new NodeStages(options.stages, {
      name,
      address: () => this.#address ?? "",
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
    this.#pods = new NodePods({
      view,
      context,
      hostIP: () => this.#address,
      isSilent: () => this.#troubles.isSilent,
      allocations,
    });
  }

  receive(message: NodeMessage, sender: Sender): void | Promise<void> {
    switch (message.type) {
      case "play":
        return this.#begin(message);
      case "removed":
        return this.#removed();
      case "pod":
        return this.#pods.changed(message.entry);
      case "podsTold":
        return this.#pods.told(new Set(message.keys));
      case "podGone":
        return this.#pods.gone(message.key);
      case "podEnded":
        return this.#pods.ended(message.key, message.uid);
      case "podAgain":
        return this.#pods.again(message.key, message.uid);
      case "usage":
        if (this.#troubles.isSilent) return sender.fail("silent", SILENT);
        return sender.answer(this.#usage.total(this.#pods.all) satisfies NodeUsage);
      case "podUsage":
        if (this.#troubles.isSilent) return sender.fail("silent", SILENT);
        return sender.answer(this.#usage.of([...message.pods].filter((key) => this.#pods.has(key))) satisfies readonly PodUsage[]);
      case "node":
        return this.#nodeChanged(message.entry);
      case "pressure":
        return this.#pressed(message.pressures);
      case "placeStatic":
        return sender.answer(this.#placeStatic(message.entry, message.address) ?? null);
      case "staticGone":
        return this.#pods.staticGone(message.uid);
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
    return { ...this.#play, pods: [...this.#pods.here].map(([key, here]) => ({ key, ...here })) };
  }

  /** Undefined until it has registered. */
  get #address(): string | undefined {
    return this.#node === undefined ? undefined : this.#reporter.addressOf(this.#node);
  }

  /** Whether the Node was there and is not any more: that it was removed may have been said to nobody. */
  #isGone(): boolean {
    const isThere = this.#view.entry(`nodes/${this.name}`) !== undefined;
    this.#wasThere ||= isThere;
    return this.#wasThere && !isThere;
  }

  #removed(): void {
    // Until it has begun, those that the agent before had are its pods.
    if (this.#node === undefined) this.#pods.takeOver(this.#play?.pods ?? []);
    this.#pods.tellAll({ type: "gone" });
    this.#tellCompanions({ type: "nodeGone" });
    this.#context.stop();
  }

  async #begin(play: Play): Promise<void> {
    if (this.#node !== undefined) {
      // What the agent before had comes after the fleet's word, when that is quicker. Whether it is there still the fleet says.
      const before = (play.pods ?? []).filter(({ key }) => !this.#pods.here.has(key));
      this.#pods.takeOver(before);
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
      if (before !== undefined) this.#pods.use(before);
      // What the node runs by itself does not wait for the API.
      this.#tellCompanions({ type: "nodeBegins" });
      const node = await this.#reporter.register(existing, index, range);
      const podCidr = node.spec?.podCIDR ?? range;
      if (podCidr === undefined) {
        this.#context.after(RANGE_POLL_MS, this.#play);
        return;
      }
      this.#node = node;
      this.#pods.use(podCidr);
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
    this.#pods.takeOver(pods);
    this.#stopBeating = this.#renewals.join(this);
    this.#context.after(this.#context.random.next() * STATUS_REPORT_MS, { type: "reportStatus" });
    this.#tellReady(true);
    this.#lend(this.#node.metadata);
    await this.#troubled(() => this.#troubles.read(this.#node?.metadata.annotations));
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
    if (isSilent !== wasSilent) this.#pods.tellAll({ type: "silence", on: isSilent });
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
    const used = isLender(node) ? onlineUsage(this.#usage.measured(this.#pods.here.keys()), node.status?.allocatable) : undefined;
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
      this.#pods.tellAgain();
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

  #placeStatic(entry: Entry, address: string | undefined): StaticPlaced | undefined {
    const node = this.#view.get<Node>(`nodes/${this.name}`);
    const hostIP = node === undefined ? this.#form.addresses.nodeAddressOf(this.#play?.index ?? 0) : this.#reporter.addressOf(node);
    return this.#pods.placeStatic(entry, address, hostIP);
  }

  #tellCompanions(message: CompanionMessage): void {
    for (const kind of this.#real?.companions ?? []) this.#context.tell<CompanionMessage>(addressOf(kind, this.name), message);
  }
}
