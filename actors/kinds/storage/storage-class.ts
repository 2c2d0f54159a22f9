import { defineKind } from "../define-kind.ts";
import { invalid, required, tooLong } from "../field-error.ts";
import { immutable, namedBy, oneOf, requiredOneOf, unchanged } from "../field-rules.ts";
import type { StorageClass } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain, labelValue, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";

const RECLAIM_POLICIES: readonly string[] = ["Delete", "Retain"];
const BINDING_MODES: readonly string[] = ["Immediate", "WaitForFirstConsumer"];
const PARAMETERS_MAX = 512;
const PARAMETERS_BYTES_MAX: number = 256 * 1024;
const DEFAULT_ANNOTATIONS = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/** Whether claims that name no class get this one. Source: storage/util.IsDefaultAnnotation. */
export function isDefaultClass({ metadata }: Pick<StorageClass, "metadata">): boolean {
  return DEFAULT_ANNOTATIONS.some((name) => metadata.annotations?.[name] === "true");
}

/** The settings that a driver is handed. */
export function validateParameters(parameters: Readonly<Record<string, string>>, field: string): FieldError[] {
  const entries = Object.entries(parameters);
  const errors: FieldError[] = [];
  if (entries.length > PARAMETERS_MAX) errors.push(tooLong("Provisioner Parameters exceeded max allowed", PARAMETERS_MAX));
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === "") errors.push(invalid(field, key, "field can not be empty."));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > PARAMETERS_BYTES_MAX) errors.push(tooLong(field, PARAMETERS_BYTES_MAX));
  return errors;
}

function validateTopologies({ allowedTopologies = [] }: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { matchLabelExpressions = [] }] of allowedTopologies.entries()) {
    for (const [at, { key, values = [] }] of matchLabelExpressions.entries()) {
      const field = `allowedTopologies[${index}].matchLabelExpressions[${at}]`;
      if (values.length === 0) errors.push(required(`${field}.values`));
      for (const [place, value] of values.entries()) {
        errors.push(...labelValue(value).map((message) => invalid(`${field}.values[${place}]`, value, message)));
      }
      errors.push(...namedBy(qualifiedName, key, `${field}.key`));
    }
  }
  return errors;
}

/** Source: ValidateStorageClass. */
function validate(storage: StorageClass): FieldError[] {
  const { metadata, provisioner, parameters = {}, reclaimPolicy, volumeBindingMode } = storage;
  const named = provisioner
    ? qualifiedName(provisioner.toLowerCase()).map((message) => invalid("provisioner", provisioner, message))
    : [required("provisioner")];
  return [
    ...validateObjectMeta(metadata, false, dnsSubdomain),
    ...named,
    ...validateParameters(parameters, "parameters"),
    ...oneOf(reclaimPolicy || undefined, RECLAIM_POLICIES, "reclaimPolicy"),
    ...requiredOneOf(volumeBindingMode, BINDING_MODES, "volumeBindingMode"),
    ...validateTopologies(storage),
  ];
}

export const StorageClassKind: Kind<StorageClass> = defineKind<StorageClass>({
  group: "storage.k8s.io",
  kind: "StorageClass",
  plural: "storageclasses",
  shortNames: ["sc"],
  namespaced: false,
  returnsDeletedObject: true,
  applyDefaults: (storage) => {
    storage.reclaimPolicy ??= "Delete";
    storage.volumeBindingMode ??= "Immediate";
  },
  validate,
  validateUpdate: (next, current) => [
    ...unchanged(next.parameters, current.parameters, "parameters", "updates to parameters are forbidden."),
    ...unchanged(next.provisioner, current.provisioner, "provisioner", "updates to provisioner are forbidden."),
    ...unchanged(next.reclaimPolicy, current.reclaimPolicy, "reclaimPolicy", "updates to reclaimPolicy are forbidden."),
    ...immutable(next.volumeBindingMode, current.volumeBindingMode, "volumeBindingMode"),
  ],
  columns: [
    NAME_COLUMN,
    column("Provisioner", "Who makes its volumes"),
    column("ReclaimPolicy", "What becomes of a volume when its claim is gone"),
    column("VolumeBindingMode", "When a claim gets its volume"),
    column("AllowVolumeExpansion", "Whether claims may grow"),
    AGE_COLUMN,
  ],
  cells: (storage, now_ms) => [
    isDefaultClass(storage) ? `${storage.metadata.name} (default)` : storage.metadata.name,
    storage.provisioner ?? "",
    storage.reclaimPolicy ?? "Delete",
    storage.volumeBindingMode ?? "Immediate",
    storage.allowVolumeExpansion ?? false,
    ageOf(storage, now_ms),
  ],
});
