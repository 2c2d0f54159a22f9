import { CLASS_ANNOTATION } from "../../kinds/core/claim-rules.ts";
import type { PersistentVolumeClaim, StorageClass } from "../../kinds/generated/types.ts";
import { isDefaultClass } from "../../kinds/storage/storage-class.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { defaultClass } from "./default-class.ts";

/** A claim that says nothing of its class gets the default one, if there is one. Source: plugin/pkg/admission/storage/storageclass/setdefault. */
export const DefaultStorageClass: AdmissionPlugin = {
  name: "DefaultStorageClass",
  mutate({ operation, resource, object }, world) {
    if (operation !== "create" || resource !== "persistentvolumeclaims") return;
    const claim = object as PersistentVolumeClaim;
    if (claim.spec?.storageClassName !== undefined || claim.metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return;
    const chosen = defaultClass<StorageClass>(world, "storageclasses.storage.k8s.io", isDefaultClass);
    if (chosen !== undefined && claim.spec !== undefined) claim.spec.storageClassName = chosen.metadata.name;
  },
};
