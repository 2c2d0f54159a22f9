import { forbidden, unauthorized } from "../../actors/kinds/errors.ts";
import type { StatusError } from "../../actors/kinds/status.ts";
import type { Identity } from "./identity.ts";
import { ANONYMOUS } from "./identity.ts";
import type { RequestInfo } from "./route.ts";

export type Decision =
  | { readonly allowed: true }
  /** `reason` is added to the refusal where an authorizer has something to say; empty otherwise. */
  | { readonly allowed: false; readonly reason: string };

/** Who may do what. Asked once a request, before anything else is looked at. */
export interface Access {
  /** Synchronous where it can be: it stands in the way of every request. */
  authorize(identity: Identity, info: RequestInfo): Decision | Promise<Decision>;
}

/** The group whose members may do everything; no rule can take it from them. Source: Kubernetes' RBAC page, "Super-user". */
export const MASTERS = "system:masters";

const ALLOWED: Decision = { allowed: true };
const DENIED: Decision = { allowed: false, reason: "" };
/** Pages for load balancers and people who cannot log in yet. Source: the ClusterRole system:public-info-viewer. */
const PUBLIC_PAGES: ReadonlySet<string> = new Set(["health", "version", "console"]);

/** Access before there are roles: administrators may do everything, everybody may ask how the server is. */
export const ADMINISTRATORS_ONLY: Access = {
  authorize(identity, info) {
    if (identity.groups.includes(MASTERS)) return ALLOWED;
    return info.type === "page" && info.method === "get" && PUBLIC_PAGES.has(info.page.page) ? ALLOWED : DENIED;
  },
};

/** What a refused client reads. Whoever did not say who they are is asked to (401); the others are told what they may not do (403). */
export function refusal(identity: Identity, info: RequestInfo, reason: string): StatusError {
  if (identity === ANONYMOUS) return unauthorized();
  const why = reason === "" ? "" : `: ${reason}`;
  const user = JSON.stringify(identity.user);
  if (info.type === "page") return forbidden(undefined, "", `User ${user} cannot ${info.method} path ${JSON.stringify(info.path)}${why}`);
  const resource = info.subresource === "" ? info.resource : `${info.resource}/${info.subresource}`;
  const place = info.namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(info.namespace)}`;
  const what = `${JSON.stringify(resource)} in API group ${JSON.stringify(info.group)} ${place}`;
  return forbidden({ group: info.group, plural: info.resource }, info.name, `User ${user} cannot ${info.verb} resource ${what}${why}`);
}
