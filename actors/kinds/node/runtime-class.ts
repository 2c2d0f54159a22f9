import { validateTolerations } from "../core/placement-validation.ts";
import { validateResourceQuantity } from "../core/resource-validation.ts";
import { defineKind } from "../define-kind.ts";
import { required } from "../field-error.ts";
import { immutable, namedBy } from "../field-rules.ts";
import type { RuntimeClass } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateLabels, validateObjectMeta } from "../metadata.ts";
import { dnsLabel, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";

/** Source: ValidateRuntimeClass. */
function validate({ metadata, handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const errors = validateObjectMeta(metadata, false, dnsSubdomain);
  errors.push(...(handler ? namedBy(dnsLabel, handler, "handler") : [required("handler")]));
  for (const [name, quantity] of Object.entries(overhead?.podFixed ?? {})) {
    errors.push(...validateResourceQuantity(name, quantity, `overhead.podFixed[${name}]`));
  }
  return [
    ...errors,
    ...validateLabels(scheduling?.nodeSelector, "scheduling.nodeSelector"),
    ...validateTolerations(scheduling?.tolerations, "scheduling.tolerations"),
  ];
}

export const RuntimeClassKind: Kind<RuntimeClass> = defineKind<RuntimeClass>({
  group: "node.k8s.io",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  namespaced: false,
  validate,
  validateUpdate: (next, current) => immutable(next.handler, current.handler, "handler"),
  columns: [NAME_COLUMN, column("Handler", "What runs its containers"), AGE_COLUMN],
  cells: (runtime, now_ms) => [runtime.metadata.name, runtime.handler ?? "", ageOf(runtime, now_ms)],
});
