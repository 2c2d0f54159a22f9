import { isIPv6 } from "node:net";
import type { Pod, Service, ServicePort } from "../../kinds/generated/types.ts";
import { type Selector, selectorOf } from "../../kinds/machinery/label-selector.ts";
import { sameLabels } from "../../kinds/metadata-text.ts";
import type { Change, View } from "../../store/view.ts";
import { NO_KEYS } from "../controller.ts";
import { factsOf, type PodFacts } from "../pods/pod-facts.ts";
import type { SelectorDirectory } from "./selector-directory.ts";

const HEADLESS_LABEL = "service.kubernetes.io/headless";

/** Least times between two rounds of a service: the more pods there are, the more of their changes become one. */
const PACE_MS_MAX = 50;
const PODS_PER_PACE_MS = 100;

/** In a small cluster each change is seen by itself, as Kubernetes sees it: what endpoints say of the last one is not what they say of two at once. */
export function paceOfServices_ms(view: Pick<View, "count">): number {
  return Math.min(PACE_MS_MAX, Math.floor(view.count("pods") / PODS_PER_PACE_MS));
}

/** The pods that a service wants; undefined when it names none, and others keep its endpoints. */
export function serviceSelector(service: Service): Selector | undefined {
  const { selector, type } = service.spec;
  if (type === "ExternalName" || selector === undefined || Object.keys(selector).length === 0) return undefined;
  return selectorOf({ matchLabels: selector });
}

/** The families of the addresses that a service has endpoints of, its own first. */
export function familiesOf({ spec }: Service): readonly string[] {
  return (spec.ipFamilies ?? []).length === 0 ? ["IPv4"] : (spec.ipFamilies as readonly string[]);
}

/** The addresses of this family that a pod has: one, or none. */
export function addressesOf({ ip, secondIp }: PodFacts, family: string): readonly string[] {
  return [ip, secondIp].filter((address) => address !== "" && isIPv6(address) === (family === "IPv6"));
}

export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === "None";
}

/** A port as it is on a pod. */
export interface TargetPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

/** The service's ports on this pod; those that the pod does not have by name are left out. Source: FindPort. */
export function targetPorts(view: View, service: Service, pod: PodFacts): readonly TargetPort[] {
  const ports: TargetPort[] = [];
  for (const wanted of service.spec.ports ?? []) {
    const port = targetPort(view, wanted, pod);
    if (port === undefined) continue;
    const { name = "", protocol = "TCP", appProtocol } = wanted;
    ports.push(appProtocol === undefined ? { name, port, protocol } : { name, port, protocol, appProtocol });
  }
  return ports;
}

function targetPort(view: View, { port, targetPort: target, protocol = "TCP" }: ServicePort, pod: PodFacts): number | undefined {
  if (typeof target === "number") return target === 0 ? port : target;
  if (target === undefined || target === "") return port;
  const { spec } = view.decode<Pod>(pod.entry);
  for (const { ports = [] } of [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"),
  ]) {
    for (const one of ports) if (one.name === target && (one.protocol ?? "TCP") === protocol) return one.containerPort;
  }
  return undefined;
}

/** Has an address, and has not finished. Source: ShouldPodBeInEndpoints. */
export function isReachable(pod: PodFacts): boolean {
  return pod.ip !== "" && pod.phase !== "Succeeded" && pod.phase !== "Failed";
}

/**
 * The services whose endpoints change with the pod: it has become another endpoint than it was, or one of other services. That it has failed without ever having been ready is none of this: it stays
 * what it is until its service is looked at for another reason. Source: podEndpointsChanged.
 */
export function keysOfPod(directory: SelectorDirectory<Service>, change: Change, view: View): readonly string[] {
  const keys = directory.followPod(change);
  return keys.length > 0 && isAnother(change, view) ? keys : NO_KEYS;
}

function isAnother({ now, before }: Change, view: View): boolean {
  if (now === undefined || before === undefined || !sameLabels(now.text, before.text)) return true;
  const [next, last] = [factsOf(view, now), factsOf(view, before)];
  return next.deleting || last.deleting || next.ready !== last.ready || next.ip !== last.ip || next.secondIp !== last.secondIp;
}

/** The labels of a service that its endpoints bear as well, with these on top. */
export function endpointLabels(service: Service, own: Readonly<Record<string, string>>): Record<string, string> {
  const { [HEADLESS_LABEL]: _headless, ...labels } = service.metadata.labels ?? {};
  return { ...labels, ...own, ...(isHeadless(service) ? { [HEADLESS_LABEL]: "" } : {}) };
}
