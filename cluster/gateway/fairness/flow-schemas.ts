import type { FlowcontrolSubject, FlowSchema, NonResourcePolicyRule, ResourcePolicyRule } from "../../../actors/kinds/generated/types.ts";
import type { Identity } from "../../access/identity.ts";
import { serviceAccountOf } from "../../access/identity.ts";
import type { RequestInfo, ResourceRequest } from "../route.ts";

/** Which requests are one flow: those that wait for each other before they make others wait. */
export interface Flow {
  readonly schema: FlowSchema;
  /** The name of its priority level. */
  readonly level: string;
  /** What tells the flows of a schema apart: a user, a namespace, or nothing. */
  readonly distinguisher: string;
}

const ALL = "*";

/** The schemas in the order in which they are asked. */
export function inOrder(schemas: readonly FlowSchema[]): readonly FlowSchema[] {
  const precedence = ({ spec }: FlowSchema): number => spec.matchingPrecedence ?? 0;
  return [...schemas].sort((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** The flow of a request: that of the first schema that matches; undefined where none does. Source: apiserver's flowcontrol/rule.go. */
export function flowOf(schemas: readonly FlowSchema[], identity: Identity, info: RequestInfo): Flow | undefined {
  const schema = schemas.find(({ spec: { rules = [] } }) =>
    rules.some(
      ({ subjects, resourceRules = [], nonResourceRules = [] }) =>
        subjects.some((subject) => isSubject(subject, identity)) &&
        (info.type === "page" ? nonResourceRules.some((rule) => isPage(rule, info)) : resourceRules.some((rule) => isResource(rule, info))),
    ),
  );
  if (schema === undefined) return undefined;
  const { distinguisherMethod, priorityLevelConfiguration } = schema.spec;
  const namespace = info.type === "resource" ? info.namespace : "";
  const distinguisher = distinguisherMethod === undefined ? "" : distinguisherMethod.type === "ByUser" ? identity.user : namespace;
  return { schema, level: priorityLevelConfiguration.name, distinguisher };
}

function isSubject({ kind, user, group, serviceAccount }: FlowcontrolSubject, identity: Identity): boolean {
  switch (kind) {
    case "User":
      return user?.name === ALL || user?.name === identity.user;
    case "Group":
      return group?.name === ALL || identity.groups.includes(group?.name ?? "");
    case "ServiceAccount": {
      const account = serviceAccountOf(identity.user);
      return (
        account !== undefined &&
        account.namespace === serviceAccount?.namespace &&
        (serviceAccount.name === ALL || serviceAccount.name === account.name)
      );
    }
    default:
      return false;
  }
}

function holds(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes(ALL) || list.includes(value));
}

function isResource({ verbs, apiGroups, resources, clusterScope, namespaces }: ResourcePolicyRule, info: ResourceRequest): boolean {
  const resource = info.subresource === "" ? info.resource : `${info.resource}/${info.subresource}`;
  if (!holds(verbs, info.verb) || !holds(apiGroups, info.group) || !holds(resources, resource)) return false;
  return info.namespace === "" ? clusterScope === true : holds(namespaces, info.namespace);
}

function isPage(
  { verbs, nonResourceURLs = [] }: NonResourcePolicyRule,
  { method, path }: { readonly method: string; readonly path: string },
): boolean {
  if (!holds(verbs, method)) return false;
  return nonResourceURLs.some((url) => url === ALL || url === path || (url.endsWith("/*") && path.startsWith(url.slice(0, -1))));
}
