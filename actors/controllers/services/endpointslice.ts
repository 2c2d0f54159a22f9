import { ServiceKind } from "../../kinds/core/service.ts";
import { EndpointSliceKind, MANAGED_BY, SERVICE_NAME } from "../../kinds/discovery/endpoint-slice.ts";
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Node, Service } from "../../kinds/generated/types.ts";
import type { Kind } from "../../kinds/kind.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, IndexDefinition, View } from "../../store/view.ts";
import { anyKind, create, modify, newMeta, normal, regarding, remove, warning } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { controllerReference } from "../ownership.ts";
import { factsOf, type PodFacts } from "../pods/pod-facts.ts";
import { inSliceOrder } from "./port-order.ts";
import { SelectorDirectory } from "./selector-directory.ts";
import { endpointLabels, isReachable, serviceSelector, targetPorts, triggeredAt, triggerOf } from "./service-pods.ts";
import { hintsFor, wantsTopologyMode } from "./traffic-hints.ts";
import { concernsShares, zoneShares, zonesByShare } from "./zone-shares.ts";

const SLICES = "endpointslices.discovery.k8s.io";
const SERVICES = "services";
const CONTROLLER = "endpointslice-controller.k8s.io";
const ZONE = "topology.kubernetes.io/zone";
/** Source: --max-endpoints-per-slice. */
const ENDPOINTS_PER_SLICE = 100;
const PACE_MS = 50;
/** How soon it is looked again for the nodes of pods that were left out without them. */
const NODE_UNKNOWN_RETRY_MS = 10_000;

const slicesByService: IndexDefinition = {
  name: `services:${SLICES}`,
  resource: SLICES,
  values: ({ metadata: { namespace, labels } }) => {
    const service = labels?.[SERVICE_NAME];
    return service === undefined || labels?.[MANAGED_BY] !== CONTROLLER ? [] : [`${namespace ?? ""}/${service}`];
  },
};

const NODES = "nodes";
const BY_SHARE = "by share of the zones";

/** Services whose traffic is shared out by zones, which rests on all nodes. */
const servicesByShare: IndexDefinition = {
  name: `topology-mode:${SERVICES}`,
  resource: SERVICES,
  values: (service) => (wantsTopologyMode(service as Service) ? [BY_SHARE] : []),
};

/** An EndpointSlice that may be empty as Go prints it: with `null` in place of lists. */
const SliceKind: Kind<EndpointSlice> = {
  ...EndpointSliceKind,
  validate: (slice) => EndpointSliceKind.validate({ ...slice, endpoints: slice.endpoints ?? [], ports: slice.ports ?? [] }),
};

/** Keeps the EndpointSlices of services with selectors. Source: pkg/controller/endpointslice and k8s.io/endpointslice. */
export function endpointSliceController(): Controller {
  const directory = new SelectorDirectory<Service>(serviceSelector);
  return {
    name: "endpointslice",
    component: "endpoint-slice-controller",
    author: controllerAccount("endpointslice-controller"),
    kind: anyKind(ServiceKind),
    pace_ms: PACE_MS,
    indexes: [slicesByService, servicesByShare],
    watches: [
      {
        resource: SERVICES,
        keys: (change, view) => {
          directory.followSelecting(change, view);
          return change.now === undefined ? NO_KEYS : [change.now.key];
        },
      },
      { resource: "pods", keys: (change) => directory.followPod(change) },
      { resource: SLICES, keys: keysOfSlice },
      { resource: NODES, keys: keysOfNode },
    ],
    reconcile: (view, key) => reconcile(directory, view, key),
  };
}

function keysOfSlice({ now, before }: Change, view: View): readonly string[] {
  if (before === undefined) return NO_KEYS;
  const { namespace, labels } = view.decode(now ?? before).metadata;
  const service = labels?.[SERVICE_NAME];
  return service === undefined ? NO_KEYS : [`${SERVICES}/${namespace}/${service}`];
}

function keysOfNode({ now, before }: Change, view: View): readonly string[] {
  const services = view.byIndex(servicesByShare.name, BY_SHARE);
  if (services.length === 0) return NO_KEYS;
  const changes = concernsShares(before && view.decode<Node>(before), now && view.decode<Node>(now));
  return changes ? services.map(({ key }) => key) : NO_KEYS;
}

/** Endpoints that listen on the same ports, which go into slices together. */
interface Group {
  readonly ports: readonly DiscoveryEndpointPort[];
  /** By the uid of the pod. */
  readonly endpoints: Map<string, Endpoint>;
}

function reconcile(directory: SelectorDirectory<Service>, view: View, key: string): readonly Action[] {
  const service = view.get<Service>(key);
  if (service === undefined || service.metadata.deletionTimestamp !== undefined || serviceSelector(service) === undefined) return NOTHING;
  const { namespace, name } = service.metadata;
  const slices = view.byIndex(slicesByService.name, `${namespace ?? ""}/${name}`).map((entry) => view.decode<EndpointSlice>(entry));
  const reachable = directory
    .podsOf(view, key)
    .map((entry) => factsOf(view, entry))
    .filter(isReachable);
  const pods = reachable.filter((pod) => isPlaced(view, service, pod));
  const groups = groupsOf(view, service, pods);
  const notes = [
    ...(wantsTopologyMode(service) ? shareOut(view, service, groups, slices) : NOTHING),
    ...leftOut(
      service,
      reachable.filter((pod) => !isPlaced(view, service, pod)),
    ),
  ];
  const shown = new Map(
    slices.flatMap(({ endpoints }) => endpoints ?? []).map(({ targetRef, conditions }) => [targetRef?.uid, conditions]),
  );
  const changed = pods.filter((pod) => {
    const conditions = shown.get(pod.uid);
    return conditions === undefined || !semanticEqual(conditions, conditionsOf(service, pod));
  });
  const labels = endpointLabels(service, { [SERVICE_NAME]: name, [MANAGED_BY]: CONTROLLER });
  const writer = new SliceWriter(service, labels, triggerOf(changed, slices.length === 0 ? service : undefined));
  const unused = new Set(slices.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
  for (const group of groups) fill(group, unused, writer);
  // A service always has a slice, if an empty one.
  if (groups.length === 0) writer.put([...unused][0], [], []);
  for (const slice of groups.length === 0 ? [...unused].slice(1) : unused) writer.delete(slice);
  return [...notes, ...writer.actions];
}

/** Nobody is led to a pod on a node that is not known, unless they are to be led to any. */
function isPlaced(view: View, service: Service, { nodeName }: PodFacts): boolean {
  return service.spec.publishNotReadyAddresses === true || view.entry(`${NODES}/${nodeName}`) !== undefined;
}

function leftOut(service: Service, pods: readonly PodFacts[]): readonly Action[] {
  if (pods.length === 0) return NOTHING;
  const where = `Service ${service.metadata.namespace}/${service.metadata.name}`;
  const errors = pods.map(({ name, nodeName }) => `skipping Pod ${name} for ${where}: Node ${nodeName} Not Found`);
  const why = errors.length === 1 ? errors[0] : `[${errors.join(", ")}]`;
  const note = warning(
    regarding(ServiceKind, service),
    "FailedToUpdateEndpointSlices",
    `Error updating Endpoint Slices for ${where}: ${why}`,
  );
  return [
    { do: "event", note },
    { do: "requeue", after_ms: NODE_UNKNOWN_RETRY_MS },
  ];
}

/** Says of each ready endpoint for which zone it is, and tells when that begins, or cannot be done. */
function shareOut(view: View, service: Service, groups: readonly Group[], slices: readonly EndpointSlice[]): readonly Action[] {
  const ready = groups.flatMap(({ endpoints }) => [...endpoints].filter(([, { conditions }]) => conditions?.ready === true));
  const nodes = view.list(NODES).map((entry) => view.decode<Node>(entry));
  const zones = zonesByShare(
    ready.map(([, endpoint]) => endpoint),
    zoneShares(nodes),
  );
  const about = regarding(ServiceKind, service);
  const type = `, addressType: ${addressTypeOf(service)}`;
  if (typeof zones === "string") return [{ do: "event", note: warning(about, "TopologyAwareHintsDisabled", `${zones}${type}`) }];
  const zoneOf = new Map(ready.map(([uid], index) => [uid, zones[index] ?? ""]));
  for (const { endpoints } of groups) {
    for (const [uid, endpoint] of endpoints) {
      const name = zoneOf.get(uid);
      if (name !== undefined) endpoints.set(uid, { ...endpoint, hints: { forZones: [{ name }] } });
    }
  }
  const hadHints = slices.some(({ endpoints }) => endpoints?.some(({ hints }) => hints !== undefined));
  const message = `Topology Aware Hints has been enabled${type}`;
  return hadHints ? NOTHING : [{ do: "event", note: normal(about, "TopologyAwareHintsEnabled", message) }];
}

function addressTypeOf({ spec }: Service): string {
  return spec.ipFamilies?.[0] ?? "IPv4";
}

function groupsOf(view: View, service: Service, pods: readonly PodFacts[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    const ports = targetPorts(view, service, pod).map(({ name, port, protocol, appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    const key = JSON.stringify(ports);
    let group = groups.get(key);
    if (group === undefined) {
      group = { ports: inSliceOrder(ports), endpoints: new Map() };
      groups.set(key, group);
    }
    group.endpoints.set(pod.uid, endpointOf(view, service, pod));
  }
  return [...groups.values()];
}

function conditionsOf(
  service: Service,
  pod: PodFacts,
): { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean } {
  const published = service.spec.publishNotReadyAddresses === true;
  return { ready: published || (pod.ready && !pod.deleting), serving: pod.ready, terminating: pod.deleting };
}

function endpointOf(view: View, service: Service, pod: PodFacts): Endpoint {
  const { namespace } = partsOf(pod.entry.key);
  const zone = pod.nodeName === "" ? undefined : view.get<Node>(`nodes/${pod.nodeName}`)?.metadata.labels?.[ZONE];
  const { hostname } = pod;
  const endpoint: Endpoint = {
    addresses: [pod.ip],
    conditions: conditionsOf(service, pod),
    ...(hostname?.subdomain === service.metadata.name ? { hostname: hostname.hostname } : {}),
    ...(pod.nodeName === "" ? {} : { nodeName: pod.nodeName }),
    targetRef: { kind: "Pod", namespace, name: pod.name, uid: pod.uid },
    ...(zone === undefined ? {} : { zone }),
  };
  const hints = hintsFor(service, endpoint);
  return hints === undefined ? endpoint : { ...endpoint, hints };
}

/** Puts a group's endpoints into slices: each stays where it is, the others fill up what has room, the rest gets new slices. */
function fill(group: Group, unused: Set<EndpointSlice>, writer: SliceWriter): void {
  const left = new Map(group.endpoints);
  const used: { readonly slice: EndpointSlice; readonly endpoints: Endpoint[] }[] = [];
  for (const slice of unused) {
    if (!semanticEqual(slice.ports ?? [], group.ports)) continue;
    const endpoints: Endpoint[] = [];
    for (const { targetRef } of slice.endpoints ?? []) {
      const endpoint = left.get(targetRef?.uid ?? "");
      if (endpoint === undefined) continue;
      endpoints.push(endpoint);
      left.delete(targetRef?.uid ?? "");
    }
    used.push({ slice, endpoints });
  }
  const added = [...left.values()];
  for (const { slice, endpoints } of used) {
    endpoints.push(...added.splice(0, ENDPOINTS_PER_SLICE - endpoints.length));
    if (endpoints.length === 0) continue;
    writer.put(slice, endpoints, group.ports);
    unused.delete(slice);
  }
  while (added.length > 0) {
    // A slice that would be deleted is used again: watchers see an update in place of a deletion and a creation.
    const reused = [...unused].find((slice) => (slice.endpoints ?? []).length === 0);
    if (reused !== undefined) unused.delete(reused);
    writer.put(reused, added.splice(0, ENDPOINTS_PER_SLICE), group.ports);
  }
}

class SliceWriter {
  readonly actions: Action[] = [];
  readonly #service: Service;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #trigger_ms: number | undefined;

  constructor(service: Service, labels: Readonly<Record<string, string>>, trigger_ms: number | undefined) {
    this.#service = service;
    this.#labels = labels;
    this.#trigger_ms = trigger_ms;
  }

  delete(slice: EndpointSlice): void {
    this.actions.push(remove(SliceKind, slice));
  }

  /** The slice shall hold these; a new one when there is none. Where it has no endpoints, or no ports, it says so as Go prints it. */
  put(slice: EndpointSlice | undefined, endpoints: readonly Endpoint[], ports: readonly DiscoveryEndpointPort[]): void {
    const content = {
      endpoints: endpoints.length === 0 ? null : [...endpoints],
      ports: endpoints.length === 0 || ports.length === 0 ? null : [...ports],
    };
    const next = content as unknown as Pick<EndpointSlice, "endpoints" | "ports">;
    if (slice === undefined) this.#create(next);
    else this.#update(slice, endpoints, ports, next);
  }

  #update(
    slice: EndpointSlice,
    endpoints: readonly Endpoint[],
    ports: readonly DiscoveryEndpointPort[],
    next: Pick<EndpointSlice, "endpoints" | "ports">,
  ): void {
    const same = semanticEqual(slice.endpoints ?? [], endpoints) && semanticEqual(slice.ports ?? [], endpoints.length === 0 ? [] : ports);
    if (same && semanticEqual(slice.metadata.labels, this.#labels)) return;
    const [labels, trigger_ms] = [this.#labels, this.#trigger_ms];
    this.actions.push(
      modify(SliceKind, slice, (was) => {
        const annotations = triggeredAt(trigger_ms, was.metadata.annotations);
        return { ...was, metadata: { ...was.metadata, labels, annotations }, ...next };
      }),
    );
  }

  #create(content: Pick<EndpointSlice, "endpoints" | "ports">): void {
    const { namespace, name } = this.#service.metadata;
    const metadata = newMeta({
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...this.#labels },
      annotations: triggeredAt(this.#trigger_ms),
      ownerReferences: [controllerReference(ServiceKind, this.#service)],
    });
    const addressType = addressTypeOf(this.#service);
    this.actions.push(create(SliceKind, { metadata, addressType, ...content }));
  }
}
