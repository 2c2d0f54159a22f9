/** The rules for ingresses. Source: pkg/apis/networking/validation of Kubernetes 1.34. */
import { invalid, notSupported, required } from "../field-error.ts";
import { namedBy, requiredName } from "../field-rules.ts";
import type { HTTPIngressPath, Ingress, IngressBackend, IngressSpec } from "../generated/types.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dns1035Label, dnsSubdomain, portName, portNumber, wildcardDnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";

const PATH_TYPES: readonly string[] = ["Exact", "ImplementationSpecific", "Prefix"];
/** What no path may contain, so that it cannot mean two things. */
const FORBIDDEN_PARTS: readonly string[] = ["//", "/./", "/../", "%2f", "%2F"];
const FORBIDDEN_ENDS: readonly string[] = ["/..", "/."];

function isIpAddress(text: string): boolean {
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(text) || text.includes(":");
}

function validateHost(host: string | undefined, field: string): FieldError[] {
  if (!host) return [];
  if (isIpAddress(host)) return [invalid(field, host, "must be a DNS name, not an IP address")];
  return namedBy(host.includes("*") ? wildcardDnsSubdomain : dnsSubdomain, host, field);
}

function validateBackend(backend: IngressBackend | undefined, field: string): FieldError[] {
  const { service, resource } = backend ?? {};
  if (service !== undefined && resource !== undefined) {
    return [invalid(field, "", "cannot set both resource and service backends")];
  }
  if (resource !== undefined) {
    const errors = resource.name ? [] : [required(`${field}.resource.name`)];
    if (!resource.kind) errors.push(required(`${field}.resource.kind`));
    return [...errors, ...namedBy(dnsSubdomain, resource.apiGroup, `${field}.resource.apiGroup`)];
  }
  if (service === undefined) return [required(field, "resource or service backend is required")];
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

export function validateIngress({ metadata, spec = {} }: Ingress): FieldError[] {
  const errors = validateObjectMeta(metadata, true, dnsSubdomain);
  const { rules = [], defaultBackend, ingressClassName, tls = [] } = spec;
  if (rules.length === 0 && defaultBackend === undefined) {
    errors.push(invalid("spec", [], "either `defaultBackend` or `rules` must be specified"));
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
  return ingressClassName === undefined
    ? errors
    : [...errors, ...dnsSubdomain(ingressClassName).map((message) => invalid("spec.ingressClassName", ingressClassName, message))];
}
