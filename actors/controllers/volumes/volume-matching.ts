import { storageClassOf } from "../../kinds/core/claim-rules.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../kinds/generated/types.ts";
import { matchesLabels, selectorOf } from "../../kinds/machinery/label-selector.ts";
import { compareQuantities, parseQuantity, type Quantity } from "../../kinds/machinery/quantity.ts";
import type { IndexDefinition, View } from "../../store/view.ts";

const VOLUMES = "persistentvolumes";
const NO_STORAGE: Quantity = parseQuantity("0");

/** Volumes by the claim that they name, and those that name none by their class. */
export const volumesByClaim: IndexDefinition = {
  name: "volumes-by-claim-or-class",
  resource: VOLUMES,
  values: (object) => {
    const volume = object as PersistentVolume;
    const reference = volume.spec?.claimRef;
    return [reference === undefined ? classValue(storageClassOf(volume)) : claimValue(reference.namespace, reference.name)];
  },
};

function classValue(name: string): string {
  return `class ${name}`;
}

function claimValue(namespace: string | undefined, name: string | undefined): string {
  return `claim ${namespace ?? ""}/${name ?? ""}`;
}

export function sizeOf(volume: PersistentVolume): Quantity {
  const { storage } = volume.spec?.capacity ?? {};
  return storage === undefined ? NO_STORAGE : parseQuantity(storage);
}

function requestOf({ spec }: PersistentVolumeClaim): Quantity {
  const { storage } = spec.resources?.requests ?? {};
  return storage === undefined ? NO_STORAGE : parseQuantity(storage);
}

/** Whether the volume is the claim's: it names the claim, and no other one of that name. */
export function names({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const reference = spec?.claimRef;
  if (reference === undefined || reference.name !== metadata.name || reference.namespace !== metadata.namespace) return false;
  return reference.uid === undefined || reference.uid === "" || reference.uid === metadata.uid;
}

/** Why the volume cannot serve the claim; undefined: it can. Source: checkVolumeSatisfyClaim. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined) return `the volume is marked for deletion "${volume.metadata.name}"`;
  if (compareQuantities(sizeOf(volume), requestOf(claim)) < 0) return "requested PV is too small";
  if (storageClassOf(volume) !== storageClassOf(claim)) return "storageClassName does not match";
  if (!sameAttributes(volume, claim)) return "volumeAttributesClassName does not match";
  if (!sameMode(volume, claim)) return "incompatible volumeMode";
  if (!hasModes(volume, claim)) return "incompatible accessMode";
  return undefined;
}

function sameAttributes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec?.volumeAttributesClassName ?? "") === (claim.spec.volumeAttributesClassName ?? "");
}

export function sameMode(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec?.volumeMode ?? "Filesystem") === (claim.spec.volumeMode ?? "Filesystem");
}

function hasModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode) === true);
}

/**
 * The volume for a claim: of those with the fewest access modes one that names it already, else the smallest available one of its class that is large enough; else
 * of those with more modes. A claim that waits for its first consumer (`isDelayed`) only gets one that names it, since the scheduler chooses. Needs
 * volumesByClaim. Source: findBestMatchForClaim.
 */
export function bestVolume(view: View, claim: PersistentVolumeClaim, isDelayed: boolean): PersistentVolume | undefined {
  const { namespace, name } = claim.metadata;
  const selector = selectorOf(claim.spec.selector);
  const isFree = (volume: PersistentVolume): boolean =>
    volume.status?.phase === "Available" && (claim.spec.selector === undefined || matchesLabels(selector, volume.metadata.labels));
  const reserved = volumesUnder(view, claimValue(namespace, name)).filter((volume) => names(volume, claim));
  const free = isDelayed ? [] : volumesUnder(view, classValue(storageClassOf(claim))).filter(isFree);
  const fitting = [...reserved, ...free].filter((volume) => fits(volume, claim));
  const fewest = Math.min(...fitting.map(countModes));
  const [best] = fitting
    .filter((volume) => countModes(volume) === fewest)
    .toSorted((a, b) => Number(reserved.includes(b)) - Number(reserved.includes(a)) || compareQuantities(sizeOf(a), sizeOf(b)));
  return best;
}

function fits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (
    volume.metadata.deletionTimestamp === undefined &&
    sameMode(volume, claim) &&
    sameAttributes(volume, claim) &&
    hasModes(volume, claim) &&
    compareQuantities(sizeOf(volume), requestOf(claim)) >= 0
  );
}

function countModes({ spec }: PersistentVolume): number {
  return new Set(spec?.accessModes).size;
}

function volumesUnder(view: View, value: string): readonly PersistentVolume[] {
  return view.byIndex(volumesByClaim.name, value).map((entry) => view.decode<PersistentVolume>(entry));
}
