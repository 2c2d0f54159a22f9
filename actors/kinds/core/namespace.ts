import { invalid } from "../field-error.ts";
import { namedBy } from "../field-rules.ts";
import type { Namespace } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateStandardFinalizer } from "../metadata.ts";
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
  const finalizers = object.spec?.finalizers ?? [];
  return finalizers.flatMap((finalizer) => validateFinalizer(finalizer, "spec.finalizers"));
}

/** Of those that are left by the `finalize` door. Source: ValidateNamespaceFinalizeUpdate. */
export function validateLeftFinalizers({ spec }: Namespace): FieldError[] {
  return (spec?.finalizers ?? []).flatMap((finalizer, index) => validateFinalizer(finalizer, `spec.finalizers[${index}]`));
}

function validateFinalizer(finalizer: string, field: string): FieldError[] {
  return [...namedBy(qualifiedName, finalizer, field), ...validateStandardFinalizer(finalizer, field)];
}

/** Source: ValidateNamespaceStatusUpdate. */
function validateStatus({ metadata, status }: Namespace): FieldError[] {
  const going = metadata.deletionTimestamp !== undefined;
  const [phase, when] = going ? ["Terminating", "not empty"] : ["Active", "empty"];
  if (status?.phase === phase) return [];
  return [invalid("status.Phase", status?.phase ?? "", `may only be '${phase}' if \`deletionTimestamp\` is ${when}`)];
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
  returnsDeletedObject: true,
  applyDefaults,
  prepareForCreate: (object) => {
    const finalizers = object.spec?.finalizers ?? [];
    object.spec = {
      ...object.spec,
      finalizers: finalizers.includes(NAMESPACE_FINALIZER) ? finalizers : [...finalizers, NAMESPACE_FINALIZER],
    };
    object.status = { phase: "Active" };
  },
  prepareForStatusUpdate: (next) => {
    next.status = { ...next.status, phase: next.status?.phase || "Active" };
  },
  prepareForUpdate: (next, current) => {
    next.spec = { ...next.spec };
    if (current.spec.finalizers === undefined) delete next.spec.finalizers;
    else next.spec.finalizers = current.spec.finalizers;
    if (current.status !== undefined) next.status = current.status;
  },
  updateChecks: ["whole", "metadata"],
  nameRule: dnsLabel,
  validate,
  validateStatus,
  columns: [NAME_COLUMN, column("Status", "Active, or Terminating while its content is being deleted"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, object.status?.phase ?? "", ageOf(object, now_ms)],
  selectableFields: { "status.phase": (object) => object.status?.phase ?? "", name: (object) => object.metadata.name },
};
