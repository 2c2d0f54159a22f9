import { describe, expect, test } from "vitest";
import type { PolicyRule, RbacSubject } from "../../../actors/kinds/generated/types.ts";
import type { Attributes } from "../../../cluster/access/authorization/attributes.ts";
import { onResource } from "../../../cluster/access/authorization/attributes.ts";
import { defaultRoles } from "../../../cluster/access/authorization/default-roles.ts";
import { escalation } from "../../../cluster/access/authorization/escalation.ts";
import { RoleIndex } from "../../../cluster/access/authorization/role-index.ts";
import type { Identity } from "../../../cluster/access/identity.ts";

const RBAC = "rbac.authorization.k8s.io";
const jane: Identity = { user: "jane", groups: ["dev", "system:authenticated"] };
const user = (name: string): RbacSubject => ({ kind: "User", apiGroup: RBAC, name });
const pods = (verb: string, more: object = {}): Attributes => onResource({ verb, resource: "pods", namespace: "a", ...more });

function indexWith(rules: readonly PolicyRule[], subject: RbacSubject = user("jane"), namespace = "a"): RoleIndex {
  const index = new RoleIndex();
  index.setRole(namespace === "" ? "clusterroles/r" : `roles/${namespace}/r`, rules);
  index.setBinding("k", "b", namespace, { apiGroup: RBAC, kind: namespace === "" ? "ClusterRole" : "Role", name: "r" }, [subject]);
  return index;
}

describe("a rule", () => {
  const core = { apiGroups: [""], verbs: ["get"] };
  test.each<[string, PolicyRule, Attributes, boolean]>([
    ["names what it allows", { ...core, resources: ["pods"] }, pods("get"), true],
    ["allows no other verb", { ...core, resources: ["pods"] }, pods("list"), false],
    ["allows no other group", { ...core, apiGroups: ["apps"], resources: ["pods"] }, pods("get"), false],
    ["of all verbs", { ...core, verbs: ["*"], resources: ["pods"] }, pods("escalate"), true],
    ["of all groups", { ...core, apiGroups: ["*"], resources: ["pods"] }, pods("get", { group: "x.io" }), true],
    ["of all resources", { ...core, resources: ["*"] }, pods("get", { subresource: "log" }), true],
    ["of a resource says nothing of its parts", { ...core, resources: ["pods"] }, pods("get", { subresource: "log" }), false],
    ["of a part", { ...core, resources: ["pods/log"] }, pods("get", { subresource: "log" }), true],
    ["of a part says nothing of the whole", { ...core, resources: ["pods/log"] }, pods("get"), false],
    ["of a part of everything", { ...core, resources: ["*/scale"] }, pods("get", { subresource: "scale" }), true],
    ["of a part of everything is not of another", { ...core, resources: ["*/scale"] }, pods("get", { subresource: "xscale" }), false],
    ["pods/* is nothing special", { ...core, resources: ["pods/*"] }, pods("get", { subresource: "log" }), false],
    ["of a name", { ...core, resources: ["pods"], resourceNames: ["p"] }, pods("get", { name: "p" }), true],
    ["of a name is of no other", { ...core, resources: ["pods"], resourceNames: ["p"] }, pods("get", { name: "q" }), false],
    ["of a name is not of all", { ...core, resources: ["pods"], resourceNames: ["p"] }, pods("get"), false],
    ["of no names is of all", { ...core, resources: ["pods"], resourceNames: [] }, pods("get", { name: "q" }), true],
    ["in a namespace is in no other", { ...core, resources: ["pods"] }, pods("get", { namespace: "b" }), false],
    ["in a namespace is not in all", { ...core, resources: ["pods"] }, pods("get", { namespace: "" }), false],
  ])("%s", (_what, rule, asked, allowed) => {
    expect(indexWith([rule]).authorize(jane, asked).allowed).toBe(allowed);
  });

  test.each([
    ["/metrics", "/metrics", true],
    ["/metrics", "/metrics/", false],
    ["/logs/*", "/logs/x/y", true],
    ["/logs/*", "/logs", false],
    ["/log*", "/logs", true],
    ["*", "/anything", true],
  ])("of %s allows %s: %s", (url, path, allowed) => {
    const index = indexWith([{ verbs: ["get"], nonResourceURLs: [url] }], user("jane"), "");
    expect(index.authorize(jane, { type: "page", method: "get", path }).allowed).toBe(allowed);
    expect(index.authorize(jane, { type: "page", method: "post", path }).allowed).toBe(false);
  });
});

describe("a binding", () => {
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
  const account: Identity = { user: "system:serviceaccount:a:bot", groups: ["system:serviceaccounts"] };
  test.each<[string, RbacSubject, Identity, string]>([
    ["a user", user("jane"), jane, 'RBAC: allowed by RoleBinding "b/a" of Role "r" to User "jane"'],
    ["a group", { kind: "Group", apiGroup: RBAC, name: "dev" }, jane, 'RBAC: allowed by RoleBinding "b/a" of Role "r" to Group "dev"'],
    [
      "a service account",
      { kind: "ServiceAccount", name: "bot", namespace: "a" },
      account,
      'RBAC: allowed by RoleBinding "b/a" of Role "r" to ServiceAccount "bot/a"',
    ],
    [
      "a service account of its own namespace",
      { kind: "ServiceAccount", name: "bot" },
      account,
      'RBAC: allowed by RoleBinding "b/a" of Role "r" to ServiceAccount "bot/a"',
    ],
  ])("of %s says why", (_what, subject, who, reason) => {
    expect(indexWith(rules, subject).authorize(who, pods("get"))).toEqual({ allowed: true, reason });
  });

  test("that names somebody twice counts once", () => {
    const index = new RoleIndex();
    const subjects = [user("jane"), { kind: "Group", apiGroup: RBAC, name: "dev" }];
    index.setRole("roles/a/r", rules);
    index.setBinding("k", "b", "a", { apiGroup: RBAC, kind: "Role", name: "r" }, subjects);
    expect(index.rulesFor(jane, "a").rules).toEqual(rules);
  });

  test("of all namespaces needs the namespace of a service account", () => {
    expect(indexWith(rules, { kind: "ServiceAccount", name: "bot" }, "").authorize(account, pods("get")).allowed).toBe(false);
  });

  test("to a role that is not there is the reason of a refusal", () => {
    const index = new RoleIndex();
    index.setBinding("k", "b", "a", { apiGroup: RBAC, kind: "ClusterRole", name: "gone" }, [user("jane")]);
    const reason = 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found';
    expect(index.authorize(jane, pods("get"))).toEqual({ allowed: false, reason });
  });

  test("holds until it goes, and again when its role comes", () => {
    const index = indexWith(rules);
    expect(index.authorize(jane, pods("get")).allowed).toBe(true);
    index.setRole("roles/a/r", undefined);
    expect(index.authorize(jane, pods("get")).allowed).toBe(false);
    index.setRole("roles/a/r", rules);
    expect(index.authorize(jane, pods("get")).allowed).toBe(true);
    index.removeBinding("k");
    expect(index.authorize(jane, pods("get"))).toEqual({ allowed: false, reason: "" });
  });
});

describe("whoever gives rules away", () => {
  const held = [
    { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
    { apiGroups: ["apps"], resources: ["*/scale"], verbs: ["*"] },
    { nonResourceURLs: ["/logs/*"], verbs: ["get"] },
    { apiGroups: [""], resources: ["secrets"], resourceNames: ["mine"], verbs: ["get"] },
  ];
  test.each<[string, PolicyRule, string | undefined]>([
    ["what they have", { apiGroups: [""], resources: ["pods"], verbs: ["list"] }, undefined],
    ["one name of what they have", { apiGroups: [""], resources: ["pods"], resourceNames: ["p"], verbs: ["get"] }, undefined],
    ["a part of everything", { apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["patch"] }, undefined],
    ["paths below theirs", { nonResourceURLs: ["/logs/a/*"], verbs: ["get"] }, undefined],
    [
      "all names of one",
      { apiGroups: [""], resources: ["secrets"], verbs: ["get"] },
      '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
    ],
    [
      "two names of one",
      { apiGroups: [""], resources: ["secrets"], resourceNames: ["mine", "b", "a"], verbs: ["get"] },
      '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}\n{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get"]}',
    ],
    ["another path", { nonResourceURLs: ["/metrics"], verbs: ["get"] }, '{NonResourceURLs:["/metrics"], Verbs:["get"]}'],
    ["every verb", { apiGroups: [""], resources: ["pods"], verbs: ["*"] }, '{APIGroups:[""], Resources:["pods"], Verbs:["*"]}'],
  ])("must have %s", (_what, wanted, missing) => {
    const words = `user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n${missing}`;
    expect(escalation(jane, held, [wanted], [])).toBe(missing === undefined ? undefined : words);
  });
});

const DEFAULTS = defaultRoles();

/** The decision worked out a second time, from the objects alone and with nothing of the index. */
function oracle(identity: Identity, asked: Extract<Attributes, { type: "resource" }>): boolean {
  const { clusterRoles, roles, clusterRoleBindings, roleBindings } = DEFAULTS;
  const names = new Set([`User/${identity.user}`, ...identity.groups.map((group) => `Group/${group}`)]);
  const [, , namespace, name] = identity.user.split(":");
  if (identity.user.startsWith("system:serviceaccount:")) names.add(`ServiceAccount/${namespace}/${name}`);
  const bound = [...clusterRoleBindings, ...roleBindings.filter(({ metadata }) => metadata.namespace === asked.namespace)].filter(
    ({ subjects = [] }) =>
      subjects.some(({ kind, name, namespace }) =>
        names.has(kind === "ServiceAccount" ? `${kind}/${namespace}/${name}` : `${kind}/${name}`),
      ),
  );
  const what = asked.subresource === "" ? asked.resource : `${asked.resource}/${asked.subresource}`;
  return bound.some(({ roleRef, metadata }) => {
    const found =
      roleRef.kind === "Role"
        ? roles.find((role) => role.metadata.name === roleRef.name && role.metadata.namespace === metadata.namespace)
        : clusterRoles.find((role) => role.metadata.name === roleRef.name);
    return (found?.rules ?? []).some(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) => {
      const has = (list: readonly string[], one: string): boolean => list.includes("*") || list.includes(one);
      const named = resourceNames.length === 0 || resourceNames.includes(asked.name);
      return (
        has(verbs, asked.verb) &&
        has(apiGroups, asked.group) &&
        (has(resources, what) || resources.includes(`*/${asked.subresource}`)) &&
        named
      );
    });
  });
}

test("every subject of the defaults may do to every resource what an oracle says", async () => {
  const { default: reference } = await import("../../actors/kinds/reference.json", { with: { type: "json" } });
  const defaults = DEFAULTS;
  const index = new RoleIndex();
  for (const { metadata, rules = [] } of defaults.clusterRoles) index.setRole(`clusterroles/${metadata.name}`, rules);
  for (const { metadata, rules = [] } of defaults.roles) index.setRole(`roles/${metadata.namespace}/${metadata.name}`, rules);
  for (const { metadata, roleRef, subjects = [] } of [...defaults.clusterRoleBindings, ...defaults.roleBindings]) {
    index.setBinding(`${metadata.namespace}/${metadata.name}`, metadata.name, metadata.namespace ?? "", roleRef, subjects);
  }
  const subjects = [...defaults.clusterRoleBindings, ...defaults.roleBindings].flatMap(({ subjects = [] }) => subjects);
  const identities = new Map<string, Identity>();
  for (const { kind, name, namespace } of subjects) {
    const of: Identity =
      kind === "Group"
        ? { user: "u", groups: [name] }
        : { user: kind === "User" ? name : `system:serviceaccount:${namespace}:${name}`, groups: [] };
    identities.set(JSON.stringify(of), of);
  }
  const wrong: string[] = [];
  let allowed = 0;
  for (const identity of identities.values()) {
    for (const { group, plural, verbs, subresources } of reference) {
      const parts: [string, readonly string[]][] = [["", verbs], ...(subresources as unknown as [string, readonly string[]][])];
      for (const [subresource, partVerbs] of parts) {
        for (const verb of partVerbs) {
          for (const namespace of ["", "default", "kube-system"]) {
            const asked = onResource({ verb, group, resource: plural, subresource, namespace }) as Extract<
              Attributes,
              { type: "resource" }
            >;
            const got = index.authorize(identity, asked).allowed;
            if (got) allowed++;
            if (got !== oracle(identity, asked))
              wrong.push(`${identity.user} ${identity.groups} ${verb} ${plural}/${subresource} in "${namespace}"`);
          }
        }
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(allowed).toBeGreaterThan(1_000);
});
