/** The rules for services. Source: ValidateService, ValidateServiceUpdate of pkg/apis/core/validation. */

import { addressOf, validateAddress, validateEndpointAddress } from "../addresses.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import { oneOf, requiredName, requiredOneOf } from "../field-rules.ts";
import type { Service, ServicePort, ServiceSpec } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { validateLabels } from "../metadata.ts";
import { dnsLabel, dnsSubdomain, portName, portNumber, qualifiedName } from "../names.ts";
import { validateCidr } from "../networking/cidr.ts";
import type { FieldError } from "../status.ts";
import { PROTOCOLS } from "./container-validation.ts";

const TYPES: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const AFFINITIES: readonly string[] = ["ClientIP", "None"];
const AFFINITY_S_MAX = 86_400;
const POLICIES: readonly string[] = ["Cluster", "Local"];
const DISTRIBUTIONS: readonly string[] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const FAMILIES: readonly string[] = ["IPv4", "IPv6"];
const FAMILY_POLICIES: readonly string[] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const HEADLESS = "None";
const RANGES_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges";
const HINTS_ANNOTATION = "service.kubernetes.io/topology-aware-hints";
const MODE_ANNOTATION = "service.kubernetes.io/topology-mode";
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
  if (isBalanced && allocates === undefined) errors.push(required("allocateLoadBalancerNodePorts"));
  if (!isBalanced && allocates !== undefined) errors.push(forbidden("spec.allocateLoadBalancerNodePorts", ONLY_BALANCED));
  const balancer = spec.loadBalancerClass;
  if (balancer === undefined) return errors;
  if (!isBalanced) return [...errors, forbidden("spec.loadBalancerClass", ONLY_BALANCED)];
  return [...errors, ...qualifiedName(balancer).map((message) => invalid("spec.loadBalancerClass", balancer, message))];
}

/** Where traffic goes. Source: validateServiceExternalTrafficPolicy, validateServiceInternalTrafficFieldsValue, validateServiceTrafficDistribution. */
function validateTraffic(service: Service): FieldError[] {
  const { type, externalTrafficPolicy = "", internalTrafficPolicy, trafficDistribution } = service.spec;
  const errors: FieldError[] = [];
  const field = "spec.externalTrafficPolicy";
  if (!isExternal(service)) {
    const words = "may only be set for externally-accessible services";
    if (externalTrafficPolicy !== "") errors.push(invalid(field, externalTrafficPolicy, words));
  } else if (externalTrafficPolicy === "") errors.push(required(field));
  else if (!POLICIES.includes(externalTrafficPolicy)) errors.push(notSupported(field, externalTrafficPolicy, POLICIES));
  errors.push(...validateHealthPort(service));
  if (internalTrafficPolicy === undefined) {
    if (type !== "ExternalName" && TYPES.includes(type ?? "")) errors.push(required("spec.internalTrafficPolicy"));
  } else if (!POLICIES.includes(internalTrafficPolicy))
    errors.push(notSupported("spec.internalTrafficPolicy", internalTrafficPolicy, POLICIES));
  if (trafficDistribution !== undefined && !DISTRIBUTIONS.includes(trafficDistribution)) {
    errors.push(notSupported("spec.trafficDistribution", trafficDistribution, DISTRIBUTIONS));
  }
  return errors;
}

/** The port at which nodes say whether they have pods of the service; it is given after this. */
function validateHealthPort({ spec }: Service): FieldError[] {
  const { healthCheckNodePort: port } = spec;
  if (!port) return [];
  if (checksHealth(spec)) return portNumber(port).map((message) => invalid("spec.healthCheckNodePort", port, message));
  const words = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  return [invalid("spec.healthCheckNodePort", port, words)];
}

function checksHealth({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

/** Whether it is reached from outside of the cluster. Source: ExternallyAccessible. */
export function isExternal({ spec }: Service): boolean {
  return spec.type === "LoadBalancer" || spec.type === "NodePort" || (spec.type === "ClusterIP" && (spec.externalIPs ?? []).length > 0);
}

function validateRepetition(ports: readonly ServicePort[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const part of ["nodePort", "port"] as const) {
    const seen = new Set<string>();
    for (const [index, port] of ports.entries()) {
      const value = port[part];
      if (!value) continue;
      const key = `${port.protocol}/${value}`;
      // Kubernetes shows a repeated port as its own struct, with what makes it a repetition.
      const shown = internalForm("ServicePort", { protocol: port.protocol, port: value });
      const repeated = part === "port" ? duplicate(`spec.ports[${index}]`, shown) : duplicate(`spec.ports[${index}].nodePort`, value);
      if (seen.has(key)) errors.push(repeated);
      seen.add(key);
    }
  }
  return errors;
}

/** `current`: what an update replaces, whose addresses may stay as they are. Source: ValidateServiceClusterIPsRelatedFields. */
function validateClusterAddresses({ spec }: Service, current: Service | undefined): FieldError[] {
  const { clusterIP = "", clusterIPs = [], type, ipFamilies = [], ipFamilyPolicy } = spec;
  const field = "spec.clusterIPs";
  if (type === "ExternalName") return [];
  const errors: FieldError[] = [];
  if (clusterIP !== "" && clusterIPs.length === 0) errors.push(required(field));
  else if (clusterIP !== "" && clusterIP !== clusterIPs[0]) errors.push(invalid(field, clusterIPs, "first value must match `clusterIP`"));
  else if (clusterIP === "" && clusterIPs.length > 0) {
    errors.push(invalid(field, clusterIPs, "must be empty when `clusterIP` is not specified"));
  }
  for (const [index, family] of ipFamilies.entries()) {
    errors.push(...oneOf(family, FAMILIES, `spec.ipFamilies[${index}]`));
    if (ipFamilies.indexOf(family) < index) errors.push(duplicate(`spec.ipFamilies[${index}]`, family));
  }
  errors.push(...oneOf(ipFamilyPolicy, FAMILY_POLICIES, "spec.ipFamilyPolicy"));
  const wrong = clusterIPs.flatMap((address, index) => {
    if (index > 0 || address !== HEADLESS) {
      return current?.spec.clusterIPs?.includes(address) ? [] : validateAddress(address, `${field}[${index}]`);
    }
    return clusterIPs.length > 1 ? [invalid(field, clusterIPs, "'None' must be the first and only value")] : [];
  });
  errors.push(...wrong);
  if (clusterIPs.length > 2) errors.push(invalid(field, clusterIPs, "may only hold up to 2 values"));
  if (wrong.length > 0 || clusterIPs[0] === HEADLESS) return errors;
  const families = clusterIPs.map((address) => addressOf(address)?.family);
  if (clusterIPs.length > 1 && new Set(families).size !== clusterIPs.length) {
    errors.push(invalid(field, clusterIPs, "may specify no more than one IP for each IP family"));
  }
  for (const [index, family] of families.entries()) {
    const wanted = ipFamilies[index];
    if (wanted === undefined || wanted === family || !FAMILIES.includes(wanted)) continue;
    const words = `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``;
    errors.push(invalid(`${field}[${index}]`, clusterIPs[index], words));
  }
  return errors;
}

function validateExternalAddresses({ spec }: Service, current: Service | undefined): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((address, index) => {
    const path = `spec.externalIPs[${index}]`;
    const wrong = current?.spec.externalIPs?.includes(address) ? [] : validateAddress(address, path);
    return wrong.length > 0 ? wrong : validateEndpointAddress(address, path);
  });
}

/** Whom a load balancer lets in: by the field, or by the annotation that was there before it. */
function validateSourceRanges({ metadata, spec }: Service, current: Service | undefined): FieldError[] {
  const { loadBalancerSourceRanges: ranges = [], type } = spec;
  const said = metadata.annotations?.[RANGES_ANNOTATION];
  const field = ranges.length > 0 ? "spec.LoadBalancerSourceRanges" : `metadata.annotations[${RANGES_ANNOTATION}]`;
  if (ranges.length === 0 && said === undefined) return [];
  const errors = type === "LoadBalancer" ? [] : [forbidden(field, ONLY_BALANCED)];
  if (ranges.length > 0) {
    const known = new Set(current?.spec.loadBalancerSourceRanges?.map((range) => range.trim()));
    return [
      ...errors,
      ...ranges.flatMap((range, index) => (known.has(range.trim()) ? [] : validateCidr(range.trim(), `${field}[${index}]`))),
    ];
  }
  if (current?.metadata.annotations?.[RANGES_ANNOTATION] === said || said?.trim() === "") return errors;
  return [...errors, ...(said ?? "").split(",").flatMap((range) => validateCidr(range.trim(), field))];
}

function validateExternalName({ spec }: Service): FieldError[] {
  const words = "may not be set for ExternalName services";
  const errors: FieldError[] = [];
  if ((spec.clusterIPs?.length ?? 0) > 0) errors.push(forbidden("spec.clusterIPs", words));
  if ((spec.ipFamilies?.length ?? 0) > 0) errors.push(forbidden("spec.ipFamilies", words));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden("spec.ipFamilyPolicy", words));
  return [...errors, ...requiredName(dnsSubdomain, spec.externalName?.replace(/\.$/, ""), "spec.externalName")];
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig: config }: ServiceSpec): FieldError[] {
  const field = "spec.sessionAffinityConfig";
  const errors = requiredOneOf(sessionAffinity, AFFINITIES, "spec.sessionAffinity");
  if (sessionAffinity === "None" && config !== undefined) {
    errors.push(forbidden(field, "must not be set when session affinity is None"));
  }
  if (sessionAffinity !== "ClientIP") return errors;
  const words = "when session affinity type is ClientIP";
  if (config === undefined) return [...errors, required(field, words)];
  if (config.clientIP === undefined) return [...errors, required(`${field}.clientIP`, words)];
  const { timeoutSeconds: seconds } = config.clientIP;
  const path = `${field}.clientIP.timeoutSeconds`;
  if (seconds === undefined) return [...errors, required(path, words)];
  if (seconds > 0 && seconds <= AFFINITY_S_MAX) return errors;
  return [...errors, invalid(path, seconds, `must be greater than 0 and less than ${AFFINITY_S_MAX}`)];
}

export function validateService(service: Service, current: Service | undefined): FieldError[] {
  const { metadata, spec } = service;
  const errors: FieldError[] = [];
  const { [HINTS_ANNOTATION]: hints, [MODE_ANNOTATION]: mode } = metadata.annotations ?? {};
  if (hints !== undefined && mode !== undefined && hints !== mode) {
    const words = `must match annotations[${HINTS_ANNOTATION}] when both are specified`;
    errors.push(invalid(`metadata.annotations[${MODE_ANNOTATION}]`, mode, words));
  }
  const headless = isHeadless(service);
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !headless && spec.type !== "ExternalName") errors.push(required("spec.ports"));
  if (headless && (spec.type === "LoadBalancer" || spec.type === "NodePort")) {
    errors.push(invalid("spec.clusterIPs[0]", HEADLESS, `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type === "ExternalName") errors.push(...validateExternalName(service));
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) errors.push(...validatePort(port, ports.length > 1, names, `spec.ports[${index}]`));
  errors.push(
    ...validateLabels(spec.selector, "spec.selector"),
    ...validateAffinity(spec),
    ...validateClusterAddresses(service, current),
    ...validateExternalAddresses(service, current),
    ...requiredOneOf(spec.type, TYPES, "spec.type"),
  );
  if (spec.type === "ClusterIP") {
    for (const [index, port] of ports.entries()) {
      if (port.nodePort) errors.push(forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  return [
    ...errors,
    ...validateRepetition(ports),
    ...validateSourceRanges(service, current),
    ...validateBalancing(service),
    ...validateTraffic(service),
  ];
}

function isHeadless({ spec }: Service): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === HEADLESS;
}

/** Addresses and families stay, but for the second of two. Source: validateUpgradeDowngradeClusterIPs, validateUpgradeDowngradeIPFamilies. */
export function validateServiceUpdate(next: Service, current: Service): FieldError[] {
  const errors: FieldError[] = [];
  const [spec, was] = [next.spec, current.spec];
  const [headless, wasHeadless] = [isHeadless(next), isHeadless(current)];
  if (spec.type !== "ExternalName" && was.type !== "ExternalName") {
    const { clusterIPs: after = [], ipFamilies = [] } = spec;
    if (!(headless && wasHeadless)) errors.push(...validatePair(after, was.clusterIPs ?? [], spec, ADDRESS_WORDS, after));
    if (!headless && !wasHeadless) errors.push(...validatePair(ipFamilies, was.ipFamilies ?? [], spec, FAMILY_WORDS, after));
  }
  if (spec.type === "LoadBalancer" && was.type === "LoadBalancer" && spec.loadBalancerClass !== was.loadBalancerClass) {
    errors.push(invalid("spec.loadBalancerClass", spec.loadBalancerClass ?? null, "may not change once set"));
  }
  if (spec.type === "LoadBalancer" && spec.loadBalancerClass !== undefined) {
    errors.push(...qualifiedName(spec.loadBalancerClass).map((words) => invalid("spec.loadBalancerClass", spec.loadBalancerClass, words)));
  } else if (spec.loadBalancerClass !== undefined) errors.push(forbidden("spec.loadBalancerClass", ONLY_BALANCED));
  if (checksHealth(spec) && checksHealth(was) && (spec.healthCheckNodePort ?? 0) !== (was.healthCheckNodePort ?? 0)) {
    errors.push(forbidden("spec.healthCheckNodePort", "field is immutable"));
  }
  return errors;
}

interface PairWords {
  readonly field: string;
  readonly one: string;
  /** Whether each that changed is named by its place; else always the first. */
  readonly placed: boolean;
}
const ADDRESS_WORDS: PairWords = { field: "spec.clusterIPs", one: "clusterIP", placed: true };
const FAMILY_WORDS: PairWords = { field: "spec.ipFamilies", one: "ipFamily", placed: false };

/** Kubernetes shows the addresses also where the number of families changed; here `addresses`. */
function validatePair(
  after: readonly string[],
  before: readonly string[],
  { ipFamilyPolicy }: ServiceSpec,
  { field, one, placed }: PairWords,
  addresses: readonly string[],
): FieldError[] {
  const words = "may not change once set";
  if (after.length === before.length) {
    const changed = [...before.keys()].filter((index) => before[index] !== after[index]);
    return changed.map((index) => invalid(`${field}[${placed ? index : 0}]`, after, words));
  }
  const errors: FieldError[] = [];
  if (after.length < before.length && addresses.length === 0) {
    errors.push(invalid(`${field}[0]`, after.length === 0 ? null : after, `primary ${one} can not be unset`));
  }
  if (before.length > 0 && after.length > 0 && after[0] !== before[0]) errors.push(invalid(`${field}[0]`, addresses, words));
  if (after.length === 1 && before.length > 1 && ipFamilyPolicy !== "SingleStack") {
    errors.push(invalid("spec.ipFamilyPolicy", ipFamilyPolicy ?? null, `must be set to 'SingleStack' when releasing the secondary ${one}`));
  }
  return errors;
}

/** Where a load balancer is reached. Source: ValidateLoadBalancerStatus. */
export function validateServiceStatus({ spec, status }: Service, current: Service): FieldError[] {
  const field = "status.loadBalancer.ingress";
  const entries = status?.loadBalancer?.ingress ?? [];
  if (entries.length > 0 && spec.type !== "LoadBalancer") return [forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'")];
  const known = new Set(current.status?.loadBalancer?.ingress?.map(({ ip }) => ip));
  return entries.flatMap(({ ip, ipMode, hostname }, index) => {
    const path = `${field}[${index}]`;
    const errors = ip && !known.has(ip) ? validateAddress(ip, `${path}.ip`) : [];
    if (ipMode === undefined) {
      if (ip) errors.push(required(`${path}.ipMode`, "must be specified when `ip` is set"));
    } else if (!ip) errors.push(forbidden(`${path}.ipMode`, "may not be specified when `ip` is not set"));
    else errors.push(...oneOf(ipMode, ["Proxy", "VIP"], `${path}.ipMode`));
    if (!hostname) return errors;
    errors.push(...dnsSubdomain(hostname).map((words) => invalid(`${path}.hostname`, hostname, words)));
    return addressOf(hostname) === undefined
      ? errors
      : [...errors, invalid(`${path}.hostname`, hostname, "must be a DNS name, not an IP address")];
  });
}
