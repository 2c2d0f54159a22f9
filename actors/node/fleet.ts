import { type Actor, type ActorKind, type Address, addressOf, type Context, type Sender, unknownMessage } from "../../runtime/mod.ts";
import type { Node } from "../kinds/generated/types.ts";
import { decodeMetadata, nodeNameOf } from "../kinds/metadata-text.ts";
import { podsByNode } from "../pod/pods-by-node.ts";
import { LENDS_LABEL } from "../scheduler/overcommit.ts";
import type { Stages } from "../stages/stages.ts";
import type { Change, Entry, ObjectView, Subscription } from "../store/view.ts";
import { HOLLOW_PREFIX } from "./hollow/annotations.ts";
import type { FleetMessage, NodeMessage } from "./messages.ts";
import type { NodeForm } from "./node-form.ts";
import { NodeIndexes } from "./node-indexes.ts";
import { MACHINE_LABEL } from "./runtime.ts";

/** Between the end of a node's agent and its next life. */
const PLAY_AGAIN_MS = 1_000;

const FLEET_MAILBOX_MESSAGES = 65_536;

const nodeAddressOf = (name: string): Address => addressOf("node", name);

export interface FleetOptions {
  readonly view: ObjectView;
  readonly form: NodeForm;
  /** Stages for pods and nodes; absent: there are none, ever. */
  readonly stages?: Stages;
}

export function createFleetKind({ view, form, stages }: FleetOptions): ActorKind<FleetMessage> {
  return {
    kind: "fleet",
    mailboxCapacity: FLEET_MAILBOX_MESSAGES,
    supervision: { strategy: "restart", backoff_ms: 100, backoff_max_ms: 10_000 },
    activate: (context) => new FleetActor(context, view, form, stages),
  };
}

/**
 * The nodes that this Troupe plays, address `fleet/main`: every Node with the label of its form gets an agent, at least `nodes` of them exist,
 * and each agent hears of its own pods and of no others. It promises that every change of a bound pod reaches the pod's node, in order.
 */
class FleetActor implements Actor<FleetMessage> {
  readonly #context: Context<FleetMessage>;
  readonly #view: ObjectView;
  readonly #form: NodeForm;
  readonly #stages: Stages | undefined;
  readonly #subscriptions: Subscription[] = [];
  /** Nodes that are played, and whether they have reported. */
  readonly #played = new Map<string, boolean>();
  readonly #indexes: NodeIndexes;
  #waiting: Sender | undefined;
  #unready = 0;

  constructor(context: Context<FleetMessage>, view: ObjectView, form: NodeForm, stages: Stages | undefined) {
    this.#context = context;
    this.#stages = stages;
    this.#view = view;
    this.#form = form;
    this.#indexes = new NodeIndexes(form.addresses);
    view.index(podsByNode);
    context.tell<FleetMessage>(context.self, { type: "goOn" });
  }

  receive(message: FleetMessage, sender: Sender): void {
    switch (message.type) {
      case "start":
        this.#waiting = sender;
        this.#start(message.nodes);
        break;
      case "nodeReady":
        this.#nodeReady(message.name, message.begun);
        break;
      case "goOn":
        this.#start(0);
        break;
      case "stagesChanged":
        this.#lookAgain(message.subjects);
        break;
      case "nodeEnded":
        if (this.#played.has(message.name)) this.#context.after(PLAY_AGAIN_MS, { type: "playAgain", name: message.name });
        break;
      case "playAgain":
        this.#playAgain(message.name);
        break;
      default:
        unknownMessage(message);
    }
    this.#answerWhenReady();
  }

  movesWith(): FleetMessage {
    return { type: "goOn" };
  }

  stopped(): void {
    for (const subscription of this.#subscriptions) subscription.cancel();
  }

  #start(nodes: number): void {
    const follows = this.#subscriptions.length > 0;
    if (!follows) this.#findNodes();
    for (let number = 0; this.#played.size < Math.min(nodes, this.#form.addresses.nodesMax); number++)
      this.#play(this.#form.nodeName(number), undefined);
    if (!follows) this.#follow();
  }

  #findNodes(): void {
    const existing = this.#view.list("nodes").map((entry) => this.#view.decode<Node>(entry));
    // Those that have a pod range keep it, so they come first.
    const hasRange = (node: Node): number => (node.spec?.podCIDR === undefined ? 1 : 0);
    for (const node of existing.sort((a, b) => hasRange(a) - hasRange(b))) this.#nodeFound(node);
  }

  #follow(): void {
    const since = this.#view.revision;
    this.#subscriptions.push(
      this.#view.watch("nodes", since, (change) => this.#nodeChanged(change)),
      ...(this.#stages === undefined
        ? []
        : [
            this.#stages.whenChanged((subjects) =>
              this.#context.tell<FleetMessage>(this.#context.self, { type: "stagesChanged", subjects }),
            ),
          ]),
      this.#view.watch("pods", since, (change) => this.#podChanged(change)),
    );
  }

  #nodeChanged({ now, before }: Change): void {
    if (now !== undefined && before === undefined) this.#nodeFound(this.#view.decode<Node>(now));
    else if (now !== undefined && before !== undefined) this.#nodeUpdated(now, before);
    else if (now === undefined && before !== undefined) {
      const { name } = this.#view.decode<Node>(before).metadata;
      if (this.#played.get(name) === false) this.#unready--;
      this.#indexes.release(name);
      if (this.#played.delete(name)) this.#tellNode(name, { type: "removed" });
    }
  }

  /** Nodes report often; most of it is of no consequence for how they are played. */
  #nodeUpdated(now: Entry, before: Entry): void {
    if (now.text.includes(MACHINE_LABEL)) this.#reserve(this.#view.decode<Node>(now));
    const isOfConsequence = ({ text }: Entry): boolean => text.includes(HOLLOW_PREFIX) || text.includes(LENDS_LABEL);
    const hasStages = this.#stages !== undefined && this.#stages.for("v1/Node").length > 0;
    if (!hasStages && !isOfConsequence(now) && !isOfConsequence(before)) return;
    const { name } = decodeMetadata(now.text);
    if (this.#played.has(name)) this.#tellNode(name, { type: "node", entry: now });
  }

  #lookAgain(subjects: readonly string[]): void {
    if (subjects.includes("v1/Pod")) for (const name of this.#played.keys()) this.#tellOfPods(name);
    if (!subjects.includes("v1/Node")) return;
    for (const name of this.#played.keys()) {
      const entry = this.#view.entry(`nodes/${name}`);
      if (entry !== undefined) this.#tellNode(name, { type: "node", entry });
    }
  }

  #nodeFound(node: Node): void {
    const { name, labels } = node.metadata;
    if (labels?.[this.#form.label] === this.#form.runtime) this.#play(name, node.spec?.podCIDR);
    else if (labels?.[MACHINE_LABEL] !== undefined) this.#reserve(node);
  }

  /** What a machine that has joined was given is not given again. */
  #reserve({ metadata, spec }: Node): void {
    const isOfPlan = spec?.podCIDR !== undefined && this.#form.addresses.indexOfPodCidr(spec.podCIDR) !== undefined;
    if (isOfPlan) this.#indexes.take(metadata.name, spec.podCIDR);
  }

  #play(name: string, podCidr: string | undefined): void {
    if (this.#played.has(name)) return;
    const index = this.#indexes.take(name, podCidr);
    if (index === undefined) {
      this.#context.log.warn({ node: name, most: this.#form.addresses.nodesMax }, "a node is not played: there are no addresses left");
      return;
    }
    this.#played.set(name, false);
    this.#unready++;
    this.#tellToPlay(name, index);
  }

  #tellToPlay(name: string, index: number): void {
    this.#context.watch(nodeAddressOf(name), { type: "nodeEnded", name });
    this.#tellNode(name, { type: "play", index });
  }

  /** Who has begun knows of no pods, and who was there before this fleet may have missed some. */
  #nodeReady(name: string, begun: boolean): void {
    const before = this.#played.get(name);
    if (before === undefined) return;
    if (!before) this.#unready--;
    this.#played.set(name, true);
    if (!before || begun) this.#tellOfPods(name);
  }

  #playAgain(name: string): void {
    const index = this.#played.has(name) ? this.#indexes.take(name, undefined) : undefined;
    if (index !== undefined) this.#tellToPlay(name, index);
  }

  /** A node that comes, or comes back, may have pods already. */
  #tellOfPods(node: string): void {
    const pods = this.#view.byIndex(podsByNode.name, node);
    for (const entry of pods) this.#tellNode(node, { type: "pod", entry });
    this.#tellNode(node, { type: "podsTold", keys: pods.map(({ key }) => key) });
  }

  /** Passes the change on as text: whoever needs the pod decodes it, and for most changes nobody does. */
  #podChanged({ now, before }: Change): void {
    const entry = now ?? before;
    const node = entry === undefined ? undefined : nodeNameOf(entry.text);
    if (entry === undefined || node === undefined || !this.#played.has(node)) return;
    this.#tellNode(node, now === undefined ? { type: "podGone", key: entry.key } : { type: "pod", entry });
  }

  #tellNode(name: string, message: NodeMessage): void {
    this.#context.tell(nodeAddressOf(name), message);
  }

  #answerWhenReady(): void {
    if (this.#unready > 0 || this.#waiting === undefined) return;
    this.#waiting.answer({ ready: this.#played.size });
    this.#waiting = undefined;
  }
}
