/** Where a pod may run: tolerations, affinity, spreading. Source: validateTolerations, validateAffinity, ... of pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import type {
  Affinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "../generated/types.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";

export const TAINT_EFFECTS: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function validateKey(key: string, field: string): FieldError[] {
  return qualifiedName(key).map((message) => invalid(field, key, message));
}

export function validateTolerations(tolerations: readonly Toleration[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, toleration] of (tolerations ?? []).entries()) {
    const path = `${field}[${index}]`;
    const { key = "", operator = "", value = "", effect = "", tolerationSeconds } = toleration;
    if (key !== "") errors.push(...validateKey(key, `${path}.key`));
    if (key === "" && operator !== "Exists") {
      const words = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(`${path}.operator`, operator, words));
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      errors.push(invalid(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === "" || operator === "Equal") {
      const wrong = labelValue(value);
      if (wrong.length > 0) errors.push(invalid(`${path}.operator`, value, wrong.join(";")));
    } else if (operator === "Exists") {
      if (value !== "") errors.push(invalid(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else errors.push(notSupported(`${path}.operator`, operator, ["Equal", "Exists"]));
    if (effect !== "" && !TAINT_EFFECTS.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, TAINT_EFFECTS));
  }
  return errors;
}

const ACTIONS: readonly string[] = ["DoNotSchedule", "ScheduleAnyway"];
const INCLUSION: readonly string[] = ["Honor", "Ignore"];

/** Labels of the pod itself that narrow a selector down. Source: ValidateMatchLabelKeysAndMismatchLabelKeys. */
function validateOwnLabels(
  {
    labelSelector,
    matchLabelKeys = [],
    mismatchLabelKeys = [],
  }: Pick<PodAffinityTerm, "labelSelector" | "matchLabelKeys" | "mismatchLabelKeys">,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, keys] of Object.entries({ matchLabelKeys, mismatchLabelKeys })) {
    if (keys.length === 0) continue;
    if (labelSelector === undefined) errors.push(forbidden(`${field}.${name}`, "must not be specified when labelSelector is not set"));
    else errors.push(...keys.flatMap((key, index) => validateKey(key, `${field}.${name}[${index}]`)));
  }
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key);
    if (index >= 0 && selected.has(key)) errors.push(invalid(`${field}[${index}]`, key, "exists in both matchLabelKeys and labelSelector"));
    selected.add(key);
  }
  for (const [index, key] of matchLabelKeys.entries()) {
    if (!mismatchLabelKeys.includes(key)) continue;
    errors.push(invalid(`${field}.matchLabelKeys[${index}]`, key, "exists in both matchLabelKeys and mismatchLabelKeys"));
  }
  return errors;
}

export function validateTopologySpread(constraints: readonly TopologySpreadConstraint[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, constraint] of (constraints ?? []).entries()) {
    const path = `${field}[${index}]`;
    const { maxSkew = 0, topologyKey = "", whenUnsatisfiable = "", minDomains } = constraint;
    if (maxSkew <= 0) errors.push(invalid(`${path}.maxSkew`, maxSkew, "must be greater than zero"));
    if (topologyKey === "") errors.push(required(`${path}.topologyKey`, "can not be empty"));
    if (!ACTIONS.includes(whenUnsatisfiable)) errors.push(notSupported(`${path}.whenUnsatisfiable`, whenUnsatisfiable, ACTIONS));
    const same = (other: TopologySpreadConstraint): boolean =>
      other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable;
    if (constraints?.slice(index + 1).some(same)) {
      errors.push(duplicate(`${path}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`));
    }
    if (minDomains !== undefined) {
      if (minDomains <= 0) errors.push(invalid(`${path}.minDomains`, minDomains, "must be greater than zero"));
      if (whenUnsatisfiable !== "DoNotSchedule") {
        const words = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        errors.push(invalid(`${path}.minDomains`, minDomains, words));
      }
    }
    for (const name of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      const policy = constraint[name];
      if (policy !== undefined && !INCLUSION.includes(policy)) errors.push(notSupported(`${path}.${name}`, policy, INCLUSION));
    }
    errors.push(...validateOwnLabels(constraint, path));
    errors.push(...validateLabelSelector(constraint.labelSelector, `${path}.labelSelector`));
  }
  return errors;
}

/** `anyValue`: what is only preferred may name values that no label can have. */
export function validateNodeRequirement(requirement: NodeSelectorRequirement, field: string, anyValue = false): FieldError[] {
  const errors: FieldError[] = [];
  const { key, operator, values = [] } = requirement;
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) errors.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) errors.push(forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1) errors.push(required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else errors.push(invalid(`${field}.operator`, operator, "not a valid selector operator"));
  errors.push(...validateKey(key, `${field}.key`));
  if (anyValue) return errors;
  for (const [index, value] of values.entries()) {
    for (const message of labelValue(value)) errors.push(invalid(`${field}.values[${index}]`, value, message));
  }
  return errors;
}

function validateNodeTerm(term: NodeSelectorTerm, field: string, anyValue = false): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) {
    errors.push(...validateNodeRequirement(requirement, `${field}.matchExpressions[${index}]`, anyValue));
  }
  for (const [index, requirement] of (term.matchFields ?? []).entries()) {
    const path = `${field}.matchFields[${index}]`;
    const { key, operator, values = [] } = requirement;
    if (operator !== "In" && operator !== "NotIn") errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
    else if (values.length !== 1)
      errors.push(required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
    if (key !== "metadata.name") errors.push(invalid(`${path}.key`, key, "not a valid field selector key"));
    else errors.push(...values.flatMap((value, at) => dnsSubdomain(value).map((words) => invalid(`${path}.values[${at}]`, value, words))));
  }
  return errors;
}

/** The terms of a node selector, one of which must hold. */
export function validateNodeTerms(terms: readonly NodeSelectorTerm[] | undefined, field: string): FieldError[] {
  if (terms === undefined || terms.length === 0) return [required(field, "must have at least one node selector term")];
  return terms.flatMap((term, index) => validateNodeTerm(term, `${field}[${index}]`));
}

function validatePodTerm(term: PodAffinityTerm, field: string): FieldError[] {
  const errors = validateLabelSelector(term.labelSelector, `${field}.labelSelector`);
  errors.push(...validateLabelSelector(term.namespaceSelector, `${field}.namespaceSelector`));
  for (const name of term.namespaces ?? []) {
    errors.push(...dnsLabel(name).map((message) => invalid(`${field}.namespace`, name, message)));
  }
  errors.push(...validateOwnLabels(term, field));
  const { topologyKey = "" } = term;
  if (topologyKey === "") errors.push(required(`${field}.topologyKey`, "can not be empty"));
  return [...errors, ...validateKey(topologyKey, `${field}.topologyKey`)];
}

function validateWeight(weight: number | undefined, field: string): FieldError[] {
  return weight !== undefined && weight >= 1 && weight <= 100
    ? []
    : [invalid(`${field}.weight`, weight ?? 0, "must be in the range 1-100")];
}

export function validateAffinity(affinity: Affinity | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const node = affinity?.nodeAffinity;
  if (node?.requiredDuringSchedulingIgnoredDuringExecution !== undefined) {
    const path = `${field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    errors.push(...validateNodeTerms(node.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms, path));
  }
  for (const [index, term] of (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const path = `${field}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    if (term.weight < 1 || term.weight > 100) errors.push(invalid(`${path}.weight`, term.weight, "must be in the range 1-100"));
    errors.push(...validateNodeTerm(term.preference ?? {}, `${path}.preference`, true));
  }
  for (const name of ["podAffinity", "podAntiAffinity"] as const) {
    const pods = affinity?.[name];
    for (const [index, term] of (pods?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      errors.push(...validatePodTerm(term, `${field}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`));
    }
    for (const [index, term] of (pods?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const path = `${field}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      errors.push(...validateWeight(term.weight, path), ...validatePodTerm(term.podAffinityTerm, `${path}.podAffinityTerm`));
    }
  }
  return errors;
}
