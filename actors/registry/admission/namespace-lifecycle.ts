import { forbidden, notFound } from "../../kinds/errors.ts";
import type { Namespace } from "../../kinds/generated/types.ts";
import { StatusError } from "../../kinds/status.ts";
import type { Entry } from "../../store/view.ts";
import type { AdmissionPlugin, AdmissionRequest, AdmissionWorld } from "./admission.ts";
import { refusedName } from "./admission.ts";

const NAMESPACES = { group: "", plural: "namespaces" } as const;
const IMMORTAL = new Set(["default", "kube-system", "kube-public"]);

function checkNamespace(request: AdmissionRequest, namespace: string, entry: Entry | undefined, world: AdmissionWorld): void {
  if (entry === undefined) throw notFound(NAMESPACES, namespace);
  if (world.view.decode<Namespace>(entry).metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbidden(request.kind, refusedName(request), why);
  const cause = { reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated`, field: "metadata.namespace" };
  throw new StatusError({ ...status, details: { ...status.details, causes: [cause] } });
}

/**
 * Nothing is created in a namespace that is absent or on its way out, and the system's own are not deleted. Source:
 * plugin/pkg/admission/namespace/lifecycle.
 */
export const NamespaceLifecycle: AdmissionPlugin = {
  name: "NamespaceLifecycle",
  mutate(request, world) {
    const { operation, namespace } = request;
    if (operation === "delete" && request.resource === "namespaces" && IMMORTAL.has(request.name)) {
      throw forbidden(NAMESPACES, request.name, "this namespace may not be deleted");
    }
    if (operation !== "create" || namespace === undefined) return;
    const entry = world.find(`namespaces/${namespace}`);
    if (entry instanceof Promise) return entry.then((found) => checkNamespace(request, namespace, found, world));
    checkNamespace(request, namespace, entry, world);
  },
};
