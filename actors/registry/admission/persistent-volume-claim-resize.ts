import { forbidden } from "../../kinds/errors.ts";
import type { PersistentVolumeClaim, StorageClass } from "../../kinds/generated/types.ts";
import { compareQuantities, parseQuantity } from "../../kinds/machinery/quantity.ts";
import type { AdmissionPlugin } from "./admission.ts";

const NOT_RESIZABLE = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";

function storageOf(claim: PersistentVolumeClaim): string {
  return claim.spec?.resources?.requests?.storage ?? "0";
}

/** A claim grows only where its class lets it. Source: plugin/pkg/admission/storage/persistentvolume/resize. */
export const PersistentVolumeClaimResize: AdmissionPlugin = {
  name: "PersistentVolumeClaimResize",
  validate({ operation, resource, subresource, kind, name, object, current }, world) {
    if (operation !== "update" || resource !== "persistentvolumeclaims" || subresource !== undefined) return;
    const [next, before] = [object as PersistentVolumeClaim, current as PersistentVolumeClaim];
    if (compareQuantities(parseQuantity(storageOf(next)), parseQuantity(storageOf(before))) <= 0) return;
    if (before.status?.phase !== "Bound") throw forbidden(kind, name, "Only bound persistent volume claims can be expanded");
    const className = before.spec.storageClassName ?? "";
    const storageClass = className === "" ? undefined : world.view.get<StorageClass>(`storageclasses.storage.k8s.io/${className}`);
    if (storageClass?.allowVolumeExpansion !== true) throw forbidden(kind, name, NOT_RESIZABLE);
  },
};
