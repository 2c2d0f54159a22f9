import { type Actor, type ActorKind, type Address, addressOf, type Context, unknownMessage } from "../../../runtime/mod.ts";
import type { Node, Pod, Service } from "../../kinds/generated/types.ts";
import { labelsOf } from "../../kinds/metadata-text.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import type { Key } from "../../store/transaction.ts";
import type { Change, Entry, Subscription } from "../../store/view.ts";
import { tellNotListening } from "../listening/troubles.ts";
import type { Viewpoint } from "../loopback-reach.ts";
import type { NodeForm } from "../node-form.ts";
import { MACHINE_LABEL } from "../runtime.ts";
import { indexSlices, SLICES, serviceOfSlice, slicesOf } from "../service-slices.ts";
import type { Forwarder, ForwarderReport, ServiceForwarding } from "./forwarding.ts";
import { forwardingOf, unforwardedPorts } from "./forwarding-rules.ts";
import { hostPortsOf } from "./host-ports.ts";
import type { Place } from "./usable-endpoints.ts";

/**
 * The service proxy of this machine, address `service-proxy/main`: what kube-proxy is to a node. It promises that the forwarder knows of every
 * service, and of every pod with host ports, how it is to be forwarded, as the view has it at the end of each batch of changes; and that whoever looks at it
 * sees why a port of it cannot be reached.
 */
export type ServiceProxyMessage =
  | { readonly type: "start" }
  /** From itself: something has changed. */
  | { readonly type: "changed" }
  | ForwarderReport
  /** The forwarder has ended by itself. */
  | { readonly type: "forwarderEnded"; readonly error: string };

export const SERVICE_PROXY_ADDRESS: Address = addressOf("service-proxy", "main");

const MAILBOX_MESSAGES = 65_536;
const ZONE_LABEL = "topology.kubernetes.io/zone";
const SERVICES = "services";
const NODES = "nodes";
const PODS = "pods";
/** What the text of a pod with host ports has; few have. */
const HOST_PORT = '"hostPort":';
const EVERY_NODE = "127.0.0.1";

export interface ServiceProxyOptions extends Viewpoint {
  readonly recorder: Pick<EventRecorder, "event">;
  /** Which nodes are of this machine: those with this label and value. */
  readonly nodes: Pick<NodeForm, "label" | "runtime">;
  readonly createForwarder: (report: (report: ForwarderReport) => void, failed: (error: Error) => void) => Forwarder;
}

export function createServiceProxyKind(options: ServiceProxyOptions): ActorKind<ServiceProxyMessage> {
  return {
    kind: "service-proxy",
    mailboxCapacity: MAILBOX_MESSAGES,
    supervision: { strategy: "restart", backoff_ms: 100, backoff_max_ms: 10_000 },
    activate: (context) => new ServiceProxyActor(context, options),
  };
}

class ServiceProxyActor implements Actor<ServiceProxyMessage> {
  readonly #context: Context<ServiceProxyMessage>;
  readonly #options: ServiceProxyOptions;
  readonly #forwarder: Forwarder;
  readonly #subscriptions: readonly Subscription[];
  /** Services, and pods with host ports, that have to be looked at. */
  readonly #changed = new Set<Key>();
  /** Those that the forwarder knows. */
  readonly #forwarded = new Set<Key>();
  /** The ports that people were told are not forwarded. */
  readonly #toldUnforwarded = new Map<Key, string>();
  #nodesChanged = true;
  /** A `changed` message is on its way. */
  #told = false;
  #place: Place = { nodes: new Set(), zones: new Set(), addresses: [] };

  constructor(context: Context<ServiceProxyMessage>, options: ServiceProxyOptions) {
    this.#context = context;
    this.#options = options;
    const { view } = options;
    const tell = (message: ServiceProxyMessage): void => context.tell(context.self, message);
    this.#forwarder = options.createForwarder(tell, (error) => tell({ type: "forwarderEnded", error: String(error) }));
    indexSlices(view);
    const since = view.revision;
    this.#subscriptions = [
      view.watch(SERVICES, since, ({ now, before }) => this.#mark((now ?? before)?.key)),
      view.watch(SLICES, since, (change) => this.#sliceChanged(change)),
      view.watch(NODES, since, (change) => this.#nodeChanged(change)),
      view.watch(PODS, since, (change) => this.#podChanged(change)),
      view.afterBatch(() => this.#tellSelf()),
    ];
    this.#markAll();
    this.#tellSelf();
  }

  receive(message: ServiceProxyMessage): void {
    switch (message.type) {
      case "start":
        break;
      case "changed":
        this.#told = false;
        this.#look();
        break;
      case "cannotListen":
        this.#sayWhy(message);
        break;
      case "rulesRefused":
        this.#context.log.warn(
          { error: message.error },
          "the kernel does not take the rules of services; they are forwarded in userspace meanwhile",
        );
        break;
      case "forwarderEnded":
        throw new Error(`nothing is forwarded any more: ${message.error}`);
      default:
        unknownMessage(message);
    }
  }

  movesWith(): ServiceProxyMessage {
    return { type: "start" };
  }

  async stopped(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.cancel();
    await this.#forwarder.close();
  }

  #mark(service: Key | undefined): void {
    if (service !== undefined) this.#changed.add(service);
  }

  #sliceChanged({ now, before }: Change): void {
    for (const entry of [now, before]) if (entry !== undefined) this.#mark(serviceOfSlice(entry));
  }

  #podChanged({ now, before }: Change): void {
    for (const entry of [now, before]) if (entry?.text.includes(HOST_PORT)) this.#mark(entry.key);
  }

  #markAll(): void {
    const { view } = this.#options;
    for (const { key } of view.list(SERVICES)) this.#changed.add(key);
    for (const { key, text } of view.list(PODS)) if (text.includes(HOST_PORT)) this.#changed.add(key);
  }

  #nodeChanged({ now, before }: Change): void {
    if ([now, before].some((entry) => entry !== undefined && this.#isOurs(entry))) this.#nodesChanged = true;
  }

  #isOurs({ text }: Entry): boolean {
    const { label, runtime } = this.#options.nodes;
    return labelsOf(text)?.[label] === runtime;
  }

  #tellSelf(): void {
    if (this.#told || (this.#changed.size === 0 && !this.#nodesChanged)) return;
    this.#told = true;
    this.#context.tell<ServiceProxyMessage>(this.#context.self, { type: "changed" });
  }

  #look(): void {
    if (this.#nodesChanged) this.#lookAtNodes();
    for (const key of this.#changed) {
      const forwarding = isOfPod(key) ? this.#forwardingOfPod(key) : this.#forwardingOfService(key);
      if (forwarding === undefined && !this.#forwarded.delete(key)) continue;
      if (forwarding !== undefined) this.#forwarded.add(key);
      this.#forwarder.apply(key, forwarding);
    }
    this.#changed.clear();
  }

  #forwardingOfService(key: Key): ServiceForwarding | undefined {
    const service = this.#options.view.get<Service>(key);
    if (service === undefined) {
      this.#toldUnforwarded.delete(key);
      return undefined;
    }
    this.#sayUnforwarded(key, service);
    const { namespace = "", name } = service.metadata;
    return forwardingOf(service, slicesOf(this.#options, namespace, name), this.#place);
  }

  /** The machine's own address is a node's where it is one node; where it is several, each has its own. */
  #forwardingOfPod(key: Key): ServiceForwarding | undefined {
    const { view, isOwn } = this.#options;
    const { nodes } = this.#place;
    const pod = view.get<Pod>(key);
    const { hostIP } = pod?.status ?? {};
    // Nobody can listen at a node that is only imagined.
    if (pod === undefined || hostIP === undefined || !isOwn(hostIP) || !nodes.has(pod.spec.nodeName ?? "")) return undefined;
    return hostPortsOf(pod, nodes.size === 1 ? [hostIP, EVERY_NODE] : [hostIP]);
  }

  /** Nodes report often; where they are changes seldom. */
  #lookAtNodes(): void {
    this.#nodesChanged = false;
    const { view, isOwn } = this.#options;
    const nodes = view
      .list(NODES)
      .filter((entry) => this.#isOurs(entry))
      .map((entry) => view.decode<Node>(entry));
    const place = placeOf(nodes, isOwn);
    if (same(place, this.#place)) return;
    this.#place = place;
    this.#markAll();
  }

  #sayWhy({ service: key, protocol, address, port, code }: Extract<ForwarderReport, { readonly type: "cannotListen" }>): void {
    const { view, recorder, nodes } = this.#options;
    // Addresses of load balancers are the cluster's own machine's; there they are served.
    if (code === "EADDRNOTAVAIL" && nodes.label === MACHINE_LABEL) return;
    const metadata = view.get<Service | Pod>(key)?.metadata;
    const object = metadata && { kind: isOfPod(key) ? "Pod" : "Service", apiVersion: "v1", metadata };
    const what = `cannot forward ${address}:${port}/${protocol}`;
    tellNotListening({ log: this.#context.log, recorder }, object, { what, port, code, meanwhile: "trying again" });
  }

  /** Once for each service, and again when it has others. */
  #sayUnforwarded(key: Key, service: Service): void {
    const ports = unforwardedPorts(service);
    const told = ports.map(({ port }) => port).join();
    if (this.#toldUnforwarded.get(key) === (ports.length === 0 ? undefined : told)) return;
    if (ports.length === 0) this.#toldUnforwarded.delete(key);
    else this.#toldUnforwarded.set(key, told);
    const object = { kind: "Service", apiVersion: "v1", metadata: service.metadata };
    for (const { port, protocol } of ports) {
      const message = `port ${port} is not forwarded: there is no forwarding of ${protocol}, only of TCP and UDP`;
      this.#options.recorder.event(object, "Warning", "NotForwarded", message);
    }
  }
}

const isOfPod = (key: Key): boolean => key.startsWith(`${PODS}/`);

/** What the nodes of this machine are as a place. Every node is at its addresses, and at 127.0.0.1 as kube-proxy has it. */
export function placeOf(nodes: readonly Node[], isOwn: (address: string) => boolean): Place {
  const addresses = new Set([EVERY_NODE]);
  for (const { status } of nodes)
    for (const { type, address } of status?.addresses ?? []) if (type === "InternalIP" && isOwn(address)) addresses.add(address);
  const zones = nodes.flatMap(({ metadata }) => metadata.labels?.[ZONE_LABEL] ?? []);
  return { nodes: new Set(nodes.map(({ metadata }) => metadata.name)), zones: new Set(zones), addresses: [...addresses].sort() };
}

function same(a: Place, b: Place): boolean {
  const plain = ({ nodes, zones, addresses }: Place): string => JSON.stringify([[...nodes].sort(), [...zones].sort(), addresses]);
  return plain(a) === plain(b);
}
