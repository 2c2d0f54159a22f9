import { EndpointsKind } from "../../kinds/core/endpoints.ts";
import { ServiceKind } from "../../kinds/core/service.ts";
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Service } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import type { View } from "../../store/view.ts";
import { anyKind, create, modify, newMeta, remove, warning } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { factsOf, type PodFacts } from "../pods/pod-facts.ts";
import { inEndpointsOrder } from "./port-order.ts";
import { SelectorDirectory } from "./selector-directory.ts";
import {
  endpointLabels,
  isHeadless,
  isReachable,
  serviceSelector,
  type TargetPort,
  targetPorts,
  triggeredAt,
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
      // What others write into them stands until the service or a pod of it changes.
      {
        resource: ENDPOINTS,
        keys: ({ now, before }) => (now !== undefined || before === undefined ? NO_KEYS : [`${SERVICES}/${restOf(before.key)}`]),
      },
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
  // They go with the service, whoever wrote them.
  if (service === undefined) return current === undefined ? NOTHING : [remove(EndpointsKind, current)];
  if (serviceSelector(service) === undefined || service.metadata.deletionTimestamp !== undefined) return NOTHING;
  const pods = directory.podsOf(view, key).map((entry) => factsOf(view, entry));
  const { subsets, truncated } = subsetsOf(view, service, pods);
  const content = subsets.length === 0 ? {} : { subsets };
  const labels = endpointLabels(service, MANAGED_BY);
  const changed = current === undefined ? pods : changedPods(current.subsets ?? [], pods, service);
  const trigger_ms = triggerOf(changed, current === undefined ? service : undefined);
  const annotated = ({ [OVER_CAPACITY]: _was, ...annotations }: Readonly<Record<string, string>>): Record<string, string> =>
    triggeredAt(trigger_ms, truncated ? { ...annotations, [OVER_CAPACITY]: "truncated" } : annotations);
  const { namespace, name } = service.metadata;
  const about = {
    kind: EndpointsKind.kind,
    apiVersion: "v1",
    metadata: current?.metadata ?? newMeta({ name, namespace: namespace ?? "" }),
  };
  if (current === undefined) {
    const metadata = newMeta({ name, ...(namespace === undefined ? {} : { namespace }), labels, annotations: annotated({}) });
    const message = `Failed to create endpoint for service ${namespace}/${name}: {error}`;
    return [create(EndpointsKind, { metadata, ...content }, { refused: warning(about, "FailedToCreateEndpoint", message) })];
  }
  const isTruncated = current.metadata.annotations?.[OVER_CAPACITY] !== undefined;
  if (semanticEqual(current.subsets ?? [], subsets) && semanticEqual(current.metadata.labels, labels) && isTruncated === truncated)
    return NOTHING;
  const message = `Failed to update endpoint ${namespace}/${name}: {error}`;
  return [
    modify(
      EndpointsKind,
      current,
      ({ subsets: _was, ...was }) => ({
        ...was,
        metadata: { ...was.metadata, labels, annotations: annotated(was.metadata.annotations ?? {}) },
        ...content,
      }),
      { refused: warning(about, "FailedToUpdateEndpoint", message) },
    ),
  ];
}

/** Ports that the same pods have stand together, with the pods that are ready apart from the others. Source: RepackSubsets. */
function subsetsOf(
  view: View,
  service: Service,
  pods: readonly PodFacts[],
): { readonly subsets: EndpointSubset[]; readonly truncated: boolean } {
  const included = pods.filter((pod) => isIncluded(service, pod)).sort((a, b) => (a.ip < b.ip ? -1 : 1));
  const kept =
    included.length > ADDRESSES_MAX
      ? [...included].sort((a, b) => Number(isReady(service, b)) - Number(isReady(service, a))).slice(0, ADDRESSES_MAX)
      : included;
  const byPods = Map.groupBy(podsByPort(view, service, kept), ({ pods: sharing }) => sharing.map(({ uid }) => uid).join());
  const subsets = [...byPods.values()].map((group) => {
    const [ready, notReady] = [true, false].map((is) =>
      (group[0]?.pods ?? []).filter((pod) => isReady(service, pod) === is).map((pod) => addressOf(service, pod)),
    );
    const ports = group.flatMap(({ port }) => (port === undefined ? [] : [port]));
    return {
      ...(ready?.length === 0 ? {} : { addresses: ready }),
      ...(notReady?.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0 ? {} : { ports: inEndpointsOrder(ports) }),
    };
  });
  return { subsets: subsets as EndpointSubset[], truncated: kept.length < included.length };
}

/** Which pods have each port. A headless service without ports has its pods without any. */
function podsByPort(
  view: View,
  service: Service,
  pods: readonly PodFacts[],
): readonly { port: EndpointPort | undefined; pods: PodFacts[] }[] {
  if ((service.spec.ports ?? []).length === 0) return pods.length > 0 && isHeadless(service) ? [{ port: undefined, pods: [...pods] }] : [];
  const sharing = new Map<string, { readonly port: EndpointPort; readonly pods: PodFacts[] }>();
  for (const pod of pods) {
    for (const target of targetPorts(view, service, pod)) {
      const key = JSON.stringify(target);
      const known = sharing.get(key);
      if (known === undefined) sharing.set(key, { port: endpointPort(target), pods: [pod] });
      else if (known.pods.at(-1) !== pod) known.pods.push(pod);
    }
  }
  return [...sharing.values()];
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
