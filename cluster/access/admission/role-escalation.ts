/**
 * Whoever writes a role may put into it only what they may do themselves, and whoever binds somebody to a role only what is in it. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping, pkg/registry/rbac/*\/policybased.
 */
import { forbidden, notFound } from "../../../actors/kinds/errors.ts";
import type { AggregationRule, PolicyRule, RoleRef } from "../../../actors/kinds/generated/types.ts";
import { semanticEqual } from "../../../actors/kinds/machinery/equal.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../../../actors/registry/admission/admission.ts";
import { onResource } from "../authorization/attributes.ts";
import { escalation } from "../authorization/escalation.ts";
import type { Identity } from "../identity.ts";
import { MASTERS } from "../identity.ts";
import type { Deciding } from "./deciding.ts";

const RBAC = "rbac.authorization.k8s.io";
/** Who makes roles out of others may come to have everything. */
const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

export function roleEscalation(access: () => Deciding): AdmissionPlugin {
  return {
    name: "RoleEscalation",
    mutate(request) {
      const { requester } = request.options;
      if (requester === undefined || request.operation === "delete" || !request.resource.endsWith(RBAC)) return;
      if (requester.groups.includes(MASTERS) || onlyLetsGo(request)) return;
      return check(access(), request, requester);
    },
  };
}

async function check(access: Deciding, request: AdmissionRequest, asker: Identity): Promise<void> {
  const wrongWith = isRole(request.resource) ? wrongWithRole : wrongWithBinding;
  if ((await wrongWith(access, request, asker)) === undefined) return;
  // What was given a moment ago counts.
  await access.newest();
  const wrong = await wrongWith(access, request, asker);
  if (wrong !== undefined) throw wrong;
}

function isRole(resource: string): boolean {
  return resource === `roles.${RBAC}` || resource === `clusterroles.${RBAC}`;
}

/** What the garbage collector does to an object changes nothing of what it gives. Source: rbacregistry.IsOnlyMutatingGCFields. */
function onlyLetsGo({ object, current }: AdmissionRequest): boolean {
  if (current === undefined) return false;
  const without = ({ metadata, ...rest }: KubeObject): object => {
    const { ownerReferences: _owners, finalizers: _finalizers, managedFields: _managers, resourceVersion: _version, ...kept } = metadata;
    return { ...rest, metadata: kept };
  };
  return semanticEqual(without(object), without(current));
}

async function wrongWithRole({ roles, authorizer }: Deciding, request: AdmissionRequest, asker: Identity): Promise<Error | undefined> {
  const { kind, namespace = "", name } = request;
  // A new object has no name yet, as far as access is concerned.
  const named = request.operation === "create" ? "" : name;
  const escalate = onResource({ verb: "escalate", group: RBAC, resource: kind.plural, namespace, name: named });
  if ((await authorizer.authorize(asker, escalate)).allowed) return undefined;
  const { rules, errors } = roles.rulesFor(asker, namespace);
  const role = request.object as KubeObject & { readonly rules?: PolicyRule[]; readonly aggregationRule?: AggregationRule };
  const before = request.current as typeof role | undefined;
  const called = role.metadata.name ?? "";
  if ((role.aggregationRule ?? before?.aggregationRule) !== undefined && escalation(asker, rules, EVERYTHING, errors) !== undefined)
    return forbidden(kind, called, "must have cluster-admin privileges to use the aggregationRule");
  const why = escalation(asker, rules, role.rules ?? [], errors);
  return why === undefined ? undefined : forbidden(kind, called, why);
}

async function wrongWithBinding({ roles, authorizer }: Deciding, request: AdmissionRequest, asker: Identity): Promise<Error | undefined> {
  const { kind, namespace = "" } = request;
  const { roleRef, metadata } = request.object as KubeObject & { readonly roleRef?: RoleRef };
  // What is wrong with the reference itself, the validation says.
  if (roleRef === undefined || (roleRef.kind !== "Role" && roleRef.kind !== "ClusterRole")) return undefined;
  const resource = roleRef.kind === "Role" ? "roles" : "clusterroles";
  const bind = onResource({ verb: "bind", group: roleRef.apiGroup, resource, namespace, name: roleRef.name });
  if ((await authorizer.authorize(asker, bind)).allowed) return undefined;
  const wanted = roles.rulesOf(roleRef, namespace);
  // Kubernetes looks for the role in the name of the request's own resource.
  if (wanted === undefined) return notFound(kind, roleRef.name);
  const { rules, errors } = roles.rulesFor(asker, namespace);
  const why = escalation(asker, rules, wanted, errors);
  return why === undefined ? undefined : forbidden(kind, metadata.name ?? "", why);
}
