import type { Clock } from "../../runtime/mod.ts";
import { LeaseKind } from "../kinds/coordination/lease.ts";
import { NodeKind } from "../kinds/core/node.ts";
import type { ContainerImage, Lease, Node } from "../kinds/generated/types.ts";
import { StatusError } from "../kinds/status.ts";
import { controllerAccount, NODE_OF_NAME } from "../registry/authors.ts";
import type { ObjectWrites } from "../registry/registry.ts";
import { microTimestamp, timestamp } from "../registry/timestamps.ts";
import { USAGE_ANNOTATION } from "../scheduler/overcommit.ts";
import type { Entry, ObjectView } from "../store/view.ts";
import type { ToldCondition } from "./hollow/node-behaviour.ts";
import type { NodeForm } from "./node-form.ts";
import { LEASE_NAMESPACE, newNode, nodeLease, nodeStatus } from "./node-object.ts";

/** Who gives nodes their ranges in Kubernetes. */
const NODE_CONTROLLER = controllerAccount("node-controller");
const BY_NODE = { fieldManager: "kubelet", author: NODE_OF_NAME } as const;

/** As the node controller says of a node that it has not heard of for too long. */
const READY_UNKNOWN = '"type":"Ready","status":"Unknown"';

interface ReporterOptions {
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly form: NodeForm;
  readonly clock: Clock;
}

/** What has to be known of the node that is reported. */
interface ReportedNode {
  readonly name: string;
  /** What it is to say in place of its being well. */
  conditions(): readonly ToldCondition[];
  /** Whether what it says of itself is somebody else's affair. */
  isHeld(): boolean;
}

/** What one node says of itself to the API: its Node, its lease, its status, and what its pods use. Whoever plays the node says when. */
export class NodeReporter {
  readonly #view: ObjectView;
  readonly #registry: ObjectWrites;
  readonly #form: NodeForm;
  readonly #clock: Clock;
  readonly #node: ReportedNode;
  /** From when it is registered: what gives it its addresses, and the Node as it was then. */
  #index = 0;
  #registered: Node | undefined;
  /** The Node as it was when `isDue` was asked last. */
  #heeded: Entry | undefined;
  /** What its runtime was told to say in the last report. */
  #saidTrouble: string | undefined;
  #saidImages: readonly ContainerImage[] | undefined;

  constructor({ view, registry, form, clock }: ReporterOptions, node: ReportedNode) {
    this.#view = view;
    this.#registry = registry;
    this.#form = form;
    this.#clock = clock;
    this.#node = node;
  }

  /** Makes the Node where it does not exist, and gives it a pod range where it has none, if there is one to give: somebody else made it then. */
  async register(existing: Node | undefined, index: number, range: string | undefined): Promise<Node> {
    this.#index = index;
    const node = existing ?? (await this.#create());
    this.#registered = node.spec?.podCIDR === undefined && range !== undefined ? await this.#giveRange(range) : node;
    return this.#registered;
  }

  async #create(): Promise<Node> {
    const { name } = this.#node;
    const entry = await this.#registry
      .create(NodeKind, newNode(name, this.#index, this.#form, timestamp(this.#clock.now_ms())), BY_NODE)
      .catch((error: unknown) => {
        if (error instanceof StatusError && error.status.code === 409)
          return this.#registry.modify(NodeKind, undefined, name, () => undefined);
        throw error;
      });
    return this.#view.decode<Node>(entry);
  }

  async #giveRange(podCIDR: string): Promise<Node> {
    const entry = await this.#registry.modify(
      NodeKind,
      undefined,
      this.#node.name,
      (node) => (node.spec?.podCIDR === undefined ? { ...node, spec: { ...node.spec, podCIDR, podCIDRs: [podCIDR] } } : undefined),
      { fieldManager: "kube-controller-manager", author: NODE_CONTROLLER },
    );
    return this.#view.decode<Node>(entry);
  }

  /** That it is there, and how it is. */
  async report(): Promise<void> {
    await Promise.all([this.#renewLease(), this.reportStatus()]);
  }

  /** Its own lease, and what is to be said before its time. */
  async heartbeat(): Promise<void> {
    await this.#renewLease();
    if (this.#saysLost() || this.#isOutdated()) await this.reportStatus();
  }

  /**
   * Whether it has to report before its time: the API has begun to say since this was asked last that nobody hears of the node, or its runtime says something
   * else than was reported. Source: kubelet's nodeStatusUpdateFrequency.
   */
  isDue(): boolean {
    if (this.#isOutdated()) return true;
    const entry = this.#view.entry(`nodes/${this.#node.name}`);
    if (entry === this.#heeded) return false;
    this.#heeded = entry;
    return this.#saysLost();
  }

  #saysLost(): boolean {
    return this.#view.entry(`nodes/${this.#node.name}`)?.text.includes(READY_UNKNOWN) === true;
  }

  #isOutdated(): boolean {
    return this.#form.trouble?.() !== this.#saidTrouble || this.#form.images?.() !== this.#saidImages;
  }

  async #renewLease(): Promise<void> {
    const node = this.#registered;
    if (node === undefined) return;
    const { name } = this.#node;
    const renewTime = microTimestamp(this.#clock.now_ms());
    const renewed = (lease: Lease): Lease => ({ ...lease, spec: { ...lease.spec, holderIdentity: name, renewTime } });
    try {
      // The fields are the kubelet's since it made the lease, and a renewal changes no hands.
      await this.#registry.modify(LeaseKind, LEASE_NAMESPACE, name, renewed, { ...BY_NODE, unmanaged: true });
    } catch (error) {
      if (!(error instanceof StatusError && error.status.code === 404)) throw error;
      await this.#registry.create(LeaseKind, nodeLease(node, renewTime), BY_NODE);
    }
  }

  async reportStatus(): Promise<void> {
    if (this.#node.isHeld()) return;
    const { name } = this.#node;
    const now = timestamp(this.#clock.now_ms());
    const [trouble, images] = [this.#form.trouble?.(), this.#form.images?.()];
    await this.#registry.modify(
      NodeKind,
      undefined,
      name,
      (node) => ({
        ...node,
        status: nodeStatus(node.status, name, this.addressOf(node), this.#form, now, this.#node.conditions()),
      }),
      { subresource: "status", ...BY_NODE },
    );
    this.#saidTrouble = trouble;
    this.#saidImages = images;
  }

  /** Undefined: what it uses is not to be said any more. */
  async reportUsage(node: Node, used: string | undefined): Promise<void> {
    if (node.metadata.annotations?.[USAGE_ANNOTATION] === used) return;
    const told = (now: Node): Node => {
      const { [USAGE_ANNOTATION]: _, ...others } = now.metadata.annotations ?? {};
      return { ...now, metadata: { ...now.metadata, annotations: used === undefined ? others : { ...others, [USAGE_ANNOTATION]: used } } };
    };
    await this.#registry.modify(NodeKind, undefined, this.#node.name, told, BY_NODE);
  }

  /** Of the machine that the Node stands for. */
  addressOf(node: Node): string {
    const { door, addresses } = this.#form;
    if (door !== undefined) return door.address;
    return node.status?.addresses?.find((address) => address.type === "InternalIP")?.address ?? addresses.nodeAddressOf(this.#index);
  }
}
