import { afterEach, expect, test } from "vitest";
import { ValidatingAdmissionPolicyKind } from "../../../actors/kinds/admissionregistration/validating-admission-policy.ts";
import { CustomResourceDefinitionKind } from "../../../actors/kinds/apiextensions/custom-resource-definition.ts";
import type { CustomResourceDefinition, ValidatingAdmissionPolicy } from "../../../actors/kinds/generated/types.ts";
import { named } from "../registry/harness.ts";
import { startCluster, type TestCluster } from "./harness.ts";

let cluster: TestCluster | undefined;
afterEach(() => cluster?.stop());

const KEY = "validatingadmissionpolicies.admissionregistration.k8s.io/p";

function policy(expression: string, [group, plural]: readonly [string, string]): ValidatingAdmissionPolicy {
  const resourceRules = [{ apiGroups: [group], apiVersions: ["v1"], resources: [plural], operations: ["CREATE"] }];
  return named<ValidatingAdmissionPolicy>("p", undefined, { spec: { matchConstraints: { resourceRules }, validations: [{ expression }] } });
}

test("the status says what is wrong, and of which generation", async () => {
  const run = await startCluster({ nodes: 0, controllers: ["validating-admission-policy-status"] });
  cluster = run;
  const status = (): ValidatingAdmissionPolicy["status"] => run.view.get<ValidatingAdmissionPolicy>(KEY)?.status;
  await run.registry.create(ValidatingAdmissionPolicyKind, policy("object.spec.replicas > 'x'", ["apps", "deployments"]));
  await run.until("a warning", () => status()?.observedGeneration === 1);
  expect(status()?.typeChecking).toEqual({
    expressionWarnings: [
      {
        fieldRef: "spec.validations[0].expression",
        warning:
          "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > 'x'\n | .....................^\n",
      },
    ],
  });
  await run.registry.modify(ValidatingAdmissionPolicyKind, undefined, "p", (current) => ({
    ...current,
    ...{ spec: { ...current.spec, validations: [{ expression: "object.spec.replicas > 1" }] } },
  }));
  await run.until("no warning", () => status()?.observedGeneration === 2);
  expect(status()?.typeChecking).toEqual({});
});

test("custom resources have the types of their definition", async () => {
  const run = await startCluster({ nodes: 0, controllers: ["validating-admission-policy-status"] });
  cluster = run;
  const names = { plural: "crons", singular: "cron", kind: "Cron", listKind: "CronList" };
  const spec = { type: "object", properties: { replicas: { type: "integer" } } };
  const schema = { openAPIV3Schema: { type: "object", properties: { spec } } };
  const versions = [{ name: "v1", served: true, storage: true, schema }];
  await run.registry.create(
    CustomResourceDefinitionKind,
    named<CustomResourceDefinition>("crons.example.com", undefined, {
      spec: { group: "example.com", names, scope: "Namespaced", versions },
    }),
  );
  const conditions = ["NamesAccepted", "Established"].map((type) => ({ type, status: "True" }));
  await run.registry.modify(
    CustomResourceDefinitionKind,
    undefined,
    "crons.example.com",
    (current) => ({ ...current, status: { acceptedNames: names, storedVersions: ["v1"], conditions } }),
    { subresource: "status" },
  );
  const expression = "object.spec.replicas > 1 && object.metadata.labels.size() > 0 && object.spec.size > 1";
  await run.registry.create(ValidatingAdmissionPolicyKind, policy(expression, ["example.com", "crons"]));
  const status = (): ValidatingAdmissionPolicy["status"] => run.view.get<ValidatingAdmissionPolicy>(KEY)?.status;
  await run.until("a warning", () => status()?.observedGeneration === 1);
  expect(status()?.typeChecking?.expressionWarnings?.[0]?.warning).toMatch(
    /^example\.com\/v1, Kind=Cron: ERROR: <input>:1:77: undefined field 'size'\n/,
  );
});
