import { isIPv6 } from "node:net";
import { addressBits, addressOfBits, familyOf } from "../../kinds/addresses.ts";
import { EndpointsKind } from "../../kinds/core/endpoints.ts";
import { MANAGED_BY, SERVICE_NAME } from "../../kinds/discovery/endpoint-slice.ts";
import type { DiscoveryEndpointPort, Endpoint, EndpointAddress, EndpointSlice, Endpoints, Service } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, IndexDefinition, View } from "../../store/view.ts";
import { anyKind, create, modify, newMeta, regarding, remove, warning } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { controllerReference } from "../ownership.ts";
import { repacked } from "./endpoint-subsets.ts";
import { inSliceOrder } from "./port-order.ts";
import type { Content } from "./slice-packing.ts";
import { printed, SliceKind } from "./slice-writer.ts";
import { TRIGGER_TIME } from "./trigger-times.ts";

const ENDPOINTS = "endpoints";
const SLICES = "endpointslices.discovery.k8s.io";
const CONTROLLER = "endpointslicemirroring-controller.k8s.io";
const SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror";
const LEADER = "control-plane.alpha.kubernetes.io/leader";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
/** Source: --mirroring-max-endpoints-per-subset. */
const ADDRESSES_PER_SUBSET = 1_000;

const mirrors: IndexDefinition = {
  name: `mirrors:${SLICES}`,
  resource: SLICES,
  values: ({ metadata: { namespace, labels } }) =>
    labels?.[MANAGED_BY] === CONTROLLER ? [`${namespace ?? ""}/${labels[SERVICE_NAME] ?? ""}`] : [],
};

/** Shows as EndpointSlices what users write into the Endpoints of services without a selector. Source: pkg/controller/endpointslicemirroring. */
export const endpointSliceMirroringController: Controller = {
  name: "endpointslice-mirroring",
  component: "endpoint-slice-mirroring-controller",
  author: controllerAccount("endpointslicemirroring-controller"),
  kind: anyKind(EndpointsKind),
  indexes: [mirrors],
  watches: [
    { resource: ENDPOINTS, keys: keysOf },
    { resource: "services", keys: keysOf },
    { resource: SLICES, keys: keysOfSlice },
  ],
  reconcile,
};

/** Endpoints have the name of their service. */
function keysOf({ now, before }: Change): readonly string[] {
  const key = (now ?? before)?.key;
  return key === undefined ? NO_KEYS : [`${ENDPOINTS}${key.slice(key.indexOf("/"))}`];
}

function keysOfSlice({ now, before }: Change, view: View): readonly string[] {
  // Our own creations need no second look.
  if (before === undefined) return NO_KEYS;
  const { namespace = "", labels } = view.decode(now ?? before).metadata;
  return labels?.[MANAGED_BY] === CONTROLLER ? [`${ENDPOINTS}/${namespace}/${labels[SERVICE_NAME] ?? ""}`] : NO_KEYS;
}

function reconcile(view: View, key: string): readonly Action[] {
  const name = key.slice(ENDPOINTS.length + 1);
  const slices = view.byIndex(mirrors.name, name).map((entry) => view.decode<EndpointSlice>(entry));
  const endpoints = view.get<Endpoints>(key);
  const service = view.get<Service>(`services/${name}`);
  if (endpoints === undefined || service === undefined || !isMirrored(endpoints, service))
    return slices.map((slice) => remove(SliceKind, slice));
  const { groups, skipped } = groupsOf(endpoints);
  return [...complaints(endpoints, skipped), ...write(endpoints, groups, slices)];
}

function isMirrored({ metadata: { labels, annotations } }: Endpoints, { spec }: Service): boolean {
  const hasSelector = Object.keys(spec.selector ?? {}).length > 0;
  return labels?.[SKIP_MIRROR] !== "true" && annotations?.[LEADER] === undefined && !hasSelector;
}

/** What goes into one slice: addresses of one family on the same ports. */
interface Group {
  readonly addressType: string;
  readonly ports: readonly DiscoveryEndpointPort[];
  /** By what tells them apart. */
  readonly endpoints: Map<string, Endpoint>;
}

interface Grouping {
  readonly groups: ReadonlyMap<string, Group>;
  readonly skipped: number;
}

function groupsOf({ subsets = [] }: Endpoints): Grouping {
  const groups = new Map<string, Group>();
  let skipped = 0;
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of repacked(subsets)) {
    const shown = inSliceOrder(
      ports.map(({ name = "", port, protocol = "TCP", appProtocol }) => ({
        name,
        port,
        protocol,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      })),
    );
    const all = [...addresses.map((one) => endpointOf(one, true)), ...notReadyAddresses.map((one) => endpointOf(one, false))];
    skipped += Math.max(0, all.length - ADDRESSES_PER_SUBSET);
    for (const endpoint of all.slice(0, ADDRESSES_PER_SUBSET)) {
      const addressType = isIPv6(endpoint.addresses[0] ?? "") ? "IPv6" : "IPv4";
      const key = groupKey(addressType, shown);
      const group = groups.get(key) ?? { addressType, ports: shown, endpoints: new Map() };
      groups.set(key, group);
      group.endpoints.set(identityOf(endpoint), endpoint);
    }
  }
  return { groups, skipped };
}

/** Source: hashEndpoint of k8s.io/endpointslice/util. */
function identityOf({ addresses, hostname = "", targetRef }: Endpoint): string {
  return JSON.stringify([addresses, hostname, targetRef?.namespace ?? "", targetRef?.name ?? ""]);
}

function groupKey(addressType: string, ports: readonly DiscoveryEndpointPort[]): string {
  const texts = ports.map(({ name = "", port = 0, protocol = "TCP", appProtocol = "" }) => `${name} ${port} ${protocol} ${appProtocol}`);
  return [addressType, ...texts.sort()].join("\n");
}

/** The address in its only form. Source: addressToEndpoint. */
function shownAddress(ip: string): string {
  const family = familyOf(ip);
  return family === undefined ? ip : addressOfBits(addressBits(ip), family === "IPv4" ? 4 : 6);
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [shownAddress(ip)],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}

function write(endpoints: Endpoints, groups: ReadonlyMap<string, Group>, slices: readonly EndpointSlice[]): readonly Action[] {
  const { name, namespace = "", uid, labels = {}, annotations = {}, deletionTimestamp } = endpoints.metadata;
  const { [TRIGGER_TIME]: _time, [LAST_APPLIED]: _applied, ...kept } = annotations;
  const wanted = { labels: { ...labels, [SERVICE_NAME]: name, [MANAGED_BY]: CONTROLLER }, annotations: kept };
  const owned = { ...wanted, ownerReferences: [controllerReference(EndpointsKind, endpoints)] };
  const unused = new Set(slices);
  const fresh: Group[] = [];
  const actions: Action[] = [];
  const replace = (current: EndpointSlice, content: Content): Action =>
    modify(SliceKind, current, (was) => ({ ...was, metadata: { ...was.metadata, ...owned }, ...printed(content) }));
  for (const [key, group] of groups) {
    const current = slices.find((slice) => unused.has(slice) && groupKey(slice.addressType, slice.ports ?? []) === key);
    if (current === undefined) {
      fresh.push(group);
      continue;
    }
    unused.delete(current);
    const content = contentOf(group);
    const { labels: hasLabels = {}, annotations: hasAnnotations = {}, ownerReferences = [] } = current.metadata;
    const has = { labels: hasLabels, annotations: hasAnnotations, endpoints: current.endpoints ?? [], ports: current.ports ?? [] };
    const isAnothers = ownerReferences.some((owner) => owner.kind === EndpointsKind.kind && owner.name === name && owner.uid !== uid);
    if (isAnothers || !semanticEqual(has, { ...wanted, ...content })) actions.push(replace(current, content));
  }
  for (const group of fresh) {
    // What would be deleted becomes what would be made, and keeps its name. Source: recycleSlices.
    const former = slices.find((slice) => unused.has(slice) && slice.addressType === group.addressType);
    if (former !== undefined) {
      unused.delete(former);
      actions.push(replace(former, contentOf(group)));
    } else if (deletionTimestamp === undefined) {
      // Endpoints that are going get no more of them.
      const metadata = newMeta({ generateName: `${name}-`, namespace, ...owned });
      actions.push(create(SliceKind, structuredClone({ metadata, addressType: group.addressType, ...printed(contentOf(group)) })));
    }
  }
  return [...actions, ...[...unused].map((slice) => remove(SliceKind, slice))];
}

function contentOf({ endpoints, ports }: Group): Content {
  return { endpoints: [...endpoints.values()], ports };
}

function complaints(endpoints: Endpoints, skipped: number): readonly Action[] {
  if (skipped === 0) return NOTHING;
  const message = `A max of ${ADDRESSES_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
  return [{ do: "event", note: warning(regarding(EndpointsKind, endpoints), "TooManyAddressesToMirror", message) }];
}
