/** What PersistentVolumes and claims on them have in common. Source: pkg/apis/core/validation, pkg/apis/core/v1/helper. */
import { forbidden, goQuote, invalid, notSupported, required } from "../field-error.ts";
import { namedBy, oneOf } from "../field-rules.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec, TypedLocalObjectReference } from "../generated/types.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { isWhole, parseQuantity } from "../machinery/quantity.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateAgreement } from "./claim-sources.ts";

/** Each mode, and how tables print it. */
const ACCESS_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const ACCESS_MODE_NAMES: readonly string[] = Object.keys(ACCESS_MODES).sort();
const EXCLUSIVE = "ReadWriteOncePod";
const VOLUME_MODES: readonly string[] = ["Block", "Filesystem"];
/** Where the class stood before it had a field. */
export const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";
/** Annotations by which the scheduler and who binds and makes volumes tell one another how far they are. */
export const SELECTED_NODE = "volume.kubernetes.io/selected-node";
export const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
export const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";

/** Source: SetDefaults_PersistentVolumeClaim. */
export function defaultPersistentVolumeClaim(claim: PersistentVolumeClaim): void {
  claim.status ??= {};
  claim.status.phase ||= "Pending";
  if (claim.spec !== undefined) claim.spec.volumeMode ??= "Filesystem";
}

export function validateAccessModes(modes: readonly string[], field: string): FieldError[] {
  const errors = modes.filter((mode) => !Object.hasOwn(ACCESS_MODES, mode)).map((mode) => notSupported(field, mode, ACCESS_MODE_NAMES));
  if (modes.includes(EXCLUSIVE) && modes.some((mode) => mode !== EXCLUSIVE)) {
    errors.push(forbidden(field, "may not use ReadWriteOncePod with other access modes"));
  }
  return errors;
}

/** An amount of storage that is more than nothing. */
export function validateStorage(quantity: string, field: string): FieldError[] {
  return parseQuantity(quantity).nano > 0n ? [] : [invalid(field, quantity, "must be greater than zero")];
}

export function validateVolumeMode(mode: string | undefined, field: string): FieldError[] {
  return oneOf(mode, VOLUME_MODES, field);
}

function validateDataSource(source: TypedLocalObjectReference | undefined, field: string): FieldError[] {
  if (source === undefined) return [];
  const errors: FieldError[] = [];
  if (!source.name) errors.push(required(`${field}.name`));
  if (!source.kind) errors.push(required(`${field}.kind`));
  if (!source.apiGroup && source.kind !== "PersistentVolumeClaim") {
    errors.push(invalid(field, source.kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  }
  return [...errors, ...namedBy(dnsSubdomain, source.apiGroup, `${field}.apiGroup`)];
}

/** Source: ValidatePersistentVolumeClaimSpec. */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, field: string): FieldError[] {
  const { accessModes = [], resources, dataSource, dataSourceRef } = spec;
  const errors: FieldError[] = [];
  if (accessModes.length === 0) errors.push(required(`${field}.accessModes`, "at least 1 access mode is required"));
  errors.push(...validateLabelSelector(spec.selector, `${field}.selector`), ...validateAccessModes(accessModes, `${field}.accessModes`));
  const storage = resources?.requests?.storage;
  const path = `${field}.resources[storage]`;
  errors.push(...(storage === undefined ? [required(path)] : validateStorage(storage, path)));
  errors.push(
    ...namedBy(dnsSubdomain, spec.storageClassName, `${field}.storageClassName`),
    ...validateVolumeMode(spec.volumeMode, `${field}.volumeMode`),
    ...validateDataSource(dataSource, `${field}.dataSource`),
    ...validateDataSource(dataSourceRef, `${field}.dataSourceRef`),
    ...validateAgreement(spec, field),
  );
  return [...errors, ...namedBy(dnsSubdomain, spec.volumeAttributesClassName, `${field}.volumeAttributesClassName`)];
}

/** `RWO,RWX`; each once. Source: storage.GetAccessModesAsString. */
export function printAccessModes(modes: readonly string[] | undefined): string {
  return Object.entries(ACCESS_MODES)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(",");
}

/** The class that a volume or a claim names, the old way first. */
export function storageClassOf(object: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly storageClassName?: string };
}): string {
  return object.metadata.annotations?.[CLASS_ANNOTATION] ?? object.spec?.storageClassName ?? "";
}

/** There is no part of a byte. Source: GetWarningsForPersistentVolumeClaimSpec. */
export function claimWarnings(spec: PersistentVolumeClaimSpec | undefined, field: string): string[] {
  return (["requests", "limits"] as const).flatMap((name) => {
    const text = spec?.resources?.[name]?.storage;
    if (text === undefined || isWhole(text)) return [];
    return [`${field}.resources.${name}[storage]: fractional byte value ${goQuote(text)} is invalid, must be an integer`];
  });
}
