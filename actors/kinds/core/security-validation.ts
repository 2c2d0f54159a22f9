/** Security contexts of pods and containers. Source: ValidateSecurityContext, ValidatePodSpecSecurityContext of pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { PodSpec, SeccompProfile, SecurityContext } from "../generated/types.ts";
import { rangeWords } from "../names.ts";
import type { FieldError } from "../status.ts";

const ID_MAX = 2 ** 31 - 1;

function validateId(id: number | undefined, field: string): FieldError[] {
  return id === undefined || (id >= 0 && id <= ID_MAX) ? [] : [invalid(field, id, rangeWords(0, ID_MAX))];
}

function validateSeccomp(profile: SeccompProfile | undefined, field: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  if (type === "") return [required(`${field}.type`, "type is required when seccompProfile is set")];
  if (!["Localhost", "RuntimeDefault", "Unconfined"].includes(type)) {
    return [notSupported(`${field}.type`, type, ["Localhost", "RuntimeDefault", "Unconfined"])];
  }
  if (type !== "Localhost") {
    if (localhostProfile === undefined) return [];
    return [invalid(`${field}.localhostProfile`, localhostProfile, "can only be set when seccomp type is Localhost")];
  }
  if (localhostProfile === undefined) return [required(`${field}.localhostProfile`, "must be set when seccomp type is Localhost")];
  return validateDescendingPath(localhostProfile, `${field}.localhostProfile`);
}

/** A path that stays below where it starts. */
export function validateDescendingPath(path: string, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith("/")) errors.push(invalid(field, path, "must be a relative path"));
  if (path.split("/").includes("..")) errors.push(invalid(field, path, "must not contain '..'"));
  return errors;
}

export function validateContainerSecurity(context: SecurityContext | undefined, field: string): FieldError[] {
  if (context === undefined) return [];
  const errors = [...validateId(context.runAsUser, `${field}.runAsUser`), ...validateId(context.runAsGroup, `${field}.runAsGroup`)];
  const { procMount, allowPrivilegeEscalation, privileged, capabilities } = context;
  if (procMount !== undefined && procMount !== "Default" && procMount !== "Unmasked") {
    errors.push(notSupported(`${field}.procMount`, procMount, ["Default", "Unmasked"]));
  }
  errors.push(...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`));
  if (allowPrivilegeEscalation === false) {
    const words = (what: string): string => `cannot set \`allowPrivilegeEscalation\` to false and ${what}`;
    if (privileged === true) errors.push(invalid(field, context, words("`privileged` to true")));
    if (capabilities?.add?.includes("CAP_SYS_ADMIN")) errors.push(invalid(field, context, words("`capabilities.Add` CAP_SYS_ADMIN")));
  }
  return errors;
}

export function validatePodSecurity(spec: PodSpec, field: string): FieldError[] {
  const context = spec.securityContext;
  if (context === undefined) return [];
  const errors = [
    ...validateId(context.fsGroup, `${field}.fsGroup`),
    ...validateId(context.runAsUser, `${field}.runAsUser`),
    ...validateId(context.runAsGroup, `${field}.runAsGroup`),
  ];
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    errors.push(...validateId(group, `${field}.supplementalGroups[${index}]`));
  }
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    errors.push(invalid(`${field}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled"));
  }
  const seen = new Set<string>();
  for (const [index, { name }] of (context.sysctls ?? []).entries()) {
    const path = `${field}.sysctls[${index}].name`;
    if (name === "") errors.push(required(path));
    else if (!/^([a-z0-9][-_a-z0-9]*[./])*[a-z0-9][-_a-z0-9]*$/.test(name) || name.length > 253) {
      errors.push(
        invalid(
          path,
          name,
          "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*([a-z0-9]([-_a-z0-9]*[a-z0-9])?)$",
        ),
      );
    } else if (seen.has(name)) errors.push(duplicate(path, name));
    seen.add(name);
  }
  const policy = context.fsGroupChangePolicy;
  if (policy !== undefined && policy !== "Always" && policy !== "OnRootMismatch") {
    errors.push(notSupported(`${field}.fsGroupChangePolicy`, policy, ["Always", "OnRootMismatch"]));
  }
  errors.push(...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`));
  if (context.windowsOptions !== undefined && spec.os?.name === "linux") {
    errors.push(forbidden(`${field}.windowsOptions`, "windows options cannot be set for a linux pod"));
  }
  return errors;
}
