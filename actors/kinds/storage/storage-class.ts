import { deprecatedLabel } from "../core/node-labels.ts";
import { defineKind } from "../define-kind.ts";
import { duplicate, invalid, required, tooLong } from "../field-error.ts";
import { immutable, oneOf, unchanged } from "../field-rules.ts";
import type { StorageClass, TopologySelectorLabelRequirement } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain, qualifiedName } from "../names.ts";
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
  if (entries.length > PARAMETERS_MAX) return [tooLong(field, PARAMETERS_MAX)];
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === "") errors.push(invalid(field, key, "field can not be empty."));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > PARAMETERS_BYTES_MAX) errors.push(tooLong(field, PARAMETERS_BYTES_MAX));
  return errors;
}

function validateTerm({ key, values = [] }: TopologySelectorLabelRequirement, field: string): FieldError[] {
  const again = values.flatMap((value, place) => (values.indexOf(value) < place ? [duplicate(`${field}.values[${place}]`, value)] : []));
  return [
    ...(values.length === 0 ? [required(`${field}.values`)] : []),
    ...again,
    ...qualifiedName(key).map((message) => invalid(`${field}.key`, key, message)),
  ];
}

/** Kubernetes compares each topology with as many empty ones as there are, and with those before it. Source: validateAllowedTopologies. */
function validateTopologies({ allowedTopologies = [] }: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  const seen: string[] = allowedTopologies.map(() => "[]");
  for (const [index, { matchLabelExpressions = [] }] of allowedTopologies.entries()) {
    const field = `allowedTopologies[${index}].matchLabelExpressions`;
    const terms = new Map<string, readonly string[]>();
    for (const [at, term] of matchLabelExpressions.entries()) {
      errors.push(...validateTerm(term, `${field}[${at}]`));
      if (terms.has(term.key)) errors.push(duplicate(`${field}[${at}].key`, term.key));
      terms.set(term.key, [...new Set(term.values)].sort());
    }
    const text = JSON.stringify([...terms].sort(([a], [b]) => (a < b ? -1 : 1)));
    errors.push(...seen.filter((other) => other === text).map(() => duplicate(field, "")));
    seen.push(text);
  }
  return errors;
}

/** Source: validateProvisioner. */
export function validateProvisioner(name: string | undefined, field: string): FieldError[] {
  return name ? qualifiedName(name.toLowerCase()).map((message) => invalid(field, name.toLowerCase(), message)) : [required(field)];
}

/** Source: ValidateStorageClass. */
function validate(storage: StorageClass): FieldError[] {
  const { provisioner, parameters = {}, reclaimPolicy, volumeBindingMode } = storage;
  return [
    ...validateProvisioner(provisioner, "provisioner"),
    ...validateParameters(parameters, "parameters"),
    ...oneOf(reclaimPolicy || undefined, RECLAIM_POLICIES, "reclaimPolicy"),
    ...oneOf(volumeBindingMode, BINDING_MODES, "volumeBindingMode"),
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
  updateChecks: ["whole", "metadata", "changes"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) => [
    ...unchanged(next.parameters, current.parameters, "parameters", "updates to parameters are forbidden."),
    ...unchanged(next.provisioner, current.provisioner, "provisioner", "updates to provisioner are forbidden."),
    ...unchanged(next.reclaimPolicy, current.reclaimPolicy, "reclaimPolicy", "updates to reclaimPolicy are forbidden."),
    ...immutable(next.volumeBindingMode, current.volumeBindingMode, "volumeBindingMode"),
  ],
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, index) =>
      matchLabelExpressions.flatMap(({ key }, at) => {
        const words = deprecatedLabel(key);
        return words === undefined ? [] : [`allowedTopologies[${index}].matchLabelExpressions[${at}].key: ${words}`];
      }),
    ),
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
