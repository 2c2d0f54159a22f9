import { defineKind } from "../define-kind.ts";
import { forbidden, invalid, notSupported } from "../field-error.ts";
import { immutable, oneOf } from "../field-rules.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "../generated/types.ts";
import { internalDiff } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { compareQuantities, parseQuantity, wholeUnits } from "../machinery/quantity.ts";
import { dnsSubdomain, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import {
  CLASS_ANNOTATION,
  claimWarnings,
  defaultPersistentVolumeClaim,
  printAccessModes,
  storageClassOf,
  validateClaimSpec,
} from "./claim-rules.ts";
import { settleSources } from "./claim-sources.ts";

type Spec = PersistentVolumeClaimSpec;

/** The class that a claim without one names late, or that moves from the annotation to the field. */
function takesClass(next: PersistentVolumeClaim, current: PersistentVolumeClaim): boolean {
  const [wanted, old] = [next.spec.storageClassName, current.spec.storageClassName];
  const named = current.metadata.annotations?.[CLASS_ANNOTATION];
  return wanted !== undefined && old === undefined && (named === undefined || wanted === named);
}

/** The next spec with what may change put back to what it was. */
function munged(next: PersistentVolumeClaim, current: PersistentVolumeClaim): Spec {
  const back: Spec = { ...next.spec };
  const { volumeAttributesClassName, storageClassName, resources } = current.spec;
  if (takesClass(next, current)) {
    if (storageClassName === undefined) delete back.storageClassName;
    else back.storageClassName = storageClassName;
  }
  if (current.status?.phase !== "Bound") return back;
  if (back.resources?.requests !== undefined) {
    back.resources = { ...back.resources, requests: { ...back.resources.requests, storage: resources?.requests?.storage ?? "0" } };
  }
  if (volumeAttributesClassName === undefined) delete back.volumeAttributesClassName;
  else back.volumeAttributesClassName = volumeAttributesClassName;
  return back;
}

/** The class of a volume's attributes stays named once it has been brought about. */
function validateClassKept({ spec }: PersistentVolumeClaim, { spec: old, status }: PersistentVolumeClaim): FieldError[] {
  const name = spec.volumeAttributesClassName;
  if (name === old.volumeAttributesClassName || status?.currentVolumeAttributesClassName === undefined || name) return [];
  const what = name === undefined ? "nil" : "empty string";
  const words = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  return [forbidden("spec.volumeAttributesClassName", words)];
}

/** Only a bound claim may grow, only an unbound one may be bound, and classes may come late. Source: ValidatePersistentVolumeClaimUpdate. */
function validateUpdate(next: PersistentVolumeClaim, current: PersistentVolumeClaim): FieldError[] {
  const [spec, old] = [next.spec, current.spec];
  const errors: FieldError[] = [];
  const [wasNamed, isNamed] = [current, next].map(({ metadata }) => metadata.annotations?.[CLASS_ANNOTATION] ?? "");
  if (wasNamed !== isNamed && !(takesClass(next, current) && isNamed === "")) {
    errors.push(...immutable(isNamed, wasNamed, `metadata.annotations.${CLASS_ANNOTATION}`));
  }
  const before: Spec = old.volumeName || spec.volumeName === undefined ? old : { ...old, volumeName: spec.volumeName };
  const back = munged(next, current);
  if (!semanticEqual(back, before)) {
    const words = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.push(forbidden("spec", `${words}\n${internalDiff("PersistentVolumeClaimSpec", before, back)}`));
  }
  const [wanted = "0", was = "0"] = [spec.resources?.requests?.storage, old.resources?.requests?.storage];
  const there = current.status?.capacity?.storage ?? "0";
  if (compare(wanted, was) < 0 && compare(wanted, there) <= 0) {
    errors.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
  }
  return [...errors, ...immutable(spec.volumeMode, old.volumeMode, "volumeMode"), ...validateClassKept(next, current)];
}

function compare(a: string, b: string): number {
  return compareQuantities(parseQuantity(a), parseQuantity(b));
}

const RESIZES: readonly string[] = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizePending",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
].sort();

/** Only storage is given by Kubernetes itself. Source: validatePersistentVolumeClaimResourceKey. */
function validateGiven(name: string, field: string): FieldError[] {
  const wrong = qualifiedName(name).map((words) => invalid(field, name, words));
  const native = !name.includes("/") || name.includes("kubernetes.io/");
  return wrong.length > 0 || !native ? wrong : oneOf(name, ["storage"], field);
}

function validateAmount(quantity: string, field: string): FieldError[] {
  const units = wholeUnits(quantity);
  return units < 0 ? [invalid(field, units, "must be a valid resource quantity")] : [];
}

/** Source: ValidatePersistentVolumeClaimStatusUpdate. */
function validateStatus({ status }: PersistentVolumeClaim): FieldError[] {
  const { capacity = {}, allocatedResourceStatuses = {}, allocatedResources = {} } = status ?? {};
  const [states, given] = ["status.allocatedResourceStatuses", "status.allocatedResources"];
  return [
    ...Object.entries(capacity).flatMap(([name, quantity]) => validateAmount(quantity, `status.capacity[${name}]`)),
    ...Object.entries(allocatedResourceStatuses).flatMap(([name, state]) => [
      ...validateGiven(name, states),
      // Kubernetes shows the resource, not what is said of it.
      ...(RESIZES.includes(state) ? [] : [notSupported(states, name, RESIZES)]),
    ]),
    ...Object.entries(allocatedResources).flatMap(([name, quantity]) => {
      const wrong = validateGiven(name, given);
      return wrong.length > 0 ? wrong : validateAmount(quantity, `${given}[${name}]`);
    }),
  ];
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
  prepareForCreate: (claim) => {
    claim.status = { phase: "Pending" };
    settleSources(claim.spec);
  },
  prepareForUpdate: (next, current) => {
    next.status = current.status ?? { phase: "Pending" };
    settleSources(next.spec, current.spec);
  },
  updateChecks: ["whole", "metadata", "whole", "changes"],
  nameRule: dnsSubdomain,
  validate: ({ spec }) => validateClaimSpec(spec, "spec"),
  validateUpdate,
  validateStatus,
  warnings: ({ metadata, spec }) => [
    ...(metadata.annotations?.[CLASS_ANNOTATION] === undefined
      ? []
      : [`metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`]),
    ...claimWarnings(spec, "spec"),
  ],
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
