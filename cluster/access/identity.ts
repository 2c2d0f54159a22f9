import type { Requester } from "../../actors/registry/registry.ts";

/** Who asks. Source: Kubernetes' authentication page; `user.Info` of its code. */
export type Identity = Requester;

/** The group whose members may do everything; no rule can take it from them. Source: Kubernetes' RBAC page, "Super-user". */
export const MASTERS = "system:masters";
/** Everybody who has said who they are. */
export const AUTHENTICATED = "system:authenticated";
export const UNAUTHENTICATED = "system:unauthenticated";
export const ANONYMOUS_USER = "system:anonymous";

/** Whoever says nothing of who they are. */
export const ANONYMOUS: Identity = { user: ANONYMOUS_USER, groups: [UNAUTHENTICATED] };

const SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:";
const NODE_PREFIX = "system:node:";
const NODES = "system:nodes";

/** The user that a service account is. */
export function serviceAccountUser(namespace: string, name: string): string {
  return `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`;
}

/** The groups of every service account of a namespace, without `system:authenticated`. */
export function serviceAccountGroups(namespace: string): readonly string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

/** The service account that a user name stands for; undefined when it is none. */
export function serviceAccountOf(user: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined;
  const parts = user.slice(SERVICE_ACCOUNT_PREFIX.length).split(":");
  const [namespace = "", name = ""] = parts;
  return parts.length === 2 && namespace !== "" && name !== "" ? { namespace, name } : undefined;
}

/** The node whose kubelet asks; empty when it is a node that does not say which, undefined when it is none. Source: DefaultNodeIdentifier. */
export function nodeOf({ user, groups }: Identity): string | undefined {
  return user.startsWith(NODE_PREFIX) && groups.includes(NODES) ? user.slice(NODE_PREFIX.length) : undefined;
}
