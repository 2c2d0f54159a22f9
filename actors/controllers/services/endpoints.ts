import { EndpointsKind } from "../../kinds/core/endpoints.ts";
import { ServiceKind } from "../../kinds/core/service.ts";
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Service } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import type { View } from "../../store/view.ts";
import { anyKind, create, modify, newMeta, remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { factsOf, type PodFacts } from "../pods/pod-facts.ts";
import { SelectorDirectory } from "./selector-directory.ts";
import {
  endpointAnnotations,
  endpointLabels,
  isReachable,
  serviceSelector,
  type TargetPort,
  TRIGGER_TIME,
  targetPorts,
  triggerOf,
} from "./service-pods.ts";

const ENDPOINTS = "endpoints";
const SERVICES = "services";
const MANAGED_BY = { "endpoints.kubernetes.io/managed-by": "endpoint-controller" };
const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";
/** Addresses in one Endpoints at most; EndpointSlices know the rest. Source: maxCapacity. */
const ADDRESSES_MAX = 1_000;
const PACE_MS = 50;

/** Keeps the Endpoints of services with selectors. Source: pkg/controller/endpoint. */
export function endpointsController(): Controller {
  const directory = new SelectorDirectory<Service>(serviceSelector);
  return {
    name: "endpoints",
    component: "endpoint-controller",
    kind: anyKind(ServiceKind),
    pace_ms: PACE_MS,
    watches: [
      {
        resource: SERVICES,
        keys: (change, view) => {
          directory.followSelecting(change, view);
          const key = (change.now ?? change.before)?.key;
          return key === undefined ? NO_KEYS : [key];
        },
      },
      { resource: "pods", keys: (change) => directory.followPod(change) },
      // Our own creations and updates need no second look; what others do to them does.
      { resource: ENDPOINTS, keys: ({ now, before }) => (before === undefined ? NO_KEYS : [`${SERVICES}/${restOf((now ?? before).key)}`]) },
    ],
    reconcile: (view, key) => reconcile(directory, view, key),
  };
}

function restOf(key: string): string {
  const { namespace, name } = partsOf(key);
  return `${namespace}/${name}`;
}

function reconcile(directory: SelectorDirectory<Service>, view: View, key: string): readonly Action[] {
  const service = view.get<Service>(key);
  const current = view.get<Endpoints>(`${ENDPOINTS}/${restOf(key)}`);
  if (service === undefined)
    return current?.metadata.labels?.["endpoints.kubernetes.io/managed-by"] === undefined ? NOTHING : [remove(EndpointsKind, current)];
  if (serviceSelector(service) === undefined || service.metadata.deletionTimestamp !== undefined) return NOTHING;
  const pods = directory.podsOf(view, key).map((entry) => factsOf(view, entry));
  const { subsets, truncated } = subsetsOf(view, service, pods);
  const content = subsets.length === 0 ? {} : { subsets };
  const labels = endpointLabels(service, MANAGED_BY);
  const changed = current === undefined ? pods : changedPods(current.subsets ?? [], pods, service);
  const annotations: Record<string, string> = {
    ...endpointAnnotations(service, triggerOf(changed, current === undefined ? service : undefined)),
    ...(truncated ? { [OVER_CAPACITY]: "truncated" } : {}),
  };
  if (current === undefined) {
    const { namespace, name } = service.metadata;
    return [
      create(EndpointsKind, {
        metadata: newMeta({ name, ...(namespace === undefined ? {} : { namespace }), labels, annotations }),
        ...content,
      }),
    ];
  }
  const { [TRIGGER_TIME]: _was, ...others } = current.metadata.annotations ?? {};
  const { [TRIGGER_TIME]: _is, ...wanted } = annotations;
  if (semanticEqual(current.subsets ?? [], subsets) && semanticEqual(current.metadata.labels, labels) && semanticEqual(others, wanted))
    return NOTHING;
  return [
    modify(EndpointsKind, current, ({ subsets: _was, ...was }) => ({
      ...was,
      metadata: { ...was.metadata, labels, annotations },
      ...content,
    })),
  ];
}

/** Addresses with the same ports stand together, the ready ones apart from the others. Source: RepackSubsets. */
function subsetsOf(
  view: View,
  service: Service,
  pods: readonly PodFacts[],
): { readonly subsets: EndpointSubset[]; readonly truncated: boolean } {
  const byPorts = new Map<
    string,
    { readonly ports: EndpointPort[]; readonly ready: EndpointAddress[]; readonly notReady: EndpointAddress[] }
  >();
  const included = pods.filter((pod) => isIncluded(service, pod)).sort((a, b) => (a.ip < b.ip ? -1 : 1));
  const kept =
    included.length > ADDRESSES_MAX
      ? [...included].sort((a, b) => Number(isReady(service, b)) - Number(isReady(service, a))).slice(0, ADDRESSES_MAX)
      : included;
  for (const pod of kept) {
    const ports = targetPorts(view, service, pod);
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    let group = byPorts.get(key);
    if (group === undefined) {
      group = { ports: ports.map(endpointPort), ready: [], notReady: [] };
      byPorts.set(key, group);
    }
    (isReady(service, pod) ? group.ready : group.notReady).push(addressOf(service, pod));
  }
  const subsets = [...byPorts.values()].map(({ ports, ready, notReady }) => ({
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ...(ports.length === 0 ? {} : { ports }),
  }));
  return { subsets, truncated: kept.length < included.length };
}

function isIncluded(service: Service, pod: PodFacts): boolean {
  return isReachable(pod) && (!pod.deleting || service.spec.publishNotReadyAddresses === true);
}

function isReady(service: Service, pod: PodFacts): boolean {
  return pod.ready || service.spec.publishNotReadyAddresses === true;
}

function addressOf(service: Service, pod: PodFacts): EndpointAddress {
  const { namespace } = partsOf(pod.entry.key);
  const { hostname } = pod;
  return {
    ip: pod.ip,
    ...(hostname?.subdomain === service.metadata.name ? { hostname: hostname.hostname } : {}),
    ...(pod.nodeName === "" ? {} : { nodeName: pod.nodeName }),
    targetRef: { kind: "Pod", namespace, name: pod.name, uid: pod.uid },
  };
}

function endpointPort({ name, port, protocol, appProtocol }: TargetPort): EndpointPort {
  return { ...(name === "" ? {} : { name }), port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) };
}

/** Pods that the present subsets do not show as they are. */
function changedPods(subsets: readonly EndpointSubset[], pods: readonly PodFacts[], service: Service): readonly PodFacts[] {
  const shown = new Map<string, boolean>();
  for (const { addresses = [], notReadyAddresses = [] } of subsets) {
    for (const { targetRef } of addresses) shown.set(targetRef?.uid ?? "", true);
    for (const { targetRef } of notReadyAddresses) shown.set(targetRef?.uid ?? "", false);
  }
  return pods.filter((pod) => isIncluded(service, pod) && shown.get(pod.uid) !== isReady(service, pod));
}
