import type { PersistentVolume, PersistentVolumeClaim, VolumeAttributesClass } from "../../kinds/generated/types.ts";
import { VolumeAttributesClassKind } from "../../kinds/storage/volume-attributes-class.ts";
import type { Change, IndexDefinition, View } from "../../store/view.ts";
import { anyKind } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { CLAIMS } from "./pod-claim-index.ts";
import { isWaiting, withFinalizer, withoutFinalizer } from "./volume-protection.ts";

const CLASSES = "volumeattributesclasses.storage.k8s.io";
const VOLUMES = "persistentvolumes";
const FINALIZER = "kubernetes.io/vac-protection";

/** The classes that a claim has, is to have, or is on its way to. */
function classesOfClaim({ spec, status }: PersistentVolumeClaim): readonly string[] {
  return named(
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  );
}

function classesOfVolume({ spec }: PersistentVolume): readonly string[] {
  return named(spec.volumeAttributesClassName);
}

function named(...names: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(names.filter((name) => name !== undefined && name !== ""))] as string[];
}

const claimsByClass: IndexDefinition = {
  name: "attributes-protection:claims",
  resource: CLAIMS,
  values: (claim) => classesOfClaim(claim as PersistentVolumeClaim),
};

const volumesByClass: IndexDefinition = {
  name: "attributes-protection:volumes",
  resource: VOLUMES,
  values: (volume) => classesOfVolume(volume as PersistentVolume),
};

/** The keys of the classes that something has let go of. */
function letGo<T>({ now, before }: Change, view: View, classesOf: (object: T) => readonly string[]): readonly string[] {
  if (before === undefined) return NO_KEYS;
  const left = now === undefined ? NO_KEYS : classesOf(view.decode(now) as T);
  return classesOf(view.decode(before) as T)
    .filter((name) => !left.includes(name))
    .map((name) => `${CLASSES}/${name}`);
}

/** Lets a class of attributes that is to be deleted go when no claim and no volume has it any more. Source: pkg/controller/volume/vacprotection. */
export const attributesProtectionController: Controller = {
  name: "volumeattributesclass-protection",
  component: "volumeattributesclass-protection-controller",
  kind: anyKind(VolumeAttributesClassKind),
  indexes: [claimsByClass, volumesByClass],
  watches: [
    { resource: CLASSES, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) },
    { resource: CLAIMS, keys: (change, view) => letGo(change, view, classesOfClaim) },
    { resource: VOLUMES, keys: (change, view) => letGo(change, view, classesOfVolume) },
  ],
  reconcile(view, key): readonly Action[] {
    const attributes = view.get<VolumeAttributesClass>(key);
    if (attributes === undefined) return NOTHING;
    if (!isWaiting(attributes, FINALIZER)) return withFinalizer(VolumeAttributesClassKind, attributes, FINALIZER);
    const isUsed = [claimsByClass, volumesByClass].some((index) => view.byIndex(index.name, attributes.metadata.name).length > 0);
    return isUsed ? NOTHING : withoutFinalizer(VolumeAttributesClassKind, attributes, FINALIZER);
  },
};
