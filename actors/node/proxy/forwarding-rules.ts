import type { EndpointSlice, Service, ServicePort } from "../../kinds/generated/types.ts";
import type { Entrance, ForwardedProtocol, HealthCheck, PortForwarding, ServiceForwarding, Target } from "./forwarding.ts";
import { type Place, usableEndpoints } from "./usable-endpoints.ts";

/** On services that another proxy looks after. Source: apis.LabelServiceProxyName of kube-proxy. */
export const PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name";
const HEADLESS_LABEL = "service.kubernetes.io/headless";
const SOURCE_RANGES_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges";
const MS_PER_S = 1_000;
const AFFINITY_DEFAULT_S = 10_800;
export const FORWARDED: ReadonlySet<string> = new Set<ForwardedProtocol>(["TCP", "UDP"]);
const EVERYBODY: readonly string[] = [];

/**
 * How a service is forwarded on the machine of these nodes; undefined when it is not: it has no address, or another proxy has it. Pure: what there is of
 * the service and its slices, and nothing else, decides. Source: pkg/proxy, serviceport.go and the proxiers' syncProxyRules.
 */
export function forwardingOf(service: Service, slices: readonly EndpointSlice[], place: Place): ServiceForwarding | undefined {
  const { metadata, spec } = service;
  const { labels = {}, namespace = "", name } = metadata;
  if (spec.type === "ExternalName" || PROXY_NAME_LABEL in labels || HEADLESS_LABEL in labels || clusterIps(service).length === 0)
    return undefined;
  const ports = (spec.ports ?? [])
    .filter(({ protocol = "TCP" }) => FORWARDED.has(protocol))
    .map((port) => portForwarding(service, port, slices, place));
  return { namespace, name, ports, healthCheck: healthCheckOf(service, slices, place) };
}

/** Ports of protocols that nobody forwards. */
export function unforwardedPorts({ spec }: Service): readonly ServicePort[] {
  return spec.type === "ExternalName" ? [] : (spec.ports ?? []).filter(({ protocol = "TCP" }) => !FORWARDED.has(protocol));
}

function clusterIps({ spec }: Service): readonly string[] {
  const { clusterIPs = spec.clusterIP === undefined ? [] : [spec.clusterIP] } = spec;
  return clusterIPs.filter((address) => address !== "" && address !== "None");
}

function portForwarding(service: Service, port: ServicePort, slices: readonly EndpointSlice[], place: Place): PortForwarding {
  const { spec } = service;
  const { name = "", protocol = "TCP" } = port;
  const { cluster, local } = usableEndpoints(slices, { name, protocol }, place);
  const internal = spec.internalTrafficPolicy === "Local" ? local : cluster;
  const external = spec.externalTrafficPolicy === "Local" ? local : cluster;
  const entrances = entrancesOf(service, port, place).filter(({ traffic }) => (traffic === "internal" ? internal : external).length > 0);
  return {
    name,
    // Others were left out.
    protocol: protocol as ForwardedProtocol,
    affinity_ms: affinity_ms(service),
    entrances,
    internal,
    external: entrances.some(({ traffic }) => traffic === "external") ? external : [],
    keepsClients: spec.externalTrafficPolicy === "Local",
  };
}

function affinity_ms({ spec }: Service): number {
  if (spec.sessionAffinity !== "ClientIP") return 0;
  return (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_DEFAULT_S) * MS_PER_S;
}

function entrancesOf(service: Service, { port, nodePort = 0 }: ServicePort, place: Place): readonly Entrance[] {
  const { spec } = service;
  const external = (address: string, at: number, sources = EVERYBODY): Entrance => ({ address, port: at, traffic: "external", sources });
  const entrances: Entrance[] = clusterIps(service).map((address) => ({ address, port, traffic: "internal", sources: EVERYBODY }));
  for (const address of spec.externalIPs ?? []) entrances.push(external(address, port));
  if (spec.type === "LoadBalancer") {
    const sources = sourceRanges(service);
    for (const address of balancerAddresses(service)) entrances.push(external(address, port, sources));
  }
  if (nodePort !== 0) for (const address of place.addresses) entrances.push(external(address, nodePort));
  // An address may be given twice, as an external one and by a load balancer.
  return [...new Map(entrances.map((entrance) => [`${entrance.address}:${entrance.port}`, entrance])).values()];
}

/** The addresses that a load balancer gave, except those whose traffic it sends from afar. */
function balancerAddresses({ status }: Service): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    ip === undefined || ip === "" || ipMode === "Proxy" ? [] : [ip],
  );
}

function sourceRanges({ metadata, spec }: Service): readonly string[] {
  const given = spec.loadBalancerSourceRanges ?? metadata.annotations?.[SOURCE_RANGES_ANNOTATION]?.split(",") ?? [];
  const ranges = given.map((range) => range.trim()).filter((range) => range !== "");
  return ranges.includes("0.0.0.0/0") ? EVERYBODY : ranges;
}

/** How many endpoints this machine has is asked for where that decides whether traffic is sent here. */
function healthCheckOf({ spec }: Service, slices: readonly EndpointSlice[], place: Place): HealthCheck | undefined {
  const { healthCheckNodePort: port = 0, externalTrafficPolicy, type, ports = [] } = spec;
  if (type !== "LoadBalancer" || externalTrafficPolicy !== "Local" || port === 0) return undefined;
  const local = new Set<string>();
  for (const { name = "", protocol = "TCP" } of ports)
    for (const { address } of readyLocal(slices, name, protocol, place)) local.add(address);
  return { addresses: place.addresses, port, localEndpoints: local.size };
}

/** Those that are ending do not count: the load balancer is to look elsewhere while they serve to their end. */
function readyLocal(slices: readonly EndpointSlice[], name: string, protocol: string, place: Place): readonly Target[] {
  const ready = slices.map((slice) => ({
    ...slice,
    endpoints: (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true),
  }));
  return usableEndpoints(ready, { name, protocol }, place).local;
}
