/** The rules for a pod's spec, in a pod or in a template. Source: ValidatePodSpec of pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { PodSpec, PodTemplateSpec } from "../generated/types.ts";
import { validateAnnotations, validateLabels } from "../metadata.ts";
import { dnsLabel, dnsSubdomain, qualifiedName, rangeWords } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateContainers, validateInitContainers } from "./container-validation.ts";
import { validateEphemeralContainers } from "./ephemeral-validation.ts";
import { validateAffinity, validateTolerations, validateTopologySpread } from "./placement-validation.ts";
import { validatePodSecurity } from "./security-validation.ts";
import { validateVolumes } from "./volume-validation.ts";

export const INT32_MAX: number = 2 ** 31 - 1;

const RESTART_POLICIES: readonly string[] = ["Always", "OnFailure", "Never"];
const DNS_POLICIES: readonly string[] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

function validateDns(spec: PodSpec, field: string): FieldError[] {
  const { dnsPolicy = "", dnsConfig } = spec;
  const path = `${field}.dnsConfig`;
  const errors: FieldError[] = [];
  if (dnsPolicy === "None") {
    if (dnsConfig === undefined) return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if ((dnsConfig.nameservers?.length ?? 0) === 0) {
      return [required(`${path}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None")];
    }
  }
  for (const [index, option] of (dnsConfig?.options ?? []).entries()) {
    if (!option.name) errors.push(required(`${path}.options[${index}]`, "must not be empty"));
  }
  return errors;
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

function subdomain(value: string | undefined, field: string): FieldError[] {
  return value ? dnsSubdomain(value).map((message) => invalid(field, value, message)) : [];
}

function label(value: string | undefined, field: string): FieldError[] {
  return value ? dnsLabel(value).map((message) => invalid(field, value, message)) : [];
}

/** Everything about a pod's spec. `field` is where it stands: `spec`, `spec.template.spec`. */
export function validatePodSpec(spec: PodSpec, field: string): FieldError[] {
  const { errors, names } = validateVolumes(spec.volumes, `${field}.volumes`);
  const context = { volumes: names, grace_s: spec.terminationGracePeriodSeconds ?? 0 };
  errors.push(
    ...validateContainers(spec, context, `${field}.containers`),
    ...validateInitContainers(spec, context, `${field}.initContainers`),
    ...validateEphemeralContainers(spec, context, `${field}.ephemeralContainers`),
  );
  const { restartPolicy = "", dnsPolicy = "", terminationGracePeriodSeconds: grace_s } = spec;
  if (restartPolicy === "") errors.push(required(`${field}.restartPolicy`));
  else if (!RESTART_POLICIES.includes(restartPolicy)) errors.push(notSupported(`${field}.restartPolicy`, restartPolicy, RESTART_POLICIES));
  if (dnsPolicy === "") errors.push(required(`${field}.dnsPolicy`));
  else if (!DNS_POLICIES.includes(dnsPolicy)) errors.push(notSupported(`${field}.dnsPolicy`, dnsPolicy, DNS_POLICIES));
  errors.push(...validateLabels(spec.nodeSelector, `${field}.nodeSelector`), ...validatePodSecurity(spec, `${field}.securityContext`));
  for (const [index, secret] of (spec.imagePullSecrets ?? []).entries()) {
    if (!secret.name) errors.push(required(`${field}.imagePullSecrets[${index}].name`));
  }
  errors.push(
    ...validateAffinity(spec.affinity, `${field}.affinity`),
    ...validateDns(spec, field),
    ...validateGates(spec, field),
    ...validateTopologySpread(spec.topologySpreadConstraints, `${field}.topologySpreadConstraints`),
    ...subdomain(spec.serviceAccountName, `${field}.serviceAccountName`),
    ...subdomain(spec.nodeName, `${field}.nodeName`),
  );
  const deadline_s = spec.activeDeadlineSeconds;
  if (deadline_s !== undefined && (deadline_s < 1 || deadline_s > INT32_MAX)) {
    errors.push(invalid(`${field}.activeDeadlineSeconds`, deadline_s, rangeWords(1, INT32_MAX)));
  }
  errors.push(
    ...label(spec.hostname, `${field}.hostname`),
    ...label(spec.subdomain, `${field}.subdomain`),
    ...validateTolerations(spec.tolerations, `${field}.tolerations`),
    ...subdomain(spec.priorityClassName, `${field}.priorityClassName`),
    ...subdomain(spec.runtimeClassName, `${field}.runtimeClassName`),
  );
  const preemption = spec.preemptionPolicy;
  if (preemption !== undefined && preemption !== "PreemptLowerPriority" && preemption !== "Never") {
    errors.push(notSupported(`${field}.preemptionPolicy`, preemption, ["Never", "PreemptLowerPriority"]));
  }
  if (spec.os !== undefined && !["linux", "windows"].includes(spec.os.name)) {
    errors.push(spec.os.name === "" ? required(`${field}.os.name`) : notSupported(`${field}.os.name`, spec.os.name, ["linux", "windows"]));
  }
  if (grace_s === undefined) errors.push(required(`${field}.terminationGracePeriodSeconds`));
  return errors;
}

/** A template's metadata and spec. Source: ValidatePodTemplateSpec. */
export function validatePodTemplate(template: PodTemplateSpec, field: string): FieldError[] {
  const errors = [
    ...validateLabels(template.metadata?.labels, `${field}.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${field}.annotations`),
    ...validatePodSpec(template.spec ?? { containers: [] }, `${field}.spec`),
  ];
  if ((template.spec?.ephemeralContainers?.length ?? 0) > 0) {
    errors.push(forbidden(`${field}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template"));
  }
  return errors;
}
