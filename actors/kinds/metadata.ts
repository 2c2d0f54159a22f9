/** The rules for metadata that all kinds share. Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go. */
import { forbidden, invalid, required, tooLong } from "./field-error.ts";
import type { NameRule } from "./names.ts";
import { asPrefix, dnsLabel, labelValue, qualifiedName } from "./names.ts";
import type { ObjectMeta, OwnerReference } from "./object.ts";
import type { FieldError } from "./status.ts";

export const ANNOTATIONS_BYTES_MAX: number = 256 * 1024;

const IMMUTABLE = "field is immutable";
const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key in labels) {
    const value = labels[key] ?? "";
    for (const message of qualifiedName(key)) errors.push(invalid(field, key, message));
    for (const message of labelValue(value)) errors.push(invalid(field, value, message));
  }
  return errors;
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const key in annotations) {
    for (const message of qualifiedName(key.toLowerCase())) errors.push(invalid(field, key, message));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? "");
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) errors.push(tooLong(field, ANNOTATIONS_BYTES_MAX));
  return errors;
}

function validateOwnerReference(owner: OwnerReference, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const parts = (owner.apiVersion ?? "").split("/");
  const version = parts.length > 2 ? "" : (parts.at(-1) ?? "");
  if (version === "") errors.push(invalid(`${field}.apiVersion`, owner.apiVersion ?? "", "version must not be empty"));
  if (!owner.kind) errors.push(invalid(`${field}.kind`, owner.kind ?? "", "must not be empty"));
  if (!owner.name) errors.push(invalid(`${field}.name`, owner.name ?? "", "must not be empty"));
  if (!owner.uid) errors.push(invalid(`${field}.uid`, owner.uid ?? "", "must not be empty"));
  if (owner.apiVersion === "v1" && owner.kind === "Event") {
    errors.push(invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner"));
  }
  return errors;
}

export function validateOwnerReferences(owners: readonly OwnerReference[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let controller = "";
  for (const owner of owners ?? []) {
    errors.push(...validateOwnerReference(owner, field));
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller !== "") {
      const words = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalid(field, owners, words));
    } else controller = name;
  }
  return errors;
}

export function validateFinalizers(finalizers: readonly string[] | undefined, field: string): FieldError[] {
  if (finalizers === undefined || finalizers.length === 0) return [];
  const errors = finalizers.flatMap((name) => qualifiedName(name).map((message) => invalid(field, name, message)));
  if (finalizers.includes(ORPHAN) && finalizers.includes(FOREGROUND)) {
    errors.push(invalid(field, finalizers, `finalizer ${ORPHAN} and ${FOREGROUND} cannot be both set`));
  }
  return errors;
}

/** The finalizers that need no domain. Source: core/helper.IsStandardFinalizerName. */
const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(["kubernetes", ORPHAN, FOREGROUND]);

/** Source: validateKubeFinalizerName of pkg/apis/core/validation. */
export function validateStandardFinalizer(name: string, field: string): FieldError[] {
  if (name.includes("/") || STANDARD_FINALIZERS.has(name)) return [];
  return [invalid(field, name, "name is neither a standard finalizer name nor is it fully qualified")];
}

/** The metadata of a new object, after name generation. `rule` is the format of the kind's names. */
export function validateObjectMeta(metadata: Partial<ObjectMeta>, namespaced: boolean, rule: NameRule, field = "metadata"): FieldError[] {
  const errors: FieldError[] = [];
  const { name = "", generateName = "", namespace = "", generation = 0 } = metadata;
  if (generateName !== "") {
    for (const message of asPrefix(rule, generateName)) errors.push(invalid(`${field}.generateName`, generateName, message));
  }
  if (name === "") errors.push(required(`${field}.name`, "name or generateName is required"));
  else for (const message of rule(name)) errors.push(invalid(`${field}.name`, name, message));
  if (namespaced) {
    if (namespace === "") errors.push(required(`${field}.namespace`));
    else for (const message of dnsLabel(namespace)) errors.push(invalid(`${field}.namespace`, namespace, message));
  } else if (namespace !== "") errors.push(forbidden(`${field}.namespace`, "not allowed on this type"));
  if (generation < 0) errors.push(invalid(`${field}.generation`, generation, "must be greater than or equal to 0"));
  errors.push(
    ...validateLabels(metadata.labels, `${field}.labels`),
    ...validateAnnotations(metadata.annotations, `${field}.annotations`),
    ...validateOwnerReferences(metadata.ownerReferences, `${field}.ownerReferences`),
    ...validateFinalizers(metadata.finalizers, `${field}.finalizers`),
  );
  return errors;
}

/** What may not change in metadata. The bookkeeping that clients cannot decide (uid and the like) is compared as it arrives. */
export function validateObjectMetaUpdate(next: ObjectMeta, current: ObjectMeta, field = "metadata"): FieldError[] {
  const errors: FieldError[] = [];
  if (current.deletionTimestamp !== undefined) {
    const known = new Set(current.finalizers);
    const added = [...new Set(next.finalizers)].filter((finalizer) => !known.has(finalizer)).sort();
    if (added.length > 0) {
      const list = `[]string{${added.map((name) => JSON.stringify(name)).join(", ")}}`;
      const words = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
      errors.push(forbidden(`${field}.finalizers`, words));
    }
  }
  if (!next.resourceVersion)
    errors.push(invalid(`${field}.resourceVersion`, next.resourceVersion ?? "", "must be specified for an update"));
  if ((next.generation ?? 0) < (current.generation ?? 0)) {
    errors.push(invalid(`${field}.generation`, next.generation ?? 0, "must not be decremented"));
  }
  for (const name of ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    const value = next[name];
    if ((value ?? "") !== (current[name] ?? "")) errors.push(invalid(`${field}.${name}`, value ?? (isText(name) ? "" : null), IMMUTABLE));
  }
  errors.push(
    ...validateLabels(next.labels, `${field}.labels`),
    ...validateAnnotations(next.annotations, `${field}.annotations`),
    ...validateOwnerReferences(next.ownerReferences, `${field}.ownerReferences`),
  );
  return errors;
}

function isText(name: string): boolean {
  return name === "name" || name === "namespace" || name === "uid";
}

/** What a template of a claim may not say of the claim, in the order of Go's ObjectMeta, with the first letter made small. */
const TEMPLATE_FIELDS: Readonly<Record<string, string>> = {
  name: "name",
  generateName: "generateName",
  namespace: "namespace",
  selfLink: "selfLink",
  uid: "uID",
  resourceVersion: "resourceVersion",
  generation: "generation",
  creationTimestamp: "creationTimestamp",
  deletionTimestamp: "deletionTimestamp",
  deletionGracePeriodSeconds: "deletionGracePeriodSeconds",
  ownerReferences: "ownerReferences",
  finalizers: "finalizers",
  managedFields: "managedFields",
};

/** Of objects that others are made of. Source: ValidateTemplateObjectMeta of pkg/apis/core/validation. */
export function validateTemplateMetadata(metadata: Partial<ObjectMeta>, field: string): FieldError[] {
  const said = metadata as Readonly<Record<string, unknown>>;
  return [
    ...validateAnnotations(metadata.annotations, `${field}.annotations`),
    ...validateLabels(metadata.labels, `${field}.labels`),
    ...Object.entries(TEMPLATE_FIELDS).flatMap(([name, shown]) => (said[name] ? [forbidden(`${field}.${shown}`, "cannot be set")] : [])),
  ];
}
