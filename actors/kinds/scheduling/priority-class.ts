import { forbidden, invalid, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { PriorityClass } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

/** Above this only the system's own classes may be. */
export const USER_PRIORITY_MAX = 1_000_000_000;
const SYSTEM_PREFIX = "system-";
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};
const POLICIES: readonly string[] = ["PreemptLowerPriority", "Never"];

/** Source: IsKnownSystemPriorityClass. */
function wrongSystemClass({ metadata: { name }, value, globalDefault }: PriorityClass): string | undefined {
  const known = SYSTEM_CLASSES[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (known !== value) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault === true ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function validate(object: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  const { value, preemptionPolicy } = object;
  const { name } = object.metadata;
  if (name?.startsWith(SYSTEM_PREFIX)) {
    const wrong = wrongSystemClass(object);
    if (wrong !== undefined) {
      const words = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${wrong}`;
      errors.push(forbidden("metadata.name", words));
    }
  } else if (value > USER_PRIORITY_MAX) {
    errors.push(forbidden("value", `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`));
  }
  if (preemptionPolicy === "") errors.push(required("preemptionPolicy"));
  else errors.push(...oneOf(preemptionPolicy, POLICIES, "preemptionPolicy"));
  return errors;
}

export const PriorityClassKind: Kind<PriorityClass> = {
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  singular: "priorityclass",
  shortNames: ["pc"],
  categories: [],
  namespaced: false,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.scheduling.v1.PriorityClass",
  tracksGeneration: true,
  generationChanges: () => false,
  applyDefaults: (object) => {
    object.preemptionPolicy ??= "PreemptLowerPriority";
  },
  updateChecks: ["metadata", "changes"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) => {
    const errors: FieldError[] = [];
    if (next.value !== current.value) errors.push(forbidden("value", "may not be changed in an update."));
    if (next.preemptionPolicy !== current.preemptionPolicy) {
      errors.push(invalid("preemptionPolicy", next.preemptionPolicy ?? null, "field is immutable"));
    }
    return errors;
  },
  columns: [
    NAME_COLUMN,
    column("Value", "The priority of the class's pods", "integer"),
    column("Global-Default", "Whether pods without a class are of this one", "boolean"),
    AGE_COLUMN,
    column("PreemptionPolicy", "Whether pods of the class may push others out"),
  ],
  cells: (object, now_ms) => [
    object.metadata.name,
    object.value,
    object.globalDefault ?? false,
    ageOf(object, now_ms),
    object.preemptionPolicy ?? "",
  ],
  selectableFields: {},
};
