/** Annotations of a pod that mean something to Kubernetes. Source: ValidatePodSpecificAnnotations of pkg/apis/core/validation. */
import { forbidden, invalid } from "../field-error.ts";
import type { AppArmorProfile, PodSpec, SeccompProfile } from "../generated/types.ts";
import type { FieldError } from "../status.ts";
import { MIRROR_ANNOTATION } from "./mirror-pod.ts";
import { validateDescendingPath } from "./security-validation.ts";
import { containersOf } from "./windows-validation.ts";

type Annotations = Readonly<Record<string, string>>;

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/";
const APPARMOR_CONTAINER = "container.apparmor.security.beta.kubernetes.io/";
const APPARMOR_TYPES: readonly string[] = ["Localhost", "RuntimeDefault", "Unconfined"];
const LOCAL = "localhost/";
const RUNTIME_DEFAULTS: readonly string[] = ["runtime/default", "docker/default"];

function isInt32(text: string): boolean {
  return /^(0|-?[1-9]\d*|-0+\d*)$/.test(text) && Math.abs(Number(text) + 0.5) < 2 ** 31;
}

function validateSeccomp(profile: string, field: string): FieldError[] {
  if (profile === "unconfined" || RUNTIME_DEFAULTS.includes(profile)) return [];
  if (profile.startsWith(LOCAL)) return validateDescendingPath(profile.slice(LOCAL.length), field);
  return [invalid(field, profile, "must be a valid seccomp profile")];
}

/** Of a pod, or of a template of pods; `field` is where the annotations are. */
export function validatePodAnnotations(annotations: Annotations | undefined, spec: PodSpec, field: string): FieldError[] {
  if (annotations === undefined) return [];
  const errors: FieldError[] = [];
  const mirror = annotations[MIRROR_ANNOTATION];
  if (mirror !== undefined && !spec?.nodeName) {
    errors.push(invalid(`${field}[${MIRROR_ANNOTATION}]`, mirror, "must set spec.nodeName if mirror pod annotation is set"));
  }
  const cost = annotations[DELETION_COST];
  if (cost !== undefined && !isInt32(cost)) errors.push(invalid(`${field}[${DELETION_COST}]`, cost, "must be a 32bit integer"));
  for (const [key, value] of Object.entries(annotations)) {
    if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER)) errors.push(...validateSeccomp(value, `${field}.${key}`));
    if (!key.startsWith(APPARMOR_CONTAINER)) continue;
    const name = key.slice(APPARMOR_CONTAINER.length);
    const known = containersOf(spec, "").some(([container]) => container.name === name);
    if (!known) errors.push(invalid(`${field}[${key}]`, name, "container not found"));
    if (value !== "" && value !== "unconfined" && value !== "runtime/default" && !value.startsWith(LOCAL)) {
      errors.push(invalid(`${field}[${key}]`, value, `invalid AppArmor profile name: "${value}"`));
    }
  }
  return errors;
}

/** These come with a pod and stay. Source: ValidatePodSpecificAnnotationUpdates. */
export function validatePodAnnotationUpdate(next: Annotations = {}, current: Annotations = {}): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (key: string, apparmor: string, mirror: string): void => {
    const field = `metadata.annotations[${key}]`;
    if (key.startsWith(APPARMOR_CONTAINER)) errors.push(forbidden(field, apparmor));
    if (key === MIRROR_ANNOTATION) errors.push(forbidden(field, mirror));
  };
  for (const key in current) {
    if (next[key] === current[key]) continue;
    refuse(key, "may not remove or update AppArmor annotations", "may not remove or update mirror pod annotation");
  }
  for (const key in next) if (!(key in current)) refuse(key, "may not add AppArmor annotations", "may not add mirror pod annotation");
  return errors;
}

function disagreement(annotation: string | undefined, profile: SeccompProfile | undefined, field: string): FieldError[] {
  if (annotation === undefined || profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const local = annotation.startsWith(LOCAL);
  const same =
    type === "Unconfined" ? annotation === "unconfined" : type === "RuntimeDefault" ? RUNTIME_DEFAULTS.includes(annotation) : local;
  if (!same) return [forbidden(`${field}.type`, "seccomp type in annotation and field must match")];
  if (type !== "Localhost" || localhostProfile === annotation.slice(LOCAL.length)) return [];
  return [forbidden(`${field}.localhostProfile`, "seccomp profile in annotation and field must match")];
}

function appArmorDisagreement(annotation: string | undefined, profile: AppArmorProfile | undefined, field: string): FieldError[] {
  if (annotation === undefined || profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const local = annotation.startsWith(LOCAL);
  const same = type === "Localhost" ? local : annotation === { Unconfined: "unconfined", RuntimeDefault: "runtime/default" }[type];
  if (!same && APPARMOR_TYPES.includes(type)) return [forbidden(`${field}.type`, "apparmor type in annotation and field must match")];
  if (type !== "Localhost" || localhostProfile === annotation.slice(LOCAL.length)) return [];
  return [forbidden(`${field}.localhostProfile`, "apparmor profile in annotation and field must match")];
}

/**
 * What says the same thing twice, by annotations and by fields, says it in the same way: a new pod, or a template. `field` is where the spec is.
 * Source: validateSeccompAnnotationsAndFields, validateAppArmorAnnotationsAndFieldsMatchOnCreate.
 */
export function validateAgreement(annotations: Annotations | undefined, spec: PodSpec, field: string): FieldError[] {
  if (annotations === undefined) return [];
  const { securityContext: common } = spec;
  const containers = containersOf(spec, field);
  const errors = [
    ...disagreement(annotations[SECCOMP_POD], common?.seccompProfile, `${field}.securityContext.seccompProfile`),
    ...containers.flatMap(([{ name, securityContext }, path]) =>
      disagreement(annotations[SECCOMP_CONTAINER + name], securityContext?.seccompProfile, `${path}.securityContext.seccompProfile`),
    ),
  ];
  if (spec.os?.name === "windows") return errors;
  return [
    ...errors,
    ...containers.flatMap(([{ name, securityContext }, path]) => {
      const profile = securityContext?.appArmorProfile ?? common?.appArmorProfile;
      return appArmorDisagreement(annotations[APPARMOR_CONTAINER + name], profile, `${path}.securityContext.appArmorProfile`);
    }),
  ];
}
