import type { Endpoint, EndpointHints, Service } from "../../kinds/generated/types.ts";

const CLOSE: ReadonlySet<string> = new Set(["PreferClose", "PreferSameZone", "PreferSameNode"]);
const TOPOLOGY_MODE = "service.kubernetes.io/topology-mode";
const TOPOLOGY_AWARE_HINTS = "service.kubernetes.io/topology-aware-hints";

/** Asks for the older way of sharing traffic out by zones, which goes before `trafficDistribution`. */
export function wantsTopologyMode({ metadata: { annotations = {} } }: Service): boolean {
  const mode = annotations[TOPOLOGY_AWARE_HINTS] ?? annotations[TOPOLOGY_MODE] ?? "";
  return mode === "Auto" || mode === "auto";
}

/**
 * For whom a ready endpoint is, where the service wants its traffic to stay close: its own zone, and its own node where that is preferred;
 * undefined: for all alike. Source: k8s.io/endpointslice/trafficdist and
 * https://kubernetes.io/docs/concepts/services-networking/service/#traffic-distribution
 */
export function hintsFor(service: Service, { conditions, zone, nodeName }: Endpoint): EndpointHints | undefined {
  const wish = service.spec.trafficDistribution ?? "";
  if (!CLOSE.has(wish) || conditions?.ready !== true || wantsTopologyMode(service)) return undefined;
  const forNodes = wish === "PreferSameNode" && nodeName !== undefined ? { forNodes: [{ name: nodeName }] } : {};
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  const hints = { ...forNodes, ...forZones };
  return Object.keys(hints).length === 0 ? undefined : hints;
}
