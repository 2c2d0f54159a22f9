import { type Actor, type ActorKind, type Address, addressOf, type Context, unknownMessage } from "../../../runtime/mod.ts";
import type { Node, Service } from "../../kinds/generated/types.ts";
import { labelsOf } from "../../kinds/metadata-text.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import type { Key } from "../../store/transaction.ts";
import type { Change, Subscription, View } from "../../store/view.ts";
import { whyNotListening } from "../listening/troubles.ts";
import { RUNTIME_LABEL } from "../runtime.ts";
import { indexSlices, SLICES, serviceOfSlice, slicesOf } from "../service-slices.ts";
import type { Forwarder, ForwarderReport } from "./forwarding.ts";
import { forwardingOf, unforwardedPorts } from "./forwarding-rules.ts";
import type { Place } from "./usable-endpoints.ts";

/**
 * The service proxy of this machine, address `service-proxy/main`: what kube-proxy is to a node. It promises that the forwarder knows of every
 * service how it is to be forwarded, as the view has it at the end of each batch of changes; and that whoever looks at a service sees why a port of
 * it cannot be reached.
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
const EVERY_NODE = "127.0.0.1";

export interface ServiceProxyOptions {
  readonly view: View;
  readonly recorder: Pick<EventRecorder, "event">;
  /** Whose nodes are of this machine. */
  readonly runtime: string;
  /** Whether an address is one of this machine. */
  readonly isOwn: (address: string) => boolean;
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
  /** Services that have to be looked at. */
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
      view.afterBatch(() => this.#tellSelf()),
    ];
    for (const { key } of view.list(SERVICES)) this.#changed.add(key);
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

  #nodeChanged({ now, before }: Change): void {
    const isOurs = [now, before].some((entry) => entry !== undefined && labelsOf(entry.text)?.[RUNTIME_LABEL] === this.#options.runtime);
    if (isOurs) this.#nodesChanged = true;
  }

  #tellSelf(): void {
    if (this.#told || (this.#changed.size === 0 && !this.#nodesChanged)) return;
    this.#told = true;
    this.#context.tell<ServiceProxyMessage>(this.#context.self, { type: "changed" });
  }

  #look(): void {
    const { view } = this.#options;
    if (this.#nodesChanged) this.#lookAtNodes();
    for (const key of this.#changed) {
      const service = view.get<Service>(key);
      const forwarding = service === undefined ? undefined : this.#forwardingOf(service);
      if (service === undefined) this.#toldUnforwarded.delete(key);
      else this.#sayUnforwarded(key, service);
      if (forwarding === undefined && !this.#forwarded.delete(key)) continue;
      if (forwarding !== undefined) this.#forwarded.add(key);
      this.#forwarder.apply(key, forwarding);
    }
    this.#changed.clear();
  }

  #forwardingOf(service: Service): ReturnType<typeof forwardingOf> {
    const { namespace = "", name } = service.metadata;
    return forwardingOf(service, slicesOf(this.#options.view, namespace, name), this.#place);
  }

  /** Nodes report often; where they are changes seldom. */
  #lookAtNodes(): void {
    this.#nodesChanged = false;
    const { view, runtime, isOwn } = this.#options;
    const nodes = view
      .list(NODES)
      .filter(({ text }) => labelsOf(text)?.[RUNTIME_LABEL] === runtime)
      .map((entry) => view.decode<Node>(entry));
    const place = placeOf(nodes, isOwn);
    if (same(place, this.#place)) return;
    this.#place = place;
    for (const { key } of view.list(SERVICES)) this.#changed.add(key);
  }

  #sayWhy({ service: key, protocol, address, port, code }: ForwarderReport): void {
    const service = this.#options.view.get<Service>(key);
    const why = `cannot forward ${address}:${port}/${protocol}: ${whyNotListening(port, code)}`;
    this.#context.log.warn({ service: key, code }, why);
    if (service !== undefined) this.#event(service, "FailedToListen", `${why}; trying again`);
  }

  /** Once for each service, and again when it has others. */
  #sayUnforwarded(key: Key, service: Service): void {
    const ports = unforwardedPorts(service);
    const told = ports.map(({ port }) => port).join();
    if (this.#toldUnforwarded.get(key) === (ports.length === 0 ? undefined : told)) return;
    if (ports.length === 0) this.#toldUnforwarded.delete(key);
    else this.#toldUnforwarded.set(key, told);
    for (const { port, protocol } of ports)
      this.#event(service, "NotForwarded", `port ${port} is not forwarded: there is no forwarding of ${protocol}, only of TCP and UDP`);
  }

  #event({ metadata }: Service, reason: string, message: string): void {
    this.#options.recorder.event({ kind: "Service", apiVersion: "v1", metadata }, "Warning", reason, message);
  }
}

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
