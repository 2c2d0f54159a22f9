import { expect, test } from "vitest";
import type { ClusterRole, ClusterRoleBinding } from "../../../actors/kinds/generated/types.ts";
import { AUTO_UPDATE, defaultRoles } from "../../../cluster/access/authorization/default-roles.ts";
import { reconciledBinding, reconciledRole } from "../../../cluster/access/authorization/reconcile-roles.ts";

const named = <T extends { readonly metadata: { readonly name: string } }>(all: readonly T[], name: string): T => {
  const found = all.find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`no default is called ${name}`);
  return found;
};
const { clusterRoles, clusterRoleBindings } = defaultRoles();
const role = (): ClusterRole => structuredClone(named(clusterRoles, "system:basic-user"));
const binding = (): ClusterRoleBinding => structuredClone(named(clusterRoleBindings, "system:basic-user"));
const own = { apiGroups: ["x.io"], resources: ["things"], verbs: ["get"] };

test("a role that has all is left alone, and so is what was added to it", () => {
  expect(reconciledRole(role(), role())).toBeUndefined();
  expect(reconciledRole({ ...role(), rules: [...(role().rules ?? []), own] }, role())).toBeUndefined();
});

test("what is missing of a role comes back beside what was added", () => {
  const next = reconciledRole({ ...role(), rules: [own] }, role());
  expect(next?.rules?.[0]).toEqual(own);
  expect(next?.rules).toContainEqual({ apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] });
});

test("whoever wants a default to themselves says so", () => {
  const mine = { ...role(), rules: [], metadata: { ...role().metadata, annotations: { [AUTO_UPDATE]: "false" } } };
  expect(reconciledRole(mine, role())).toBeUndefined();
});

test("a role that is made of others keeps its selectors", () => {
  const view = structuredClone(named(clusterRoles, "view"));
  const mine = { clusterRoleSelectors: [{ matchLabels: { mine: "true" } }] };
  expect(reconciledRole({ ...view, aggregationRule: mine }, view)?.aggregationRule?.clusterRoleSelectors).toEqual([
    { matchLabels: { mine: "true" } },
    { matchLabels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
  ]);
});

test("a binding gets back who is missing, and is made anew when it binds to another role", () => {
  expect(reconciledBinding(binding(), binding())).toBeUndefined();
  const someone = { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" };
  const next = reconciledBinding({ ...binding(), subjects: [someone] }, binding());
  expect(next).toMatchObject({ subjects: [someone, ...(binding().subjects ?? [])] });
  expect(reconciledBinding({ ...binding(), roleRef: { ...binding().roleRef, name: "other" } }, binding())).toBe("replace");
});
