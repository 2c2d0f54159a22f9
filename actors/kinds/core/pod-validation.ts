/** The rules for a pod's spec, in a pod or in a template. Source: ValidatePodSpec of pkg/apis/core/validation. */
import { validateAddress } from "../addresses.ts";
import { duplicate, forbidden, invalid, required } from "../field-error.ts";
import { namedBy, requiredOneOf } from "../field-rules.ts";
import type { PodResourceClaim, PodSpec, PodTemplateSpec, Volume } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { validateAnnotations, validateLabels } from "../metadata.ts";
import { dnsLabel, dnsSubdomain, qualifiedName, rangeWords, searchDomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateContainers, validateInitContainers } from "./container-validation.ts";
import { validateEphemeralContainers } from "./ephemeral-validation.ts";
import { KnownSpecs } from "./known-specs.ts";
import { validateAffinity, validateTolerations, validateTopologySpread } from "./placement-validation.ts";
import { validateAgreement, validatePodAnnotations } from "./pod-annotations.ts";
import { validatePodResources } from "./pod-level-resources.ts";
import { validateResources } from "./resource-validation.ts";
import { validateHostUsers, validatePodSecurity } from "./security-validation.ts";
import { validateVolumes } from "./volume-validation.ts";
import { validateHostProcesses, validateSystem } from "./windows-validation.ts";

export const INT32_MAX: number = 2 ** 31 - 1;

/** Source: what libc's resolver takes. */
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCHES_CHARS_MAX = 2_048;
const PREEMPTION_POLICIES: readonly string[] = ["PreemptLowerPriority", "Never"];
const RESTART_POLICIES: readonly string[] = ["Always", "OnFailure", "Never"];
const DNS_POLICIES: readonly string[] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

/** Source: validatePodDNSConfig. */
function validateDns({ dnsPolicy = "", dnsConfig }: PodSpec, field: string): FieldError[] {
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  const errors: FieldError[] = [];
  if (dnsPolicy === "None") {
    if (dnsConfig === undefined) return [required(field, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if (nameservers.length === 0) {
      return [required(`${field}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None")];
    }
  }
  if (nameservers.length > NAMESERVERS_MAX) {
    errors.push(invalid(`${field}.nameservers`, nameservers, `must not have more than ${NAMESERVERS_MAX} nameservers`));
  }
  errors.push(...nameservers.flatMap((address, index) => validateAddress(address, `${field}.nameservers[${index}]`)));
  if (searches.length > SEARCHES_MAX) {
    errors.push(invalid(`${field}.searches`, searches, `must not have more than ${SEARCHES_MAX} search paths`));
  }
  if (searches.join(" ").length > SEARCHES_CHARS_MAX) {
    const words = `must not have more than ${SEARCHES_CHARS_MAX} characters (including spaces) in the search list`;
    errors.push(invalid(`${field}.searches`, searches, words));
  }
  for (const [index, search] of searches.entries()) {
    const name = search.endsWith(".") ? search.slice(0, -1) : search;
    if (search !== ".") errors.push(...searchDomain(name).map((message) => invalid(`${field}.searches[${index}]`, name, message)));
  }
  for (const [index, option] of options.entries()) {
    if (!option.name) errors.push(required(`${field}.options[${index}]`, "must not be empty"));
  }
  return errors;
}

/** Claims on devices. Source: validatePodResourceClaims. */
function validateDeviceClaims(claims: readonly PodResourceClaim[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, claim] of (claims ?? []).entries()) {
    const path = `${field}[${index}]`;
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (!name) errors.push(required(`${path}.name`));
    else if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    else errors.push(...namedBy(dnsLabel, name, `${path}.name`));
    names.add(name);
    const shown = internalForm("PodResourceClaim", claim);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      errors.push(invalid(path, shown, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"));
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(invalid(path, shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"));
    }
    for (const [source, value] of Object.entries({ resourceClaimName, resourceClaimTemplateName })) {
      if (value !== undefined) errors.push(...dnsSubdomain(value).map((message) => invalid(`${path}.${source}`, value, message)));
    }
  }
  return errors;
}

/** On the node's own network a container's ports are the node's. `isPod`: not of a template, which may be silent. */
function validateHostNetwork(spec: PodSpec, isPod: boolean, field: string): FieldError[] {
  if (spec.hostNetwork !== true) return [];
  return (spec.containers ?? []).flatMap(({ ports }, index) =>
    (ports ?? []).flatMap(({ hostPort = 0, containerPort }, at) => {
      if (hostPort === containerPort || (hostPort === 0 && !isPod)) return [];
      const path = `${field}.containers[${index}].ports[${at}].hostPort`;
      return [invalid(path, hostPort, "must match `containerPort` when `hostNetwork` is true")];
    }),
  );
}

function validateHostAliases(aliases: PodSpec["hostAliases"], field: string): FieldError[] {
  return (aliases ?? []).flatMap(({ ip, hostnames = [] }, index) => [
    ...validateAddress(ip ?? "", `${field}[${index}].ip`),
    ...hostnames.flatMap((name, at) => dnsSubdomain(name).map((message) => invalid(`${field}[${index}].hostnames[${at}]`, name, message))),
  ]);
}

function validateGates(spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, gate] of (spec.readinessGates ?? []).entries()) {
    const path = `${field}.readinessGates[${index}].conditionType`;
    for (const message of qualifiedName(gate.conditionType)) errors.push(invalid(path, gate.conditionType, message));
  }
  const seen = new Set<string>();
  for (const [index, gate] of (spec.schedulingGates ?? []).entries()) {
    const path = `${field}.schedulingGates[${index}]`;
    for (const message of qualifiedName(gate.name)) errors.push(invalid(path, gate.name, message));
    if (seen.has(gate.name)) errors.push(duplicate(path, gate.name));
    seen.add(gate.name);
  }
  return errors;
}

/** Whose spec it is. */
interface Owner {
  /** The pod's name; a template has none yet. */
  readonly pod?: string;
}

/** Specs of pods in which nothing was wrong: the pods of a template have the same one thousands of times. */
const flawless = new KnownSpecs();
/** The spec of a pod that was looked at last. What is to be warned of is asked of the same one, before anything becomes of it. */
let last: { readonly spec: PodSpec; readonly json: string } | undefined;

/** The JSON of a pod's spec that has just been found to be flawless; undefined of any other. */
export function jsonOfFlawless(spec: PodSpec): string | undefined {
  return last?.spec === spec ? last.json : undefined;
}

/** Everything about a pod's spec. `field` is where it stands: `spec`, `spec.template.spec`. */
export function validatePodSpec(spec: PodSpec, field: string, owner: Owner = {}): FieldError[] {
  last = undefined;
  if (owner.pod === undefined || spec.volumes?.some(isNamedByPod) === true) return problemsOf(spec, field, owner);
  const json = JSON.stringify(spec);
  const errors = flawless.has(json) ? [] : problemsOf(spec, field, owner);
  if (errors.length > 0) return errors;
  flawless.add(json);
  last = { spec, json };
  return errors;
}

/** What its claim is called depends on the pod's name, all else in a spec does not. */
function isNamedByPod({ ephemeral }: Volume): boolean {
  return ephemeral !== undefined;
}

function problemsOf(spec: PodSpec, field: string, { pod }: Owner): FieldError[] {
  const { restartPolicy = "", terminationGracePeriodSeconds: grace_s, activeDeadlineSeconds: deadline_s } = spec;
  const { errors: wrongVolumes, valid: volumes } = validateVolumes(spec.volumes, `${field}.volumes`, pod ?? "");
  const claims = new Set((spec.resourceClaims ?? []).map(({ name }) => name).filter(Boolean));
  const context = { volumes, claims, grace_s: grace_s ?? 0, restartPolicy, hostUsers: spec.hostUsers ?? true };
  const outOfRange = deadline_s !== undefined && (deadline_s < 1 || deadline_s > INT32_MAX);
  const overhead = spec.overhead === undefined ? undefined : { limits: spec.overhead };
  return [
    ...(grace_s === undefined ? [required(`${field}.terminationGracePeriodSeconds`)] : []),
    ...wrongVolumes,
    ...validateDeviceClaims(spec.resourceClaims, `${field}.resourceClaims`),
    ...validateContainers(spec, context, `${field}.containers`),
    ...validateInitContainers(spec, context, `${field}.initContainers`),
    ...validateEphemeralContainers(spec, context, `${field}.ephemeralContainers`),
    ...validatePodResources(spec, claims, `${field}.resources`),
    ...validateHostNetwork(spec, pod !== undefined, field),
    ...requiredOneOf(restartPolicy, RESTART_POLICIES, `${field}.restartPolicy`),
    ...requiredOneOf(spec.dnsPolicy, DNS_POLICIES, `${field}.dnsPolicy`),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...validatePodSecurity(spec, `${field}.securityContext`),
    ...validateAffinity(spec.affinity, `${field}.affinity`),
    ...validateDns(spec, `${field}.dnsConfig`),
    ...validateGates(spec, field),
    ...validateTopologySpread(spec.topologySpreadConstraints, `${field}.topologySpreadConstraints`),
    ...validateHostProcesses(spec, field),
    ...validateHostUsers(spec, field),
    ...namedBy(dnsSubdomain, spec.serviceAccountName, `${field}.serviceAccountName`),
    ...namedBy(dnsSubdomain, spec.nodeName, `${field}.nodeName`),
    ...(outOfRange ? [invalid(`${field}.activeDeadlineSeconds`, deadline_s, rangeWords(1, INT32_MAX))] : []),
    ...namedBy(dnsLabel, spec.hostname, `${field}.hostname`),
    ...namedBy(dnsLabel, spec.subdomain, `${field}.subdomain`),
    ...validateTolerations(spec.tolerations, `${field}.tolerations`),
    ...validateHostAliases(spec.hostAliases, `${field}.hostAliases`),
    ...namedBy(dnsSubdomain, spec.priorityClassName, `${field}.priorityClassName`),
    ...validateRuntimeClassName(spec.runtimeClassName, `${field}.runtimeClassName`),
    ...validatePreemption(spec.preemptionPolicy, `${field}.preemptionPolicy`),
    ...validateResources(overhead, new Set(), `${field}.overhead`),
    ...validateSystem(spec, field),
  ];
}

function validateRuntimeClassName(name: string | undefined, field: string): FieldError[] {
  return name === undefined ? [] : dnsSubdomain(name).map((message) => invalid(field, name, message));
}

function validatePreemption(policy: string | undefined, field: string): FieldError[] {
  return policy === undefined ? [] : requiredOneOf(policy, PREEMPTION_POLICIES, field);
}

/** A template's metadata and spec. Source: ValidatePodTemplateSpec. */
export function validatePodTemplate(template: PodTemplateSpec, field: string): FieldError[] {
  const { metadata: { annotations } = {}, spec = { containers: [] } } = template;
  const errors = [
    ...validateLabels(template.metadata?.labels, `${field}.labels`),
    ...validateAnnotations(annotations, `${field}.annotations`),
    ...validatePodAnnotations(annotations, spec, `${field}.annotations`),
    ...validatePodSpec(spec, `${field}.spec`),
    ...validateAgreement(annotations, spec, `${field}.spec`),
  ];
  if ((template.spec?.ephemeralContainers?.length ?? 0) > 0) {
    errors.push(forbidden(`${field}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template"));
  }
  return errors;
}
