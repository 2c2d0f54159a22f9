/** Devices that others use may be asked for in namespaces whose administrators say so. Source: AuthorizedForAdmin of pkg/registry/resource. */
import { forbidden, internalError } from "../kinds/field-error.ts";
import type { Namespace } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { FieldError } from "../kinds/status.ts";
import type { StoreAccess } from "./store-access.ts";

const ADMIN_LABEL = "resource.kubernetes.io/admin-access";

export function adminAccessErrors<T extends KubeObject>(
  { view }: Pick<StoreAccess, "view">,
  kind: Kind<T>,
  next: T,
  current?: T,
): FieldError[] {
  const field = kind.adminAccess?.(next, current);
  if (field === undefined) return [];
  const name = next.metadata.namespace ?? "";
  const namespace = view.get<Namespace>(`namespaces/${name}`);
  if (namespace === undefined) {
    const words = `could not retrieve namespace to verify admin access: namespaces ${JSON.stringify(name)} not found`;
    return [internalError(field, words)];
  }
  if (namespace.metadata.labels?.[ADMIN_LABEL] === "true") return [];
  return [forbidden(field, `admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`)];
}
