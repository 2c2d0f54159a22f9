import type { AdmissionPlugin } from "./admission.ts";

/** What holds each until nobody uses it any more. Their controllers take it away. */
const FINALIZERS: ReadonlyMap<string, string> = new Map([
  ["persistentvolumeclaims", "kubernetes.io/pvc-protection"],
  ["persistentvolumes", "kubernetes.io/pv-protection"],
  ["volumeattributesclasses.storage.k8s.io", "kubernetes.io/vac-protection"],
]);

/** Source: plugin/pkg/admission/storage/storageobjectinuseprotection. */
export const StorageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  mutate({ operation, resource, object }) {
    if (operation !== "create") return;
    const finalizer = FINALIZERS.get(resource);
    const { metadata } = object;
    if (finalizer === undefined || metadata.finalizers?.includes(finalizer) === true) return;
    Object.assign(object, { metadata: { ...metadata, finalizers: [...(metadata.finalizers ?? []), finalizer] } });
  },
};
