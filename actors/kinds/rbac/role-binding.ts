import type { RoleBinding } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { bindingKind } from "./bindings.ts";

export const RoleBindingKind: Kind<RoleBinding> = bindingKind<RoleBinding>("RoleBinding", "rolebindings", true, ["Role", "ClusterRole"]);
