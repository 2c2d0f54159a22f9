import { ServiceKind } from "../../kinds/core/service.ts";
import { MANAGED_BY, SERVICE_NAME } from "../../kinds/discovery/endpoint-slice.ts";
import type { Endpoint, EndpointSlice, Node, Service } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, IndexDefinition, View } from "../../store/view.ts";
import { anyKind, normal, regarding, warning } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { factsOf, type PodFacts } from "../pods/pod-facts.ts";
import { inSliceOrder } from "./port-order.ts";
import { SelectorDirectory } from "./selector-directory.ts";
import {
  addressesOf,
  endpointLabels,
  familiesOf,
  isReachable,
  keysOfPod,
  paceOfServices_ms,
  serviceSelector,
  targetPorts,
} from "./service-pods.ts";
import { type Group, pack } from "./slice-packing.ts";
import { notUpdated, SliceWriter } from "./slice-writer.ts";
import { hintsFor, wantsTopologyMode } from "./traffic-hints.ts";
import { TriggerTimes } from "./trigger-times.ts";
import { concernsShares, zoneShares, zonesByShare } from "./zone-shares.ts";

const SLICES = "endpointslices.discovery.k8s.io";
const SERVICES = "services";
const CONTROLLER = "endpointslice-controller.k8s.io";
const ZONE = "topology.kubernetes.io/zone";

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

/** What is remembered between rounds, by the key of the service. */
interface Memory {
  readonly directory: SelectorDirectory<Service>;
  readonly triggers: TriggerTimes;
  /** Those whose traffic is shared out by zones, as far as it was told. */
  readonly shared: Set<string>;
  /** Those that have pods on a node that is not known, by the key of the node. */
  readonly waiting: Map<string, Set<string>>;
}

/** Services whose traffic is shared out by zones, which rests on all nodes. */
const servicesByShare: IndexDefinition = {
  name: `topology-mode:${SERVICES}`,
  resource: SERVICES,
  values: (service) => (wantsTopologyMode(service as Service) ? [BY_SHARE] : []),
};

/** Keeps the EndpointSlices of services with selectors. Source: pkg/controller/endpointslice and k8s.io/endpointslice. */
export function endpointSliceController(): Controller {
  const directory = new SelectorDirectory<Service>(serviceSelector);
  const memory: Memory = { directory, triggers: new TriggerTimes(), shared: new Set(), waiting: new Map() };
  return {
    name: "endpointslice",
    component: "endpoint-slice-controller",
    author: controllerAccount("endpointslice-controller"),
    kind: anyKind(ServiceKind),
    pace_ms: paceOfServices_ms,
    indexes: [slicesByService, servicesByShare],
    watches: [
      {
        resource: SERVICES,
        keys: (change, view) => {
          directory.followSelecting(change, view);
          const key = (change.now ?? change.before)?.key;
          return key === undefined ? NO_KEYS : [key];
        },
      },
      { resource: "pods", keys: (change, view) => keysOfPod(directory, change, view) },
      { resource: SLICES, keys: keysOfSlice },
      { resource: NODES, keys: (change, view) => keysOfNode(memory, change, view) },
    ],
    reconcile: (view, key) => reconcile(memory, view, key),
  };
}

function keysOfSlice({ now, before }: Change, view: View): readonly string[] {
  if (before === undefined) return NO_KEYS;
  const { namespace, labels } = view.decode(now ?? before).metadata;
  const service = labels?.[SERVICE_NAME];
  return service === undefined ? NO_KEYS : [`${SERVICES}/${namespace}/${service}`];
}

function keysOfNode({ waiting }: Memory, { now, before }: Change, view: View): readonly string[] {
  const keys: string[] = [];
  if (now !== undefined) {
    keys.push(...(waiting.get(now.key) ?? []));
    waiting.delete(now.key);
  }
  const services = view.byIndex(servicesByShare.name, BY_SHARE);
  if (services.length > 0 && concernsShares(before && view.decode<Node>(before), now && view.decode<Node>(now)))
    keys.push(...services.map(({ key }) => key));
  return keys;
}

function reconcile(memory: Memory, view: View, key: string): readonly Action[] {
  const { directory, triggers, shared, waiting } = memory;
  const service = view.get<Service>(key);
  if (service === undefined) {
    triggers.forget(key);
    shared.delete(key);
    return NOTHING;
  }
  if (serviceSelector(service) === undefined) return NOTHING;
  const { namespace, name } = service.metadata;
  const slices = view
    .byIndex(slicesByService.name, `${namespace ?? ""}/${name}`)
    .map((entry) => view.decode<EndpointSlice>(entry))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const pods = directory.podsOf(view, key).map((entry) => factsOf(view, entry));
  const labels = endpointLabels(service, { [SERVICE_NAME]: name, [MANAGED_BY]: CONTROLLER });
  const writer = new SliceWriter(service, labels, triggers.of(key, service, pods));
  const reachable = pods.filter(isReachable);
  const strays = reachable.filter((pod) => !isPlaced(view, service, pod));
  for (const { nodeName } of strays) {
    const node = `${NODES}/${nodeName}`;
    waiting.set(node, (waiting.get(node) ?? new Set()).add(key));
  }
  const notes = [...leftOut(service, strays)];
  const families = familiesOf(service);
  for (const family of families) {
    const groups = groupsOf(view, service, reachable, family);
    notes.push(...shareOut(shared, view, { key, service, groups, family }));
    const existing = slices.filter(({ addressType }) => addressType === family);
    writer.write(pack(existing, groups, service, labels), family);
  }
  for (const slice of slices) if (!families.includes(slice.addressType)) writer.delete(slice);
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
  return [{ do: "event", note: notUpdated(service, errors.length === 1 ? (errors[0] as string) : `[${errors.join(", ")}]`) }];
}

interface Sharing {
  readonly key: string;
  readonly service: Service;
  readonly groups: readonly Group[];
  readonly family: string;
}

/** Where the service wants that: says of each ready endpoint for which zone it is. Tells when that begins and ends, and why it cannot be done. */
function shareOut(shared: Set<string>, view: View, { key, service, groups, family }: Sharing): readonly Action[] {
  const about = regarding(ServiceKind, service);
  const ended = (why: string): readonly Action[] => {
    shared.delete(key);
    return [{ do: "event", note: warning(about, "TopologyAwareHintsDisabled", `${why}, addressType: ${family}`) }];
  };
  if (!wantsTopologyMode(service)) return shared.has(key) ? ended("Topology Aware Hints has been disabled") : NOTHING;
  const ready = groups.flatMap(({ endpoints }) => [...endpoints].filter(([, { conditions }]) => conditions?.ready === true));
  const nodes = view.list(NODES).map((entry) => view.decode<Node>(entry));
  const zones = zonesByShare(
    ready.map(([, endpoint]) => endpoint),
    zoneShares(nodes),
  );
  if (typeof zones === "string") return ended(zones);
  const zoneOf = new Map(ready.map(([uid], index) => [uid, zones[index] ?? ""]));
  for (const { endpoints } of groups) {
    for (const [uid, endpoint] of endpoints) {
      const name = zoneOf.get(uid);
      if (name !== undefined) endpoints.set(uid, { ...endpoint, hints: { forZones: [{ name }] } });
    }
  }
  if (shared.has(key)) return NOTHING;
  shared.add(key);
  return [
    { do: "event", note: normal(about, "TopologyAwareHintsEnabled", `Topology Aware Hints has been enabled, addressType: ${family}`) },
  ];
}

/** Pods that listen on the same ports, or on none, stand together, also where none of them may be led to. */
function groupsOf(view: View, service: Service, pods: readonly PodFacts[], family: string): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    const ports = targetPorts(view, service, pod);
    const key = JSON.stringify(ports);
    let group = groups.get(key);
    if (group === undefined) {
      group = { ports: inSliceOrder(ports), endpoints: new Map() };
      groups.set(key, group);
    }
    const addresses = addressesOf(pod, family);
    if (addresses.length > 0 && isPlaced(view, service, pod)) group.endpoints.set(pod.uid, endpointOf(view, service, pod, addresses));
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

function endpointOf(view: View, service: Service, pod: PodFacts, addresses: readonly string[]): Endpoint {
  const { namespace } = partsOf(pod.entry.key);
  const zone = pod.nodeName === "" ? undefined : view.get<Node>(`nodes/${pod.nodeName}`)?.metadata.labels?.[ZONE];
  const { hostname } = pod;
  const endpoint: Endpoint = {
    addresses: [...addresses],
    conditions: conditionsOf(service, pod),
    ...(hostname?.subdomain === service.metadata.name ? { hostname: hostname.hostname } : {}),
    ...(pod.nodeName === "" ? {} : { nodeName: pod.nodeName }),
    targetRef: { kind: "Pod", namespace, name: pod.name, uid: pod.uid },
    ...(zone ? { zone } : {}),
  };
  const hints = hintsFor(service, endpoint);
  return hints === undefined ? endpoint : { ...endpoint, hints };
}
