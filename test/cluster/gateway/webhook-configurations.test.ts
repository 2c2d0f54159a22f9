import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const MERGE = { "content-type": "application/merge-patch+json" };
const SELECTOR = "labelSelector=made%3Dhere";
/** Nobody listens there: who is asked by this webhook is refused, so that refusals tell what is asked. */
const NOBODY = "https://127.0.0.1:9/";
const UNREACHABLE = /failed calling webhook \\"w.example.com\\"/;

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway();
});
afterAll(() => server.stop());

interface Rule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly string[];
  readonly resources: readonly string[];
}

const rule = (resource: string, operation = "CREATE", group = ""): Rule => ({
  apiGroups: [group],
  apiVersions: ["*"],
  operations: [operation],
  resources: [resource],
});

function configuration(name: string, rules: readonly Rule[], more: object = {}): object {
  const webhook = {
    name: "w.example.com",
    clientConfig: { url: NOBODY },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    rules,
    ...more,
  };
  return { metadata: { name, labels: { made: "here" } }, webhooks: [webhook] };
}

const call = (method: string, path: string, body?: object, headers?: Record<string, string>) => server.call(method, path, body, headers);

async function made(path: string, body: object): Promise<Json> {
  const answer = await call("POST", path, body);
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

let serial = 0;
const createConfigMap = (data: object = {}) =>
  call("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name: `c${serial++}` }, data });

describe.each([["validatingwebhookconfigurations"], ["mutatingwebhookconfigurations"]])("%s", (plural) => {
  const path = `/apis/admissionregistration.k8s.io/v1/${plural}`;
  afterEach(() => call("DELETE", `${path}?${SELECTOR}`));

  test("hold as soon as they are made, and no longer when their collection is deleted", async () => {
    for (const name of ["a", "b"]) await made(path, configuration(name, [rule("configmaps")]));
    expect((await createConfigMap()).text).toMatch(UNREACHABLE);
    expect((await call("GET", `${path}?${SELECTOR}`)).json().items).toHaveLength(2);
    await call("DELETE", `${path}?${SELECTOR}`);
    expect((await createConfigMap()).status).toBe(201);
  });

  test("hold for what they say after they were updated and patched", async () => {
    const created = await made(path, configuration("a", [rule("configmaps")]));
    expect((await createConfigMap()).status).toBe(500);
    const [webhook] = created.webhooks;
    const updated = await call("PUT", `${path}/a`, { ...created, webhooks: [{ ...webhook, rules: [rule("configmaps", "UPDATE")] }] });
    expect(updated.status).toBe(200);
    expect((await createConfigMap()).status).toBe(201);
    await call("PATCH", `${path}/a`, { webhooks: [{ ...webhook, rules: [rule("configmaps")] }] }, MERGE);
    expect((await createConfigMap()).status).toBe(500);
  });

  test("with conditions hold where those are met", async () => {
    const matchConditions = [{ name: "big", expression: "has(object.data) && 'big' in object.data" }];
    await made(path, configuration("a", [rule("configmaps")], { matchConditions }));
    expect((await createConfigMap({ big: "1" })).status).toBe(500);
    expect((await createConfigMap({ small: "1" })).status).toBe(201);
    await call(
      "PATCH",
      `${path}/a`,
      { webhooks: [(configuration("a", [rule("configmaps")]) as { webhooks: object[] }).webhooks[0]] },
      MERGE,
    );
    expect((await createConfigMap({ small: "1" })).status).toBe(500);
  });

  test("with conditions that cannot be read are refused", async () => {
    const matchConditions = [{ name: "bad", expression: "... [] bad expression" }];
    const answer = await call("POST", path, configuration("a", [rule("configmaps")], { matchConditions }));
    expect([answer.status, answer.json().reason]).toEqual([422, "Invalid"]);
    expect(answer.json().message).toContain("webhooks[0].matchConditions[0].expression");
  });

  test("are in discovery", async () => {
    const groups = (await call("GET", "/apis")).json().groups.map((group: Json) => group.name);
    expect(groups).toContain("admissionregistration.k8s.io");
    const { versions } = (await call("GET", "/apis/admissionregistration.k8s.io")).json();
    expect(versions.map((version: Json) => version.version)).toContain("v1");
    const { resources } = (await call("GET", "/apis/admissionregistration.k8s.io/v1")).json();
    expect(resources.map((resource: Json) => resource.name)).toContain(plural);
  });
});

test("a definition, and what it defines, are asked about as anything else", async () => {
  const path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const schema = { openAPIV3Schema: { type: "object" } };
  const definition = {
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names: { plural: "things", kind: "Thing" },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
  await made(path, configuration("definitions", [rule("customresourcedefinitions", "CREATE", "apiextensions.k8s.io")]));
  expect((await call("POST", definitions, definition)).text).toMatch(UNREACHABLE);
  await call("DELETE", `${path}/definitions`);
  await made(definitions, definition);
  for (let tries = 0; tries < 500 && (await call("GET", "/apis/example.com/v1")).status !== 200; tries++);
  const thing = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "t" } };
  await made("/apis/example.com/v1/things", thing);
  await made(path, configuration("things", [{ ...rule("things", "*", "example.com") }]));
  expect((await call("POST", "/apis/example.com/v1/things", { ...thing, metadata: { name: "u" } })).text).toMatch(UNREACHABLE);
  expect((await call("PATCH", "/apis/example.com/v1/things/t", { a: 1 }, MERGE)).text).toMatch(UNREACHABLE);
  expect((await call("DELETE", "/apis/example.com/v1/things/t")).text).toMatch(UNREACHABLE);
  await call("DELETE", `${path}/things`);
});

test("attaching to a pod is asked about, reading its log is not", async () => {
  const path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
  await made("/api/v1/namespaces/default/pods", { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }] } });
  await made(path, configuration("attach", [rule("pods/attach", "CONNECT")]));
  const answer = await call("POST", "/api/v1/namespaces/default/pods/p/attach?stdout=true");
  expect(answer.text).toMatch(UNREACHABLE);
  // To read a log is not to connect.
  await made(path, configuration("log", [rule("pods/log", "CONNECT")]));
  expect((await call("GET", "/api/v1/namespaces/default/pods/p/log")).text).not.toMatch(UNREACHABLE);
  await call("DELETE", `${path}?${SELECTOR}`);
});

test("a policy sees the command that somebody wants to run in a pod", async () => {
  const policies = "/apis/admissionregistration.k8s.io/v1";
  const resourceRules = [rule("pods/exec", "CONNECT")];
  const validations = [{ expression: "!('sh' in object.command)", message: "no shells" }];
  await made(`${policies}/validatingadmissionpolicies`, {
    metadata: { name: "exec" },
    spec: { matchConstraints: { resourceRules }, validations },
  });
  await made(`${policies}/validatingadmissionpolicybindings`, {
    metadata: { name: "exec" },
    spec: { policyName: "exec", validationActions: ["Deny"] },
  });
  const exec = (command: string) => call("POST", `/api/v1/namespaces/default/pods/p/exec?stdout=true&command=${command}`);
  expect((await exec("sh")).json()).toMatchObject({ code: 422, message: expect.stringContaining("no shells") });
  expect((await exec("ls")).json().message).not.toContain("no shells");
});
