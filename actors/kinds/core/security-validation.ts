/** Security contexts of pods and containers. Source: ValidateSecurityContext, ValidatePodSpecSecurityContext of pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, notSupported, required, tooLong } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { rangeWords } from "../names.ts";
import type { FieldError } from "../status.ts";
import { containersOf, validateWindowsOptions } from "./windows-validation.ts";

const ID_MAX = 2 ** 31 - 1;
const PROFILE_PATH_BYTES_MAX = 4_095;
const SYSCTL_BYTES_MAX = 253;
const PROFILE_TYPES: readonly string[] = ["Localhost", "RuntimeDefault", "Unconfined"];
const SYSCTL = "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
/** The same set, without what makes an engine that backtracks try every way to read a name. */
const SYSCTL_RE = /^[a-z0-9](?:[a-z0-9]|[-_]+(?=[a-z0-9])|[./](?=[a-z0-9]))*$/;
/** What of the kernel each namespace has to itself. Source: component-helpers/node/util/sysctl. */
const IPC_SYSCTL = /^(kernel\.(sem|shmall|shmmax|shmmni|shm_rmid_forced|shm|msgmax|msgmnb|msgmni|msg)$|fs\.mqueue\.)/;

function validateId(id: number | undefined, field: string): FieldError[] {
  return id === undefined || (id >= 0 && id <= ID_MAX) ? [] : [invalid(field, id, rangeWords(0, ID_MAX))];
}

function validateSeccomp(profile: SeccompProfile | undefined, field: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const path = `${field}.localhostProfile`;
  const errors = type
    ? oneOf(type, PROFILE_TYPES, `${field}.type`)
    : [required(`${field}.type`, "type is required when seccompProfile is set")];
  if (type !== "Localhost") {
    if (localhostProfile === undefined) return errors;
    return [...errors, invalid(path, internalForm("SeccompProfile", profile), "can only be set when seccomp type is Localhost")];
  }
  if (localhostProfile === undefined) return [required(path, "must be set when seccomp type is Localhost")];
  return validateDescendingPath(localhostProfile, path);
}

function validateAppArmor(profile: AppArmorProfile | undefined, field: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const path = `${field}.localhostProfile`;
  if (!type) return [required(`${field}.type`, "type is required when appArmorProfile is set")];
  if (type !== "Localhost") {
    if (!PROFILE_TYPES.includes(type)) return [notSupported(`${field}.type`, type, PROFILE_TYPES)];
    return localhostProfile === undefined ? [] : [invalid(path, localhostProfile, "can only be set when AppArmor type is Localhost")];
  }
  if (!localhostProfile) return [required(path, "must be set when AppArmor type is Localhost")];
  const errors =
    localhostProfile.trim() === localhostProfile ? [] : [invalid(path, localhostProfile, "must not be padded with whitespace")];
  return localhostProfile.length > PROFILE_PATH_BYTES_MAX ? [...errors, tooLong(path, PROFILE_PATH_BYTES_MAX)] : errors;
}

/** A path that never goes up. */
export function validateNoBacksteps(path: string, field: string): FieldError[] {
  return path.split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : [];
}

/** A path that stays below where it starts. */
export function validateDescendingPath(path: string, field: string): FieldError[] {
  const errors = path.startsWith("/") ? [invalid(field, path, "must be a relative path")] : [];
  return [...errors, ...validateNoBacksteps(path, field)];
}

export function validateContainerSecurity(context: SecurityContext | undefined, hostUsers: boolean, field: string): FieldError[] {
  if (context === undefined) return [];
  const errors = [...validateId(context.runAsUser, `${field}.runAsUser`), ...validateId(context.runAsGroup, `${field}.runAsGroup`)];
  const { procMount, allowPrivilegeEscalation, privileged, capabilities } = context;
  errors.push(...oneOf(procMount, ["Default", "Unmasked"], `${field}.procMount`));
  if (hostUsers && procMount === "Unmasked") {
    errors.push(invalid(`${field}.procMount`, procMount, "`hostUsers` must be false to use `Unmasked`"));
  }
  errors.push(...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`));
  if (allowPrivilegeEscalation === false) {
    const refused = (what: string): FieldError =>
      invalid(field, internalForm("SecurityContext", context), `cannot set \`allowPrivilegeEscalation\` to false and ${what}`);
    if (privileged === true) errors.push(refused("`privileged` to true"));
    for (const name of capabilities?.add ?? []) if (name === "CAP_SYS_ADMIN") errors.push(refused("`capabilities.Add` CAP_SYS_ADMIN"));
  }
  errors.push(
    ...validateWindowsOptions(context.windowsOptions, `${field}.windowsOptions`),
    ...validateAppArmor(context.appArmorProfile, `${field}.appArmorProfile`),
  );
  return errors;
}

/** Settings of the kernel, of which those that are the node's own when the pod uses its namespaces are not the pod's to make. */
function validateSysctls(sysctls: PodSecurityContext["sysctls"], spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { name = "" }] of (sysctls ?? []).entries()) {
    const path = `${field}[${index}].name`;
    if (name === "") errors.push(required(path));
    else if (name.length > SYSCTL_BYTES_MAX || !SYSCTL_RE.test(name)) {
      errors.push(invalid(path, name, `must have at most ${SYSCTL_BYTES_MAX} characters and match regex ^${SYSCTL}$`));
    } else if (seen.has(name)) errors.push(duplicate(path, name));
    const normal = name.replaceAll("/", ".");
    if (spec.hostNetwork === true && normal.startsWith("net.")) {
      errors.push(invalid(path, name, "may not be specified when 'hostNetwork' is true"));
    } else if (spec.hostIPC === true && IPC_SYSCTL.test(normal)) {
      errors.push(invalid(path, name, "may not be specified when 'hostIPC' is true"));
    }
    seen.add(name);
  }
  return errors;
}

export function validatePodSecurity(spec: PodSpec, field: string): FieldError[] {
  const context = spec.securityContext ?? {};
  const errors = [
    ...validateId(context.fsGroup, `${field}.fsGroup`),
    ...validateId(context.runAsUser, `${field}.runAsUser`),
    ...validateId(context.runAsGroup, `${field}.runAsGroup`),
    ...(context.supplementalGroups ?? []).flatMap((group, index) => validateId(group, `${field}.supplementalGroups[${index}]`)),
  ];
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    errors.push(invalid(`${field}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled"));
  }
  return [
    ...errors,
    ...validateSysctls(context.sysctls, spec, `${field}.sysctls`),
    ...oneOf(context.fsGroupChangePolicy, ["Always", "OnRootMismatch"], `${field}.fsGroupChangePolicy`),
    ...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`),
    ...validateWindowsOptions(context.windowsOptions, `${field}.windowsOptions`),
    ...validateAppArmor(context.appArmorProfile, `${field}.appArmorProfile`),
    ...oneOf(context.supplementalGroupsPolicy, ["Merge", "Strict"], `${field}.supplementalGroupsPolicy`),
    ...oneOf(context.seLinuxChangePolicy, ["MountOption", "Recursive"], `${field}.seLinuxChangePolicy`),
  ];
}

/** Users of a pod's own are none of the node's, so neither are its other namespaces. Source: validateHostUsers. */
export function validateHostUsers(spec: PodSpec, field: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const words = "when `hostUsers` is false";
  const errors: FieldError[] = [];
  if (spec.hostNetwork === true) errors.push(forbidden(`${field}.hostNetwork`, words));
  if (spec.hostPID === true) errors.push(forbidden(`${field}.HostPID`, words));
  if (spec.hostIPC === true) errors.push(forbidden(`${field}.HostIPC`, words));
  for (const [container, path] of containersOf(spec, field)) {
    if ((container.volumeDevices?.length ?? 0) > 0) errors.push(forbidden(`${path}.volumeDevices`, words));
  }
  return errors;
}
