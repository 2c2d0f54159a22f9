/** What is said of the types in a policy's expressions. Source: apiserver's typechecking_test.go, for the form; the words are cel-go's. */
import { expect, test } from "vitest";
import { expressionWarnings, type ServedKinds } from "../../../actors/kinds/admissionregistration/type-checking.ts";
import type { ValidatingAdmissionPolicy } from "../../../actors/kinds/generated/types.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";

const KINDS: ServedKinds = new KindTable();

type Spec = NonNullable<ValidatingAdmissionPolicy["spec"]>;

function warnings(spec: Spec, ...resources: [group: string, version: string, plural: string][]) {
  const resourceRules = resources.map(([group, version, plural]) => ({
    apiGroups: [group],
    apiVersions: [version],
    resources: [plural],
    operations: ["*"],
  }));
  return expressionWarnings({ spec: { matchConstraints: { resourceRules }, ...spec } }, KINDS);
}

const DEPLOYMENTS: [string, string, string] = ["apps", "v1", "deployments"];

test.each([
  "object.spec.replicas <= 5",
  "oldObject == null || object.spec.replicas >= oldObject.spec.replicas",
  "object != null && null != oldObject && object.spec.template.spec.securityContext != null",
  "has(object.metadata.labels) && 'app' in object.metadata.labels",
  "object.metadata.labels.app == 'x' || object.metadata.labels['app'] == 'y'",
  "object.spec.template.spec.containers.all(c, c.image.startsWith('r/') && !has(c.securityContext))",
  "object.spec.template.spec.containers.exists(c, quantity(c.resources.limits['cpu']).isGreaterThan(quantity('1')))",
  "object.metadata.?annotations[?'a'].orValue('') != ''",
  "object.metadata.creationTimestamp < timestamp('2030-01-01T00:00:00Z')",
  "object.spec.strategy.rollingUpdate.maxSurge == 1",
  "object.spec.template.spec.containers.map(c, c.name).size() == 1",
  "object == oldObject",
  "object.metadata.ownerReferences.filter(o, o.controller).size() == 0",
  "variables.absent.anything == 1 || true",
  "authorizer.group('').resource('pods').check('get').allowed()",
  "request.userInfo.username == object.metadata.name",
  "string(object.spec.replicas) + object.kind + object.apiVersion == ''",
])("nothing about %s", (expression) => {
  const variables = [{ name: "absent", expression: "object.nothing" }];
  expect(warnings({ validations: [{ expression }], variables }, DEPLOYMENTS)).toBeUndefined();
});

test("fields that are not there, types that do not fit", () => {
  const validations = [
    { expression: "object.foo < 5" },
    { expression: "true", messageExpression: "'a' + object.spec.replicas" },
    { expression: "variables.n > 'x'" },
  ];
  const found = warnings({ validations, variables: [{ name: "n", expression: "object.spec.replicas + 1" }] }, DEPLOYMENTS);
  expect(found).toEqual([
    {
      fieldRef: "spec.validations[0].expression",
      warning: "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'foo'\n | object.foo < 5\n | ......^\n",
    },
    {
      fieldRef: "spec.validations[1].messageExpression",
      warning:
        "apps/v1, Kind=Deployment: ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, int)'\n | 'a' + object.spec.replicas\n | ....^\n",
    },
    {
      fieldRef: "spec.validations[2].expression",
      warning:
        "apps/v1, Kind=Deployment: ERROR: <input>:1:13: found no matching overload for '_>_' applied to '(int, string)'\n | variables.n > 'x'\n | ............^\n",
    },
  ]);
});

test("each kind for which it is wrong, in order; rules with a wildcard are about nothing in particular", () => {
  const spec = { validations: [{ expression: "object.spec.nodeName == ''" }] };
  const [found] = warnings(spec, DEPLOYMENTS, ["", "v1", "pods"], ["apps", "v1", "replicasets"], ["apps", "v1", "nothing"]) ?? [];
  const said = (kind: string): string =>
    `apps/v1, Kind=${kind}: ERROR: <input>:1:12: undefined field 'nodeName'\n | object.spec.nodeName == ''\n | ...........^\n`;
  expect(found?.warning).toBe(`${said("Deployment")}\n${said("ReplicaSet")}`);
  for (const wild of [
    ["*", "v1", "deployments"],
    ["apps", "*", "deployments"],
    ["apps", "v1", "*"],
    ["apps", "v1", "deployments/scale"],
  ]) {
    expect(warnings(spec, wild as [string, string, string])).toBeUndefined();
  }
});

test("parameters have the type of their kind; of an unknown kind there are none", () => {
  const validations = [{ expression: "params.data['a'] == 1" }];
  expect(warnings({ validations, paramKind: { apiVersion: "v1", kind: "ConfigMap" } }, DEPLOYMENTS)?.[0]?.warning).toContain(
    "found no matching overload for '_==_' applied to '(string, int)'",
  );
  expect(warnings({ validations, paramKind: { apiVersion: "example.com/v1", kind: "Limit" } }, DEPLOYMENTS)?.[0]?.warning).toContain(
    "undeclared reference to 'params'",
  );
});
