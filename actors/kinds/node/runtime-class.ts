import { labelWarnings } from "../core/node-labels.ts";
import { validateTolerations } from "../core/placement-validation.ts";
import { validateResources } from "../core/resource-validation.ts";
import { defineKind } from "../define-kind.ts";
import { duplicate, invalid } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { RuntimeClass, Toleration } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { validateLabels } from "../metadata.ts";
import { dnsLabel, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";

/** A toleration is there once. Kubernetes prints the internal type, which has no other names. */
function repeatedTolerations(tolerations: readonly Toleration[]): FieldError[] {
  const keys = tolerations.map(({ key = "", operator = "", value = "", effect = "" }) => JSON.stringify([key, operator, value, effect]));
  return tolerations.flatMap((toleration, index) => {
    const again = keys.indexOf(keys[index] ?? "") < index;
    return again ? [duplicate(`scheduling.tolerations[${index}]`, internalForm("Toleration", toleration))] : [];
  });
}

/** Source: ValidateRuntimeClass. */
function validate({ handler = "", overhead, scheduling }: RuntimeClass): FieldError[] {
  const { nodeSelector, tolerations = [] } = scheduling ?? {};
  return [
    ...dnsLabel(handler).map((words) => invalid("handler", handler, words)),
    ...validateResources(overhead?.podFixed === undefined ? undefined : { limits: overhead.podFixed }, new Set(), "overhead"),
    ...validateLabels(nodeSelector, "scheduling.nodeSelector"),
    ...validateTolerations(tolerations, "scheduling.tolerations.tolerations"),
    ...repeatedTolerations(tolerations),
  ];
}

export const RuntimeClassKind: Kind<RuntimeClass> = defineKind<RuntimeClass>({
  group: "node.k8s.io",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  namespaced: false,
  updatesNameRevision: true,
  createsOnUpdate: true,
  updateChecks: ["whole", "metadata", "changes"],
  anyFinalizer: true,
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) => immutable(next.handler, current.handler, "handler"),
  warnings: ({ scheduling }) => labelWarnings(scheduling?.nodeSelector, () => "scheduling.nodeSelector"),
  columns: [NAME_COLUMN, column("Handler", "What runs its containers"), AGE_COLUMN],
  cells: (runtime, now_ms) => [runtime.metadata.name, runtime.handler ?? "", ageOf(runtime, now_ms)],
});
