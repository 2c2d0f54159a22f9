import type { Service, ServicePort, ServiceSpec } from "../kinds/generated/types.ts";

/** Source for all of this: pkg/registry/core/service (strategy.go, storage/alloc.go). */
export const HEADLESS = "None";

/** Whether services of this kind have an address of the cluster: all but ExternalName. Headless ones have `None` for it. */
export function needsClusterIp(spec: ServiceSpec): boolean {
  return spec.type !== "ExternalName";
}

export function needsNodePorts(spec: ServiceSpec): boolean {
  return spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
}

export function needsHealthCheckPort(spec: ServiceSpec): boolean {
  return spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
}

/** The address that is wished for or held; undefined when there is none. */
export function clusterIpOf(spec: ServiceSpec): string | undefined {
  const ip = spec.clusterIP || spec.clusterIPs?.[0];
  return ip === undefined || ip === "" || ip === HEADLESS ? undefined : ip;
}

export function isHeadless(spec: ServiceSpec): boolean {
  return spec.clusterIP === HEADLESS || spec.clusterIPs?.[0] === HEADLESS;
}

/** The node ports that are wished for or held. */
export function nodePortsOf(spec: ServiceSpec): Set<number> {
  const ports = new Set<number>();
  for (const { nodePort } of spec.ports ?? []) if (nodePort !== undefined && nodePort !== 0) ports.add(nodePort);
  if (spec.healthCheckNodePort !== undefined && spec.healthCheckNodePort !== 0) ports.add(spec.healthCheckNodePort);
  return ports;
}

/**
 * What an update leaves out stays as it was allocated, and what the new type has no use for goes, unless the client changed it, which
 * is for validation to judge.
 */
export function keepAllocated(next: Service, current: Service): Service {
  const spec: ServiceSpec = { ...next.spec };
  const was = current.spec;
  keepClusterIp(spec, was);
  if (needsNodePorts(spec) && needsNodePorts(was)) spec.ports = keepNodePorts(spec.ports ?? [], was.ports ?? []);
  else if (!needsNodePorts(spec) && needsNodePorts(was)) spec.ports = dropNodePorts(spec.ports ?? [], was.ports ?? []);
  if (needsHealthCheckPort(was)) {
    if (needsHealthCheckPort(spec)) spec.healthCheckNodePort = spec.healthCheckNodePort || (was.healthCheckNodePort ?? 0);
    else if (spec.healthCheckNodePort === was.healthCheckNodePort) delete spec.healthCheckNodePort;
  }
  dropUseless(spec, was);
  if (spec.ports === undefined || spec.ports.length === 0) delete spec.ports;
  return { ...next, spec };
}

/** What only the old type had a use for. */
function dropUseless(spec: ServiceSpec, was: ServiceSpec): void {
  const drop = <Field extends keyof ServiceSpec>(field: Field): void => {
    if (spec[field] === was[field]) delete spec[field];
  };
  const external =
    spec.type === "NodePort" || spec.type === "LoadBalancer" || (spec.type === "ClusterIP" && (spec.externalIPs ?? []).length > 0);
  if (!external) drop("externalTrafficPolicy");
  if (spec.type === "LoadBalancer" || was.type !== "LoadBalancer") return;
  drop("allocateLoadBalancerNodePorts");
  drop("loadBalancerClass");
}

function keepClusterIp(spec: ServiceSpec, was: ServiceSpec): void {
  const listUnchanged = JSON.stringify(spec.clusterIPs ?? []) === JSON.stringify(was.clusterIPs ?? []);
  if (!needsClusterIp(spec)) {
    if (!needsClusterIp(was)) return;
    if (spec.clusterIP === was.clusterIP && listUnchanged) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (JSON.stringify(spec.ipFamilies ?? []) === JSON.stringify(was.ipFamilies ?? [])) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === was.ipFamilyPolicy) delete spec.ipFamilyPolicy;
    return;
  }
  if (!needsClusterIp(was)) return;
  if (spec.clusterIP !== was.clusterIP && listUnchanged) {
    // One of the two fields that say the same was changed: the other follows.
    if (!spec.clusterIP) delete spec.clusterIPs;
    else spec.clusterIPs = [spec.clusterIP, ...(was.clusterIPs ?? []).slice(1)];
  }
  if (!spec.clusterIP && was.clusterIP !== undefined) spec.clusterIP = was.clusterIP;
  if ((spec.clusterIPs ?? []).length === 0 && spec.clusterIP === was.clusterIP && was.clusterIPs !== undefined)
    spec.clusterIPs = was.clusterIPs;
  if ((spec.ipFamilies ?? []).length === 0 && was.ipFamilies !== undefined) spec.ipFamilies = was.ipFamilies;
  if (spec.ipFamilyPolicy === undefined && was.ipFamilyPolicy !== undefined) spec.ipFamilyPolicy = was.ipFamilyPolicy;
}

/** Ports are known by their names; a number that another port of the service has now is not given twice. */
function keepNodePorts(ports: readonly ServicePort[], was: readonly ServicePort[]): ServicePort[] {
  const before = new Map(was.map((port) => [port.name ?? "", port.nodePort ?? 0]));
  const used = new Set(ports.map((port) => port.nodePort ?? 0));
  return ports.map((port) => {
    const known = before.get(port.name ?? "") ?? 0;
    if (port.nodePort || known === 0 || used.has(known)) return port;
    used.add(known);
    return { ...port, nodePort: known };
  });
}

function dropNodePorts(ports: readonly ServicePort[], was: readonly ServicePort[]): ServicePort[] {
  const numbers = (list: readonly ServicePort[]): string => JSON.stringify(list.map((port) => port.nodePort ?? 0));
  if (numbers(ports) !== numbers(was)) return [...ports];
  return ports.map(({ nodePort: _gone, ...port }) => port);
}
