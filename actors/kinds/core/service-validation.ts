/** The rules for services. Source: ValidateService, ValidateServiceUpdate of pkg/apis/core/validation. */
import { validateAddress, validateEndpointAddress } from "../addresses.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { Service, ServicePort } from "../generated/types.ts";
import { validateLabels, validateObjectMeta } from "../metadata.ts";
import { dns1035Label, dnsLabel, dnsSubdomain, portName, portNumber, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { PROTOCOLS } from "./container-validation.ts";

const TYPES: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const AFFINITIES: readonly string[] = ["ClientIP", "None"];
const AFFINITY_S_MAX = 86_400;
const POLICIES: readonly string[] = ["Cluster", "Local"];
const DISTRIBUTIONS: readonly string[] = ["PreferClose", "PreferSameNode", "PreferSameZone"];
const ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'";

function validatePort(port: ServicePort, nameRequired: boolean, names: Set<string>, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (nameRequired && !port.name) errors.push(required(`${field}.name`));
  else if (port.name) {
    for (const message of dnsLabel(port.name)) errors.push(invalid(`${field}.name`, port.name, message));
    if (names.has(port.name)) errors.push(duplicate(`${field}.name`, port.name));
    names.add(port.name);
  }
  for (const message of portNumber(port.port)) errors.push(invalid(`${field}.port`, port.port, message));
  if (!port.protocol) errors.push(required(`${field}.protocol`));
  else if (!PROTOCOLS.includes(port.protocol)) errors.push(notSupported(`${field}.protocol`, port.protocol, PROTOCOLS));
  const target = port.targetPort ?? 0;
  const wrong = typeof target === "number" ? portNumber(target) : portName(target);
  for (const message of wrong) errors.push(invalid(`${field}.targetPort`, target, message));
  if (port.appProtocol !== undefined) {
    for (const message of qualifiedName(port.appProtocol)) errors.push(invalid(`${field}.appProtocol`, port.appProtocol, message));
  }
  return errors;
}

/** Source: ValidateService, of load balancers. */
function validateBalancing({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const isBalanced = spec.type === "LoadBalancer";
  const allocates = spec.allocateLoadBalancerNodePorts;
  if (isBalanced && allocates === undefined) errors.push(required("spec.allocateLoadBalancerNodePorts"));
  if (!isBalanced && allocates !== undefined) errors.push(forbidden("spec.allocateLoadBalancerNodePorts", ONLY_BALANCED));
  const balancer = spec.loadBalancerClass;
  if (balancer === undefined) return errors;
  if (!isBalanced) return [...errors, forbidden("spec.loadBalancerClass", ONLY_BALANCED)];
  return [...errors, ...qualifiedName(balancer).map((message) => invalid("spec.loadBalancerClass", balancer, message))];
}

/** Where traffic goes. Source: validateServiceExternalTrafficPolicy, validateServiceInternalTrafficFieldsValue, validateServiceTrafficDistribution. */
function validateTraffic(service: Service): FieldError[] {
  const { type, externalTrafficPolicy = "", internalTrafficPolicy, healthCheckNodePort, trafficDistribution } = service.spec;
  const errors: FieldError[] = [];
  const field = "spec.externalTrafficPolicy";
  if (!isExternal(service)) {
    const words = "may only be set for externally-accessible services";
    if (externalTrafficPolicy !== "") errors.push(invalid(field, externalTrafficPolicy, words));
  } else if (externalTrafficPolicy === "") errors.push(required(field));
  else if (!POLICIES.includes(externalTrafficPolicy)) errors.push(notSupported(field, externalTrafficPolicy, POLICIES));
  if (healthCheckNodePort && !(type === "LoadBalancer" && externalTrafficPolicy === "Local")) {
    const words = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalid("spec.healthCheckNodePort", healthCheckNodePort, words));
  }
  if (internalTrafficPolicy === undefined) {
    if (type !== "ExternalName" && TYPES.includes(type ?? "")) errors.push(required("spec.internalTrafficPolicy"));
  } else if (!POLICIES.includes(internalTrafficPolicy))
    errors.push(notSupported("spec.internalTrafficPolicy", internalTrafficPolicy, POLICIES));
  if (trafficDistribution !== undefined && !DISTRIBUTIONS.includes(trafficDistribution)) {
    errors.push(notSupported("spec.trafficDistribution", trafficDistribution, DISTRIBUTIONS));
  }
  return errors;
}

/** Whether it is reached from outside of the cluster. Source: ExternallyAccessible. */
export function isExternal({ spec }: Service): boolean {
  return spec.type === "LoadBalancer" || spec.type === "NodePort" || (spec.type === "ClusterIP" && (spec.externalIPs ?? []).length > 0);
}

/** Kubernetes shows a repeated port as its own struct, with what makes it a repetition. */
function internalPort(port: ServicePort, part: "port" | "nodePort"): object {
  return {
    Name: "",
    Protocol: port.protocol ?? "",
    AppProtocol: null,
    Port: part === "port" ? port.port : 0,
    TargetPort: 0,
    NodePort: part === "nodePort" ? (port.nodePort ?? 0) : 0,
  };
}

function validatePorts(service: Service, headless: boolean): FieldError[] {
  const { ports = [], type } = service.spec;
  if (ports.length === 0 && !headless && type !== "ExternalName") return [required("spec.ports")];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    errors.push(...validatePort(port, ports.length > 1, names, `spec.ports[${index}]`));
  }
  return errors;
}

function validateRepetition(ports: readonly ServicePort[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const part of ["nodePort", "port"] as const) {
    const seen = new Set<string>();
    for (const [index, port] of ports.entries()) {
      const value = port[part];
      if (!value) continue;
      const key = `${port.protocol}/${value}`;
      const field = part === "port" ? `spec.ports[${index}]` : `spec.ports[${index}].nodePort`;
      if (seen.has(key)) errors.push(duplicate(field, internalPort(port, part)));
      seen.add(key);
    }
  }
  return errors;
}

function validateAddresses(service: Service): FieldError[] {
  const { clusterIP = "", clusterIPs = [], type, externalIPs = [] } = service.spec;
  const errors: FieldError[] = [];
  if (type === "ExternalName") {
    if (clusterIPs.length > 0) errors.push(forbidden("spec.clusterIPs", "may not be set for ExternalName services"));
  } else if (clusterIPs.length > 0 && clusterIP !== clusterIPs[0]) {
    errors.push(invalid("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`"));
  }
  for (const [index, address] of clusterIPs.entries()) {
    if (address === "None" || address === "") continue;
    errors.push(...validateAddress(address, `spec.clusterIPs[${index}]`));
  }
  for (const [index, address] of externalIPs.entries()) {
    const path = `spec.externalIPs[${index}]`;
    const wrong = validateAddress(address, path);
    errors.push(...(wrong.length > 0 ? wrong : validateEndpointAddress(address, path)));
  }
  return errors;
}

export function validateService(service: Service): FieldError[] {
  const errors = validateObjectMeta(service.metadata, true, dns1035Label);
  const { spec } = service;
  const headless = spec.clusterIP === "None";
  errors.push(...validatePorts(service, headless));
  if (spec.type === "LoadBalancer" && headless) {
    errors.push(invalid("spec.clusterIPs[0]", spec.clusterIP, "may not be set to 'None' for LoadBalancer services"));
  }
  if (spec.type === "NodePort" && headless) {
    errors.push(invalid("spec.clusterIPs[0]", spec.clusterIP, "may not be set to 'None' for NodePort services"));
  }
  if (spec.type === "ExternalName") {
    const name = spec.externalName?.replace(/\.$/, "") ?? "";
    if (name === "") errors.push(required("spec.externalName"));
    else for (const message of dnsSubdomain(name)) errors.push(invalid("spec.externalName", name, message));
  }
  errors.push(...validateLabels(spec.selector, "spec.selector"));
  const affinity = spec.sessionAffinity ?? "";
  if (affinity === "") errors.push(required("spec.sessionAffinity"));
  else if (!AFFINITIES.includes(affinity)) errors.push(notSupported("spec.sessionAffinity", affinity, AFFINITIES));
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (affinity === "ClientIP" && seconds !== undefined && (seconds <= 0 || seconds > AFFINITY_S_MAX)) {
    const words = `must be greater than 0 and less than ${AFFINITY_S_MAX}`;
    errors.push(invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, words));
  }
  if (affinity === "None" && spec.sessionAffinityConfig !== undefined) {
    errors.push(forbidden("spec.sessionAffinityConfig", "must not be set when session affinity is None"));
  }
  errors.push(...validateAddresses(service));
  const type = spec.type ?? "";
  if (type === "") errors.push(required("spec.type"));
  else if (!TYPES.includes(type)) errors.push(notSupported("spec.type", type, TYPES));
  if (type === "ClusterIP" || type === "ExternalName") {
    for (const [index, port] of (spec.ports ?? []).entries()) {
      if (port.nodePort) errors.push(forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  errors.push(...validateRepetition(spec.ports ?? []), ...validateBalancing(service), ...validateTraffic(service));
  return errors;
}

/** Addresses stay while the service keeps needing them. Source: validateUpgradeDowngradeClusterIPs. */
export function validateServiceUpdate(next: Service, current: Service): FieldError[] {
  const before = current.spec.clusterIPs ?? (current.spec.clusterIP ? [current.spec.clusterIP] : []);
  const after = next.spec.clusterIPs ?? [];
  if (current.spec.type === "ExternalName" || next.spec.type === "ExternalName" || before.length === 0) return [];
  if (after.length > 0 && after[0] === before[0]) return [];
  if (after.length === 0) return [invalid("spec.clusterIPs[0]", after, "primary clusterIP can not be unset")];
  return [invalid("spec.clusterIPs[0]", after, "may not change once set")];
}
