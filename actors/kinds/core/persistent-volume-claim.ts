import { defineKind, statusApart } from "../define-kind.ts";
import { forbidden } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { PersistentVolumeClaim } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { compareQuantities, parseQuantity } from "../machinery/quantity.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { defaultPersistentVolumeClaim, printAccessModes, storageClassOf, validateClaimSpec } from "./claim-rules.ts";

/** Only a bound claim may grow, only an unbound one may be bound, and classes may come late. Source: ValidatePersistentVolumeClaimUpdate. */
function validateUpdate(next: PersistentVolumeClaim, current: PersistentVolumeClaim): FieldError[] {
  const [spec, old] = [next.spec, current.spec];
  const errors: FieldError[] = [];
  const back: Record<string, unknown> = { ...spec };
  if (!old.volumeName) back.volumeName = old.volumeName;
  if (current.status?.phase === "Bound") {
    back.resources = { ...spec.resources, requests: { ...spec.resources?.requests, storage: old.resources?.requests?.storage } };
  }
  if (old.storageClassName === undefined) back.storageClassName = undefined;
  if (current.status?.phase === "Bound" || old.volumeAttributesClassName === undefined) {
    back.volumeAttributesClassName = old.volumeAttributesClassName;
  }
  if (!semanticEqual(back, old)) {
    const words = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.push(forbidden("spec", words));
  }
  const [wanted, before] = [spec.resources?.requests?.storage, old.resources?.requests?.storage];
  const there = current.status?.capacity?.storage ?? "0";
  if (wanted !== undefined && before !== undefined && compare(wanted, before) < 0 && compare(wanted, there) <= 0) {
    errors.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
  }
  return [...errors, ...immutable(spec.volumeMode, old.volumeMode, "volumeMode")];
}

function compare(a: string, b: string): number {
  return compareQuantities(parseQuantity(a), parseQuantity(b));
}

export const PersistentVolumeClaimKind: Kind<PersistentVolumeClaim> = defineKind<PersistentVolumeClaim>({
  group: "",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  shortNames: ["pvc"],
  namespaced: true,
  subresources: [STATUS],
  returnsDeletedObject: true,
  applyDefaults: defaultPersistentVolumeClaim,
  ...statusApart<PersistentVolumeClaim>(() => ({ phase: "Pending" })),
  validate: ({ metadata, spec }) => [...validateObjectMeta(metadata, true, dnsSubdomain), ...validateClaimSpec(spec, "spec")],
  validateUpdate,
  columns: [
    NAME_COLUMN,
    column("Status", "Whether it has its volume"),
    column("Volume", "The volume that it is bound to"),
    column("Capacity", "How much it got"),
    column("Access Modes", "How it may be mounted"),
    column("StorageClass", "The class that it asks for"),
    column("VolumeAttributesClass", "The class of its volume's attributes"),
    AGE_COLUMN,
    wideColumn("VolumeMode", "A file system, or a block device"),
  ],
  cells: (claim, now_ms) => {
    const { spec, status, metadata } = claim;
    const bound = Boolean(spec.volumeName);
    return [
      metadata.name,
      metadata.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating",
      spec.volumeName ?? "",
      bound ? (status?.capacity?.storage ?? "0") : "",
      bound ? printAccessModes(status?.accessModes) : "",
      storageClassOf(claim),
      spec.volumeAttributesClassName ?? UNSET,
      ageOf(claim, now_ms),
      spec.volumeMode ?? UNSET,
    ];
  },
});
