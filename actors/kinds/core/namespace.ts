import { invalid } from "../field-error.ts";
import type { Namespace } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsLabel, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";

/** The finalizer in `spec.finalizers` that the namespace controller removes when the namespace is empty. */
export const NAMESPACE_FINALIZER = "kubernetes";
const NAME_LABEL = "kubernetes.io/metadata.name";

/** Every namespace has a label with its name, so that selectors of namespaces can name one. Source: SetDefaults_Namespace. */
function applyDefaults(object: Namespace): void {
  const { name, labels } = object.metadata;
  if (name !== "" && name !== undefined && labels?.[NAME_LABEL] !== name) {
    Object.assign(object, { metadata: { ...object.metadata, labels: { ...labels, [NAME_LABEL]: name } } });
  }
}

function validate(object: Namespace): FieldError[] {
  const errors = validateObjectMeta(object.metadata, false, dnsLabel);
  for (const [index, finalizer] of (object.spec?.finalizers ?? []).entries()) {
    const field = `spec.finalizers[${index}]`;
    for (const message of qualifiedName(finalizer)) errors.push(invalid(field, finalizer, message));
    if (!finalizer.includes("/") && finalizer !== NAMESPACE_FINALIZER) {
      errors.push(invalid(field, finalizer, "name is neither a standard finalizer name nor is it fully qualified"));
    }
  }
  return errors;
}

export const NamespaceKind: Kind<Namespace> = {
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  categories: [],
  namespaced: false,
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  subresources: [{ name: "finalize", verbs: ["update"] }, STATUS],
  schema: "io.k8s.api.core.v1.Namespace",
  applyDefaults,
  prepareForCreate: (object) => {
    const finalizers = object.spec?.finalizers ?? [];
    object.spec = {
      ...object.spec,
      finalizers: finalizers.includes(NAMESPACE_FINALIZER) ? finalizers : [...finalizers, NAMESPACE_FINALIZER],
    };
    object.status = { phase: "Active" };
  },
  prepareForUpdate: (next, current) => {
    next.spec = { ...next.spec };
    if (current.spec.finalizers === undefined) delete next.spec.finalizers;
    else next.spec.finalizers = current.spec.finalizers;
    if (current.status !== undefined) next.status = current.status;
  },
  validate,
  columns: [NAME_COLUMN, column("Status", "Active, or Terminating while its content is being deleted"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, object.status?.phase ?? "", ageOf(object, now_ms)],
  selectableFields: { "status.phase": (object) => object.status?.phase ?? "" },
};
