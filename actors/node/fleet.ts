import { type Actor, type ActorKind, addressOf, type Context, type Sender } from "../../runtime/mod.ts";
import type { Node } from "../kinds/generated/types.ts";
import { nodeNameOf } from "../kinds/metadata-text.ts";
import type { Change, Subscription, View } from "../store/view.ts";
import { HOLLOW_NODES_MAX } from "./cidr.ts";
import type { NodeMessage } from "./node.ts";
import { RUNTIME_LABEL } from "./runtime.ts";

/**
 * The nodes that this Troupe plays, address `fleet/main`: every Node with the runtime's label gets an agent, at least `nodes` of them exist,
 * and each agent hears of its own pods and of no others. It promises that every change of a bound pod reaches the pod's node, in order.
 */
export type FleetMessage =
  /** Answered with `{ ready }`, the number of nodes, once all of them have reported. */
  { readonly type: "start"; readonly nodes: number } | { readonly type: "nodeReady"; readonly name: string };

const FLEET_MAILBOX_MESSAGES = 65_536;

export interface FleetOptions {
  readonly view: View;
  readonly runtime: string;
}

export function createFleetKind({ view, runtime }: FleetOptions): ActorKind<FleetMessage> {
  return {
    kind: "fleet",
    mailboxCapacity: FLEET_MAILBOX_MESSAGES,
    supervision: { strategy: "restart", backoff_ms: 100, backoff_max_ms: 10_000 },
    activate: (context) => new FleetActor(context, view, runtime),
  };
}

class FleetActor implements Actor<FleetMessage> {
  readonly #context: Context<FleetMessage>;
  readonly #view: View;
  readonly #runtime: string;
  readonly #subscriptions: Subscription[] = [];
  /** Nodes that are played, and whether they have reported. */
  readonly #played = new Map<string, boolean>();
  #waiting: Sender | undefined;
  #unready = 0;

  constructor(context: Context<FleetMessage>, view: View, runtime: string) {
    this.#context = context;
    this.#view = view;
    this.#runtime = runtime;
  }

  receive(message: FleetMessage, sender: Sender): void {
    switch (message.type) {
      case "start":
        this.#waiting = sender;
        this.#start(message.nodes);
        break;
      case "nodeReady":
        if (this.#played.get(message.name) === false) this.#unready--;
        this.#played.set(message.name, true);
        break;
    }
    this.#answerWhenReady();
  }

  stopped(): void {
    for (const subscription of this.#subscriptions) subscription.cancel();
  }

  #start(nodes: number): void {
    if (this.#subscriptions.length > 0) return;
    const since = this.#view.revision;
    for (const entry of this.#view.list("nodes"))
      this.#nodeChanged({ resource: "nodes", revision: entry.revision, now: entry, before: undefined });
    for (let index = 0; this.#played.size < Math.min(nodes, HOLLOW_NODES_MAX); index++) this.#play(`node-${index}`, index);
    for (const entry of this.#view.list("pods"))
      this.#podChanged({ resource: "pods", revision: entry.revision, now: entry, before: undefined });
    this.#subscriptions.push(
      this.#view.watch("nodes", since, (change) => this.#nodeChanged(change)),
      this.#view.watch("pods", since, (change) => this.#podChanged(change)),
    );
  }

  #nodeChanged({ now, before }: Change): void {
    if (now !== undefined && before === undefined) {
      const node = this.#view.decode<Node>(now);
      if (node.metadata.labels?.[RUNTIME_LABEL] === this.#runtime) this.#play(node.metadata.name, this.#played.size);
    } else if (now === undefined && before !== undefined) {
      const { name } = this.#view.decode<Node>(before).metadata;
      if (this.#played.get(name) === false) this.#unready--;
      if (this.#played.delete(name)) this.#tellNode(name, { type: "removed" });
    }
  }

  #play(name: string, index: number): void {
    if (this.#played.has(name)) return;
    this.#played.set(name, false);
    this.#unready++;
    this.#tellNode(name, { type: "play", index });
  }

  /** Passes the change on as text: whoever needs the pod decodes it, and for most changes nobody does. */
  #podChanged({ now, before }: Change): void {
    const entry = now ?? before;
    const node = entry === undefined ? undefined : nodeNameOf(entry.text);
    if (entry === undefined || node === undefined || !this.#played.has(node)) return;
    this.#tellNode(node, now === undefined ? { type: "podGone", key: entry.key } : { type: "pod", entry });
  }

  #tellNode(name: string, message: NodeMessage): void {
    this.#context.tell(addressOf("node", name), message);
  }

  #answerWhenReady(): void {
    if (this.#unready > 0 || this.#waiting === undefined) return;
    this.#waiting.answer({ ready: this.#played.size });
    this.#waiting = undefined;
  }
}
