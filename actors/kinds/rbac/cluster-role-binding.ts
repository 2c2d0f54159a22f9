import type { ClusterRoleBinding } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { bindingKind } from "./bindings.ts";

export const ClusterRoleBindingKind: Kind<ClusterRoleBinding> = bindingKind<ClusterRoleBinding>(
  "ClusterRoleBinding",
  "clusterrolebindings",
  false,
  ["ClusterRole"],
);
