/** What of a pod may change after its creation. Source: ValidatePodUpdate of pkg/apis/core/validation. */
import { forbidden, invalid } from "../field-error.ts";
import type { Container, Pod, PodSpec, Toleration } from "../generated/types.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { rangeWords } from "../names.ts";
import type { FieldError } from "../status.ts";
import { INT32_MAX } from "./pod-validation.ts";

const UPDATABLE = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

function tolerationWithoutSeconds(toleration: Toleration): Toleration {
  const { tolerationSeconds: _seconds, ...rest } = toleration;
  return rest;
}

/** Old tolerations stay; only how long a NoExecute one holds may change. */
function validateAddedTolerations(next: PodSpec, current: PodSpec, field: string): FieldError[] {
  for (const old of current.tolerations ?? []) {
    const kept = next.tolerations?.some((one) =>
      old.effect === "NoExecute" ? semanticEqual(tolerationWithoutSeconds(one), tolerationWithoutSeconds(old)) : semanticEqual(one, old),
    );
    if (!kept) return [forbidden(field, "existing toleration can not be modified except its tolerationSeconds")];
  }
  return [];
}

function validateDeletedGates(next: PodSpec, current: PodSpec, field: string): FieldError[] {
  const known = new Set((current.schedulingGates ?? []).map((gate) => gate.name));
  const errors: FieldError[] = [];
  for (const [index, gate] of (next.schedulingGates ?? []).entries()) {
    if (!known.has(gate.name)) {
      errors.push(forbidden(`${field}[${index}].name`, `only deletion is allowed, but found new scheduling gate '${gate.name}'`));
    }
  }
  return errors;
}

function validateDeadline(next: number | undefined, current: number | undefined, field: string): FieldError[] {
  if (next === undefined)
    return current === undefined ? [] : [invalid(field, null, "must not update from a positive integer to nil value")];
  if (next < 0 || next > INT32_MAX) return [invalid(field, next, rangeWords(0, INT32_MAX))];
  return current !== undefined && current < next ? [invalid(field, next, "must be less than or equal to previous value")] : [];
}

function withImagesOf(containers: readonly Container[] | undefined, other: readonly Container[] | undefined): Container[] {
  return (containers ?? []).map((container, index) => {
    const image = other?.[index]?.image;
    return image === undefined ? container : { ...container, image };
  });
}

/** The next spec with everything that may change put back to what it was. */
function munged(next: PodSpec, current: PodSpec): PodSpec {
  const back: PodSpec = {
    ...next,
    containers: withImagesOf(next.containers, current.containers),
    initContainers: withImagesOf(next.initContainers, current.initContainers),
  };
  const keep = <K extends keyof PodSpec>(name: K): void => {
    if (current[name] === undefined) delete back[name];
    else back[name] = current[name];
  };
  keep("activeDeadlineSeconds");
  keep("tolerations");
  keep("schedulingGates");
  if (
    current.terminationGracePeriodSeconds !== undefined &&
    current.terminationGracePeriodSeconds < 0 &&
    next.terminationGracePeriodSeconds === 1
  ) {
    keep("terminationGracePeriodSeconds");
  }
  // A pod that is gated may be narrowed down.
  if ((current.schedulingGates?.length ?? 0) > 0) {
    const narrowed = Object.entries(current.nodeSelector ?? {}).every(([key, value]) => next.nodeSelector?.[key] === value);
    if (narrowed) keep("nodeSelector");
    if (current.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution === undefined) keep("affinity");
  }
  return back;
}

export function validatePodUpdate(next: Pod, current: Pod): FieldError[] {
  for (const name of ["containers", "initContainers"] as const) {
    if ((next.spec[name]?.length ?? 0) !== (current.spec[name]?.length ?? 0)) {
      return [forbidden(`spec.${name}`, "pod updates may not add or remove containers")];
    }
  }
  const deadline = validateDeadline(next.spec.activeDeadlineSeconds, current.spec.activeDeadlineSeconds, "spec.activeDeadlineSeconds");
  if (deadline.length > 0 && next.spec.activeDeadlineSeconds !== undefined) return deadline;
  const errors = [
    ...deadline,
    ...validateAddedTolerations(next.spec, current.spec, "spec.tolerations"),
    ...validateDeletedGates(next.spec, current.spec, "spec.schedulingGates"),
  ];
  if (!semanticEqual(munged(next.spec, current.spec), current.spec)) {
    errors.push(forbidden("spec", `pod updates may not change fields other than ${UPDATABLE}`));
  }
  return errors;
}
