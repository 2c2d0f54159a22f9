import { rangeWarnings } from "../address-warnings.ts";
import { defineKind } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { formatLabelSelector, validateLabelSelector } from "../machinery/label-selector.ts";
import { dnsSubdomain, portName, portNumber } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { isCidr, isStrictlyIn, validateCidr } from "./cidr.ts";

const PROTOCOLS: readonly string[] = ["TCP", "UDP", "SCTP"];
const TYPES: readonly string[] = ["Ingress", "Egress"];

/** Source: SetDefaults_NetworkPolicy, SetDefaults_NetworkPolicyPort. */
function applyDefaults({ spec }: NetworkPolicy): void {
  if (spec === undefined) return;
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of rule.ports ?? []) port.protocol ??= "TCP";
  if ((spec.policyTypes ?? []).length > 0) return;
  spec.policyTypes = (spec.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, field: string): FieldError[] {
  const errors = oneOf(protocol, PROTOCOLS, `${field}.protocol`);
  const last = `${field}.endPort`;
  if (typeof port !== "number") {
    const what = port === undefined ? "not specified" : "non-numeric";
    if (endPort !== undefined) errors.push(invalid(last, endPort, `may not be specified when \`port\` is ${what}`));
    return port === undefined ? errors : [...errors, ...portName(port).map((message) => invalid(`${field}.port`, port, message))];
  }
  errors.push(...portNumber(port).map((message) => invalid(`${field}.port`, port, message)));
  if (endPort === undefined) return errors;
  // Kubernetes shows the first port here.
  if (endPort < port) errors.push(invalid(last, port, "must be greater than or equal to `port`"));
  return [...errors, ...portNumber(endPort).map((message) => invalid(last, endPort, message))];
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let kinds = 0;
  if (podSelector !== undefined) errors.push(...validateLabelSelector(podSelector, `${field}.podSelector`));
  if (namespaceSelector !== undefined) errors.push(...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`));
  if (podSelector !== undefined || namespaceSelector !== undefined) kinds++;
  if (ipBlock !== undefined) {
    kinds++;
    errors.push(...validateBlock(ipBlock, `${field}.ipBlock`));
  }
  if (kinds === 0) errors.push(required(field, "must specify a peer"));
  else if (kinds > 1) errors.push(forbidden(field, "may not specify both ipBlock and another peer"));
  return errors;
}

/** Addresses, and what of them is left out. Source: ValidateIPBlock. */
function validateBlock({ cidr, except = [] }: IPBlock, field: string): FieldError[] {
  if (!cidr) return [required(`${field}.cidr`)];
  if (!isCidr(cidr)) return validateCidr(cidr, `${field}.cidr`);
  return except.flatMap((one, index) => {
    const path = `${field}.except[${index}]`;
    if (!isCidr(one)) return validateCidr(one, path);
    return isStrictlyIn(one, cidr) ? [] : [invalid(path, one, "must be a strict subset of `cidr`")];
  });
}

function validate({ spec }: NetworkPolicy): FieldError[] {
  const errors = [...validateLabelSelector(spec?.podSelector, "spec.podSelector")];
  for (const [direction, peers] of [["ingress", "from"] as const, ["egress", "to"] as const]) {
    for (const [index, rule] of (spec?.[direction] ?? []).entries()) {
      const field = `spec.${direction}[${index}]`;
      for (const [at, port] of (rule.ports ?? []).entries()) errors.push(...validatePort(port, `${field}.ports[${at}]`));
      const list = (peers === "from" ? ("from" in rule ? rule.from : undefined) : "to" in rule ? rule.to : undefined) ?? [];
      for (const [at, peer] of list.entries()) errors.push(...validatePeer(peer, `${field}.${peers}[${at}]`));
    }
  }
  const types = spec?.policyTypes ?? [];
  if (types.length > TYPES.length) {
    errors.push(invalid("spec.policyTypes", types, "may not specify more than two policyTypes"));
    return errors;
  }
  for (const [index, type] of types.entries()) {
    if (!TYPES.includes(type)) errors.push(notSupported(`spec.policyTypes[${index}]`, type, TYPES));
  }
  return errors;
}

function peerWarnings(peers: readonly NetworkPolicyPeer[] | undefined, field: string): string[] {
  return (peers ?? []).flatMap(({ ipBlock }, index) => {
    if (ipBlock === undefined) return [];
    const path = `${field}[${index}].ipBlock`;
    const except = (ipBlock.except ?? []).flatMap((range, at) => rangeWarnings(range, `${path}.except[${at}]`));
    return [...rangeWarnings(ipBlock.cidr, `${path}.cidr`), ...except];
  });
}

export const NetworkPolicyKind: Kind<NetworkPolicy> = defineKind<NetworkPolicy>({
  group: "networking.k8s.io",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
  namespaced: true,
  tracksGeneration: true,
  applyDefaults,
  updateChecks: ["whole", "metadata", "content"],
  nameRule: dnsSubdomain,
  validate,
  warnings: ({ spec }) => [
    ...(spec?.ingress ?? []).flatMap(({ from }, index) => peerWarnings(from, `spec.ingress[${index}].from`)),
    ...(spec?.egress ?? []).flatMap(({ to }, index) => peerWarnings(to, `spec.egress[${index}].to`)),
  ],
  columns: [NAME_COLUMN, column("Pod-Selector", "The pods that it is about"), AGE_COLUMN],
  cells: (policy, now_ms) => [policy.metadata.name, formatLabelSelector(policy.spec?.podSelector ?? {}), ageOf(policy, now_ms)],
});
