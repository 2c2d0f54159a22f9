/** What of a pod may change after its creation. Source: ValidatePodUpdate of pkg/apis/core/validation. */
import { forbidden, invalid, required } from "../field-error.ts";
import type { Affinity, Container, NodeSelectorTerm, Pod, PodSpec } from "../generated/types.ts";
import { internalDiff, internalForm } from "../internal-form.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { rangeWords } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateTolerations } from "./placement-validation.ts";
import { validatePodAnnotationUpdate } from "./pod-annotations.ts";
import { INT32_MAX } from "./pod-validation.ts";

const UPDATABLE = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/** Old tolerations stay; only how long one holds may change. */
function validateAddedTolerations(next: PodSpec, current: PodSpec, field: string): FieldError[] {
  for (const old of current.tolerations ?? []) {
    const kept = next.tolerations?.some((one) => semanticEqual({ ...one, tolerationSeconds: 0 }, { ...old, tolerationSeconds: 0 }));
    if (!kept) return [forbidden(field, "existing toleration can not be modified except its tolerationSeconds")];
  }
  return validateTolerations(next.tolerations, field);
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

/** Images may change, to images. */
function validateImages(containers: readonly Container[] | undefined, field: string): FieldError[] {
  return (containers ?? []).flatMap(({ image = "" }, index) => {
    const path = `${field}[${index}].image`;
    if (image === "") return [required(path)];
    return image.trim() === image ? [] : [invalid(path, image, "must not have leading or trailing whitespace")];
  });
}

function onlyAddsTo(next: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const { matchExpressions = [], matchFields = [] } = old;
  const [expressions = [], fields = []] = [next.matchExpressions, next.matchFields];
  if (matchExpressions.length === 0 && matchFields.length === 0 && (expressions.length > 0 || fields.length > 0)) return false;
  return (
    semanticEqual(expressions.slice(0, matchExpressions.length), matchExpressions) &&
    semanticEqual(fields.slice(0, matchFields.length), matchFields)
  );
}

/** A pod that is gated may be narrowed down. Source: validateNodeSelectorMutation, validateNodeAffinityMutation. */
function validateNarrowed(next: PodSpec, current: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const narrowed = Object.entries(current.nodeSelector ?? {}).every(([key, value]) => next.nodeSelector?.[key] === value);
  if (!narrowed) {
    const words = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
    errors.push(invalid("spec.nodeSelector", next.nodeSelector ?? null, words));
  }
  const old = current.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const terms = next.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const field = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  if (old.length > 0 && old.length !== terms.length) {
    const shown = terms.length === 0 ? null : internalForm("NodeSelectorTerm", terms);
    return [...errors, invalid(field, shown, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")];
  }
  for (const [index, before] of old.entries()) {
    const term = terms[index];
    if (term === undefined || onlyAddsTo(term, before)) continue;
    const shown = internalForm("NodeSelectorTerm", term);
    errors.push(invalid(`${field}[${index}]`, shown, "only additions are allowed (no mutations or deletions)"));
  }
  return errors;
}

function withImagesOf(containers: readonly Container[] | undefined, other: readonly Container[] | undefined): Container[] {
  return (containers ?? []).map((container, index) => {
    const image = other?.[index]?.image;
    return image === undefined ? container : { ...container, image };
  });
}

/** The affinity with what it says of nodes as it was. */
function withNodeAffinityOf(next: PodSpec, current: PodSpec): Affinity | undefined {
  const [affinity, old] = [next.affinity, current.affinity?.nodeAffinity];
  if (semanticEqual(affinity?.nodeAffinity, old)) return affinity;
  if (affinity === undefined) return old === undefined ? undefined : { nodeAffinity: old };
  if (current.affinity === undefined && affinity.podAffinity === undefined && affinity.podAntiAffinity === undefined) return undefined;
  const { nodeAffinity: _next, ...pods } = affinity;
  return old === undefined ? pods : { ...pods, nodeAffinity: old };
}

/** The next spec with everything that may change put back to what it was. */
function munged(next: PodSpec, current: PodSpec): PodSpec {
  const back: PodSpec = { ...next, containers: withImagesOf(next.containers, current.containers) };
  if ((next.initContainers?.length ?? 0) > 0) back.initContainers = withImagesOf(next.initContainers, current.initContainers);
  else delete back.initContainers;
  const put = <K extends keyof PodSpec>(name: K, value: PodSpec[K] | undefined): void => {
    if (value === undefined) delete back[name];
    else back[name] = value;
  };
  put("activeDeadlineSeconds", current.activeDeadlineSeconds);
  put("tolerations", current.tolerations);
  put("schedulingGates", current.schedulingGates);
  const grace_s = current.terminationGracePeriodSeconds;
  if (grace_s !== undefined && grace_s < 0 && next.terminationGracePeriodSeconds === 1) put("terminationGracePeriodSeconds", grace_s);
  if ((current.schedulingGates?.length ?? 0) > 0) {
    if (!semanticEqual(next.nodeSelector, current.nodeSelector)) put("nodeSelector", current.nodeSelector);
    put("affinity", withNodeAffinityOf(next, current));
  }
  return back;
}

export function validatePodUpdate(next: Pod, current: Pod): FieldError[] {
  const errors = validatePodAnnotationUpdate(next.metadata.annotations, current.metadata.annotations);
  for (const name of ["containers", "initContainers"] as const) {
    const field = `spec.${name}`;
    if ((next.spec[name]?.length ?? 0) !== (current.spec[name]?.length ?? 0)) {
      return [...errors, forbidden(field, "pod updates may not add or remove containers")];
    }
    errors.push(...validateImages(next.spec[name], field));
  }
  const deadline = validateDeadline(next.spec.activeDeadlineSeconds, current.spec.activeDeadlineSeconds, "spec.activeDeadlineSeconds");
  errors.push(...deadline);
  if (deadline.length > 0 && next.spec.activeDeadlineSeconds !== undefined) return errors;
  errors.push(
    ...validateAddedTolerations(next.spec, current.spec, "spec.tolerations"),
    ...validateDeletedGates(next.spec, current.spec, "spec.schedulingGates"),
  );
  if (semanticEqual(next.spec, current.spec)) return errors;
  if ((current.spec.schedulingGates?.length ?? 0) > 0) errors.push(...validateNarrowed(next.spec, current.spec));
  const back = munged(next.spec, current.spec);
  if (!semanticEqual(back, current.spec)) {
    const diff = internalDiff("PodSpec", current.spec, back);
    errors.push(forbidden("spec", `pod updates may not change fields other than ${UPDATABLE}\n${diff}`));
  }
  return errors;
}
