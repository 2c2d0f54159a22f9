import { type Actor, type ActorKind, type Address, addressOf, type Context, unknownMessage } from "../../../runtime/mod.ts";
import type { Node } from "../../kinds/generated/types.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import type { Change, Entry, ObjectView, Subscription } from "../../store/view.ts";
import { MACHINE_LABEL } from "../runtime.ts";
import type { KernelNetwork } from "./kernel-network.ts";
import { type NetworkPlan, networkPlan, type Refused } from "./network-plan.ts";
import type { NetworkPlace, Route } from "./place.ts";

/**
 * The machine's part in the network of pods, address `pod-network/main`. It promises that packets to pods of other machines find the way there soon after their Nodes are seen, and
 * none after their Nodes are gone; that pods are known by their own addresses in the cluster and by the machine's outside of it; and that whoever looks at a Node sees why it is not reached.
 */
export type PodNetworkMessage =
  | { readonly type: "start" }
  /** From itself: Nodes have changed, or what failed is tried again. */
  | { readonly type: "changed" };

export const POD_NETWORK_ADDRESS: Address = addressOf("pod-network", "main");

const NODES = "nodes";
const RETRY_MS = 5_000;
const MAILBOX_MESSAGES = 1_024;

export interface PodNetworkOptions {
  readonly place: NetworkPlace;
  /** With the Nodes of this machine. */
  readonly view: ObjectView;
  /** With those of others; the same, in the cluster. */
  readonly others: ObjectView;
  readonly kernel: Pick<KernelNetwork, "masquerade" | "route" | "routes" | "unroute">;
  readonly recorder: Pick<EventRecorder, "event">;
  /** Whether an address is one of this machine. */
  readonly isHere: (address: string) => boolean;
  /** Is told the range of this machine's pods when that is known; absent: nobody wants to know. */
  readonly usePods?: (range: string) => Promise<void>;
}

export function createPodNetworkKind(options: PodNetworkOptions): ActorKind<PodNetworkMessage> {
  return {
    kind: "pod-network",
    mailboxCapacity: MAILBOX_MESSAGES,
    supervision: { strategy: "restart", backoff_ms: 1_000, backoff_max_ms: 60_000 },
    activate: (context) => new PodNetworkActor(context, options),
  };
}

class PodNetworkActor implements Actor<PodNetworkMessage> {
  readonly #context: Context<PodNetworkMessage>;
  readonly #options: PodNetworkOptions;
  readonly #subscriptions: readonly Subscription[];
  /** A `changed` message is on its way. */
  #told = false;
  /** A look after a failure is on its way. */
  #retries = false;
  /** What the kernel has, by range; undefined: it was not asked yet. */
  #routes: Map<string, string> | undefined;
  /** For which the machine masquerades. */
  #pods: string | undefined;
  /** What people were told, by node. */
  readonly #complaints = new Map<string, string>();

  constructor(context: Context<PodNetworkMessage>, options: PodNetworkOptions) {
    this.#context = context;
    this.#options = options;
    const views = new Set([options.view, options.others]);
    this.#subscriptions = [...views].map((view) => view.watch(NODES, view.revision, (change) => this.#nodeChanged(view, change)));
    this.#tellSelf();
  }

  receive(message: PodNetworkMessage): void | Promise<void> {
    switch (message.type) {
      case "start":
        return;
      case "changed":
        this.#told = false;
        this.#retries = false;
        return this.#look();
      default:
        unknownMessage(message);
    }
  }

  movesWith(): PodNetworkMessage {
    return { type: "start" };
  }

  stopped(): void {
    for (const subscription of this.#subscriptions) subscription.cancel();
  }

  /** Nodes report often; where they are changes seldom. */
  #nodeChanged(view: ObjectView, { now, before }: Change): void {
    const where = (entry: Entry | undefined): string => {
      if (entry === undefined || !entry.text.includes(MACHINE_LABEL)) return "";
      const { spec, status } = view.decode<Node>(entry);
      return JSON.stringify([spec?.podCIDRs, status?.addresses]);
    };
    if (where(now) !== where(before)) this.#tellSelf();
  }

  #tellSelf(): void {
    if (this.#told) return;
    this.#told = true;
    this.#context.tell<PodNetworkMessage>(this.#context.self, { type: "changed" });
  }

  async #look(): Promise<void> {
    const { others, place, isHere } = this.#options;
    const nodes = others.list(NODES).map((entry) => others.decode<Node>(entry));
    try {
      await this.#usePods(place.pods());
      await this.#apply(networkPlan(place, nodes, isHere), nodes);
    } catch (error) {
      this.#context.log.warn({ error: String(error) }, "the network of pods is not as it should be; trying again");
      this.#lookAgain();
    }
  }

  async #usePods(range: string | undefined): Promise<void> {
    const { kernel, place, usePods } = this.#options;
    if (range === undefined || range === this.#pods) return;
    await kernel.masquerade(range, place.ranges);
    await usePods?.(range);
    this.#pods = range;
  }

  async #apply({ routes, refused }: NetworkPlan, nodes: readonly Node[]): Promise<void> {
    const { kernel, place } = this.#options;
    this.#routes ??= new Map((await kernel.routes(place.ranges)).map(({ to, via }) => [to, via]));
    const wanted = new Set(routes.map(({ to }) => to));
    for (const [to, via] of this.#routes) {
      if (wanted.has(to)) continue;
      await kernel.unroute({ to, via });
      this.#routes.delete(to);
    }
    const failed = await this.#lead(routes, this.#routes);
    const troubles = [...refused, ...failed.flatMap((failure) => ofNodes(failure, nodes))];
    this.#complain(troubles, nodes);
    if (failed.length > 0) this.#lookAgain();
  }

  /** What could not be done of it. */
  async #lead(routes: readonly Route[], known: Map<string, string>): Promise<readonly Failure[]> {
    const failed: Failure[] = [];
    for (const { to, via } of routes) {
      if (known.get(to) === via) continue;
      try {
        await this.#options.kernel.route({ to, via });
        known.set(to, via);
      } catch (error) {
        failed.push({ to, via, why: (error as Error).message });
      }
    }
    return failed;
  }

  /** Once for each node, and again when it is something else. */
  #complain(troubles: readonly Refused[], nodes: readonly Node[]): void {
    const now = new Map(troubles.map(({ node, why }) => [node, why]));
    for (const node of this.#complaints.keys()) if (!now.has(node)) this.#complaints.delete(node);
    for (const [name, why] of now) {
      if (this.#complaints.get(name) === why) continue;
      this.#complaints.set(name, why);
      this.#context.log.warn({ node: name }, `pods of the node are not reached from here: ${why}`);
      const metadata = nodes.find((node) => node.metadata.name === name)?.metadata;
      if (metadata !== undefined)
        this.#options.recorder.event({ kind: "Node", apiVersion: "v1", metadata }, "Warning", "FailedToCreateRoute", why);
    }
  }

  #lookAgain(): void {
    if (this.#retries) return;
    this.#retries = true;
    this.#context.after(RETRY_MS, { type: "changed" });
  }
}

type Failure = Route & { readonly why: string };

/** Whose range it is; of what is no node's, the log tells by its range. */
function ofNodes({ to, via, why }: Failure, nodes: readonly Node[]): readonly Refused[] {
  const named = nodes.filter(({ spec }) => spec?.podCIDRs?.includes(to));
  return (named.length === 0 ? [`${to} via ${via}`] : named.map(({ metadata }) => metadata.name)).map((node) => ({ node, why }));
}
