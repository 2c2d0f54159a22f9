import { EndpointsKind } from "../../kinds/core/endpoints.ts";
import { ServiceKind } from "../../kinds/core/service.ts";
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Service } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import type { View } from "../../store/view.ts";
import { anyKind, create, modify, newMeta, regarding, remove, warning } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { factsOf, type PodFacts } from "../pods/pod-facts.ts";
import { repacked, truncated } from "./endpoint-subsets.ts";
import { SelectorDirectory } from "./selector-directory.ts";
import {
  addressesOf,
  endpointLabels,
  familiesOf,
  isHeadless,
  isReachable,
  keysOfPod,
  paceOfServices_ms,
  serviceSelector,
  type TargetPort,
  targetPorts,
} from "./service-pods.ts";
import { TriggerTimes, triggeredAt } from "./trigger-times.ts";

const ENDPOINTS = "endpoints";
const SERVICES = "services";
const MANAGED_BY = { "endpoints.kubernetes.io/managed-by": "endpoint-controller" };
const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";
/** Addresses in one Endpoints at most; EndpointSlices know the rest. Source: maxCapacity. */
const ADDRESSES_MAX = 1_000;

interface Memory {
  readonly directory: SelectorDirectory<Service>;
  readonly triggers: TriggerTimes;
}

/** Keeps the Endpoints of services with selectors. Source: pkg/controller/endpoint. */
export function endpointsController(): Controller {
  const directory = new SelectorDirectory<Service>(serviceSelector);
  const memory: Memory = { directory, triggers: new TriggerTimes() };
  return {
    name: "endpoints",
    component: "endpoint-controller",
    kind: anyKind(ServiceKind),
    pace_ms: paceOfServices_ms,
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
      // What others write into them stands until the service or a pod of it changes.
      {
        resource: ENDPOINTS,
        keys: ({ now, before }) => (now !== undefined || before === undefined ? NO_KEYS : [`${SERVICES}/${restOf(before.key)}`]),
      },
    ],
    reconcile: (view, key) => reconcile(memory, view, key),
  };
}

function restOf(key: string): string {
  const { namespace, name } = partsOf(key);
  return `${namespace}/${name}`;
}

function reconcile({ directory, triggers }: Memory, view: View, key: string): readonly Action[] {
  const service = view.get<Service>(key);
  const current = view.get<Endpoints>(`${ENDPOINTS}/${restOf(key)}`);
  if (service === undefined) {
    triggers.forget(key);
    // They go with the service, whoever wrote them.
    return current === undefined ? NOTHING : [remove(EndpointsKind, current)];
  }
  if (serviceSelector(service) === undefined) return NOTHING;
  const pods = directory.podsOf(view, key).map((entry) => factsOf(view, entry));
  const trigger_ms = triggers.of(key, service, pods);
  const all = repacked(pods.filter((pod) => isIncluded(service, pod)).flatMap((pod) => subsetsOf(view, service, pod)));
  const fewer = truncated(all, ADDRESSES_MAX);
  const subsets = fewer ?? all;
  const content = subsets.length === 0 ? {} : { subsets };
  const labels = endpointLabels(service, MANAGED_BY);
  const annotated = ({ [OVER_CAPACITY]: _was, ...annotations }: Readonly<Record<string, string>>): Record<string, string> =>
    triggeredAt(trigger_ms, fewer === undefined ? annotations : { ...annotations, [OVER_CAPACITY]: "truncated" });
  const { namespace, name } = service.metadata;
  if (current === undefined) {
    const metadata = newMeta({ name, ...(namespace === undefined ? {} : { namespace }), labels, annotations: annotated({}) });
    // Kubernetes' controller has not said of which namespace they are when it tells, so that is told in `default`.
    const about = regarding(EndpointsKind, { metadata: newMeta({ name }) });
    const message = `Failed to create endpoint for service ${namespace}/${name}: {error}`;
    return [create(EndpointsKind, { metadata, ...content }, { refused: warning(about, "FailedToCreateEndpoint", message) })];
  }
  const isTruncated = current.metadata.annotations?.[OVER_CAPACITY] !== undefined;
  const same = semanticEqual(current.subsets ?? [], subsets) && semanticEqual(current.metadata.labels, labels);
  if (same && isTruncated === (fewer !== undefined)) return NOTHING;
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
      { refused: warning(regarding(EndpointsKind, current), "FailedToUpdateEndpoint", message) },
    ),
  ];
}

/** The pod on each of the service's ports that it has, one by one. On a headless service without ports it is there without any. */
function subsetsOf(view: View, service: Service, pod: PodFacts): readonly EndpointSubset[] {
  const address = addressOf(service, pod);
  if (address === undefined) return [];
  const listed = isReady(service, pod) ? { addresses: [address] } : { notReadyAddresses: [address] };
  if ((service.spec.ports ?? []).length === 0) return isHeadless(service) ? [listed] : [];
  return targetPorts(view, service, pod).map((port) => ({ ...listed, ports: [endpointPort(port)] }));
}

function isIncluded(service: Service, pod: PodFacts): boolean {
  return isReachable(pod) && (!pod.deleting || service.spec.publishNotReadyAddresses === true);
}

function isReady(service: Service, pod: PodFacts): boolean {
  return pod.ready || service.spec.publishNotReadyAddresses === true;
}

/** Undefined: the pod has no address of the service's family. */
function addressOf(service: Service, pod: PodFacts): EndpointAddress | undefined {
  const [ip] = addressesOf(pod, familiesOf(service)[0] ?? "");
  if (ip === undefined) return undefined;
  const { namespace } = partsOf(pod.entry.key);
  const { hostname } = pod;
  return {
    ip,
    ...(hostname?.subdomain === service.metadata.name ? { hostname: hostname.hostname } : {}),
    nodeName: pod.nodeName,
    targetRef: { kind: "Pod", namespace, name: pod.name, uid: pod.uid },
  };
}

function endpointPort({ name, port, protocol, appProtocol }: TargetPort): EndpointPort {
  return { ...(name === "" ? {} : { name }), port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) };
}
