/** The rules for ingresses. Source: pkg/apis/networking/validation of Kubernetes 1.34. */
import { addressOf, validateAddress } from "../addresses.ts";
import { invalid, notSupported, required } from "../field-error.ts";
import { namedBy, requiredName } from "../field-rules.ts";
import type { HTTPIngressPath, Ingress, IngressBackend, IngressSpec } from "../generated/types.ts";
import { dns1035Label, dnsSubdomain, pathSegment, portName, portNumber, wildcardDnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";

/** Where the class stood before it had a field. */
export const INGRESS_CLASS_ANNOTATION = "kubernetes.io/ingress.class";
const PATH_TYPES: readonly string[] = ["Exact", "ImplementationSpecific", "Prefix"];
/** What no path may contain, so that it cannot mean two things. */
const FORBIDDEN_PARTS: readonly string[] = ["//", "/./", "/../", "%2f", "%2F"];
const FORBIDDEN_ENDS: readonly string[] = ["/..", "/."];

function validateHost(host: string | undefined, field: string): FieldError[] {
  if (!host) return [];
  const errors = addressOf(host) === undefined ? [] : [invalid(field, host, "must be a DNS name, not an IP address")];
  return [...errors, ...namedBy(host.includes("*") ? wildcardDnsSubdomain : dnsSubdomain, host, field)];
}

function validateBackend(backend: IngressBackend | undefined, field: string): FieldError[] {
  const { service, resource } = backend ?? {};
  if (service !== undefined && resource !== undefined) {
    return [invalid(field, "", "cannot set both resource and service backends")];
  }
  if (resource !== undefined) {
    const { apiGroup, kind, name } = resource;
    return [
      ...(apiGroup === undefined ? [] : dnsSubdomain(apiGroup).map((words) => invalid(`${field}.resource.apiGroup`, apiGroup, words))),
      ...requiredName(pathSegment, kind, `${field}.resource.kind`),
      ...requiredName(pathSegment, name, `${field}.resource.name`),
    ];
  }
  if (service === undefined) return [invalid(field, "", "resource or service backend is required")];
  const errors = requiredName(dns1035Label, service.name, `${field}.service.name`);
  const { name, number } = service.port ?? {};
  if (name && number) return [...errors, invalid(field, "", "cannot set both port name & port number")];
  if (name) return [...errors, ...namedBy(portName, name, `${field}.service.port.name`)];
  if (number) return [...errors, ...portNumber(number).map((message) => invalid(`${field}.service.port.number`, number, message))];
  return [...errors, required(field, "port name or number is required")];
}

function validatePath({ path = "", pathType, backend }: HTTPIngressPath, field: string): FieldError[] {
  if (pathType === undefined) return [required(`${field}.pathType`, "pathType must be specified")];
  const errors: FieldError[] = [];
  const place = `${field}.path`;
  if (!PATH_TYPES.includes(pathType)) errors.push(notSupported(`${field}.pathType`, pathType, PATH_TYPES));
  else if (pathType === "ImplementationSpecific") {
    if (path !== "" && !path.startsWith("/")) errors.push(invalid(place, path, "must be an absolute path"));
  } else {
    if (!path.startsWith("/")) errors.push(invalid(place, path, "must be an absolute path"));
    if (path !== "") {
      for (const part of FORBIDDEN_PARTS) if (path.includes(part)) errors.push(invalid(place, path, `must not contain '${part}'`));
      for (const end of FORBIDDEN_ENDS) if (path.endsWith(end)) errors.push(invalid(place, path, `cannot end with '${end}'`));
    }
  }
  return [...errors, ...validateBackend(backend, `${field}.backend`)];
}

function validateRules(rules: NonNullable<IngressSpec["rules"]>): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { host, http }] of rules.entries()) {
    const field = `spec.rules[${index}]`;
    errors.push(...validateHost(host, `${field}.host`));
    if (http === undefined) continue;
    if ((http.paths ?? []).length === 0) errors.push(required(`${field}.http.paths`));
    for (const [at, path] of (http.paths ?? []).entries()) errors.push(...validatePath(path, `${field}.http.paths[${at}]`));
  }
  return errors;
}

/** `current`: what an update replaces, whose class may be said in both ways. */
export function validateIngress({ metadata, spec = {} }: Ingress, current: Ingress | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const { rules = [], defaultBackend, ingressClassName, tls = [] } = spec;
  if (rules.length === 0 && defaultBackend === undefined) {
    errors.push(invalid("spec", spec.rules ?? null, "either `defaultBackend` or `rules` must be specified"));
  }
  if (defaultBackend !== undefined) errors.push(...validateBackend(defaultBackend, "spec.defaultBackend"));
  errors.push(...validateRules(rules));
  for (const [index, { hosts = [], secretName }] of tls.entries()) {
    for (const [at, host] of hosts.entries()) {
      const rule = host.includes("*") ? wildcardDnsSubdomain : dnsSubdomain;
      errors.push(...rule(host).map((message) => invalid(`spec.tls[${index}].hosts[${at}]`, host, message)));
    }
    errors.push(...namedBy(dnsSubdomain, secretName, `spec.tls[${index}].secretName`));
  }
  if (ingressClassName === undefined) return errors;
  errors.push(...dnsSubdomain(ingressClassName).map((message) => invalid("spec.ingressClassName", ingressClassName, message)));
  const annotated = metadata.annotations?.[INGRESS_CLASS_ANNOTATION];
  if (current !== undefined || annotated === undefined || annotated === ingressClassName) return errors;
  const words = "must match `ingressClassName` when both are specified";
  return [...errors, invalid(`annotations.${INGRESS_CLASS_ANNOTATION}`, annotated, words)];
}

/** Where an ingress is reached. Source: ValidateIngressLoadBalancerStatus. */
export function validateIngressStatus({ status }: Ingress, current: Ingress): FieldError[] {
  const known = new Set(current.status?.loadBalancer?.ingress?.map(({ ip }) => ip));
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, index) => {
    const field = `status.loadBalancer.ingress[${index}]`;
    const errors = ip && !known.has(ip) ? validateAddress(ip, `${field}.ip`) : [];
    errors.push(...namedBy(dnsSubdomain, hostname, `${field}.hostname`));
    const isAddress = hostname !== undefined && addressOf(hostname) !== undefined;
    return isAddress ? [...errors, invalid(`${field}.hostname`, hostname, "must be a DNS name, not an IP address")] : errors;
  });
}
