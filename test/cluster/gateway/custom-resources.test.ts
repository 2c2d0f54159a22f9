import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const V1 = "/apis/example.com/v1/namespaces/default/things";
const GVK = { apiVersion: "example.com/v1", kind: "Thing" };

const SCHEMA = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: { size: { type: "integer" }, replicas: { type: "integer" }, text: { type: "string", nullable: true } },
    },
    status: { type: "object", properties: { phase: { type: "string", enum: ["Up", "Down"] } } },
  },
};

function definition(spec: object = {}): Json {
  const subresources = { status: {}, scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" } };
  const versions = [
    { name: "v1", served: true, storage: true, subresources, schema: { openAPIV3Schema: SCHEMA } },
    { name: "v1beta1", served: true, storage: false, deprecated: true, schema: { openAPIV3Schema: SCHEMA } },
  ];
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.example.com" },
    spec: { group: "example.com", scope: "Namespaced", names: { plural: "things", kind: "Thing" }, versions, ...spec },
  };
}

const TRIES_MAX = 500;

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway();
  const created = await server.call("POST", DEFINITIONS, definition());
  expect(created.status).toBe(201);
  expect(created.json().status).toEqual({ acceptedNames: { kind: "", plural: "" }, conditions: null, storedVersions: ["v1"] });
  await untilStatus("/apis/example.com/v1", 200);
});
afterAll(() => server.stop());

async function untilStatus(path: string, status: number): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) if ((await server.call("GET", path)).status === status) return;
  expect.fail(`${path} never answered ${status}`);
}

async function create(name: string, rest: object = { spec: { size: 1 } }): Promise<Json> {
  const answer = await server.call("POST", V1, { ...GVK, metadata: { name }, ...rest });
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

function merge(path: string, body: object): ReturnType<TestGateway["call"]> {
  return server.call("PATCH", path, body, { "content-type": "application/merge-patch+json" });
}

describe("custom resources", () => {
  test("are listed as their kind, watched, and counted by generation", async () => {
    const made = await create("a");
    const watch = await server.watch(`${V1}?watch=1&resourceVersion=${made.metadata.resourceVersion}`);
    expect((await merge(`${V1}/a`, { metadata: { labels: { x: "y" } } })).json().metadata.generation).toBe(1);
    expect((await merge(`${V1}/a`, { spec: { size: 2 } })).json().metadata.generation).toBe(2);
    await watch.next();
    expect(await watch.next()).toMatchObject({ type: "MODIFIED", object: { ...GVK, spec: { size: 2 } } });
    watch.close();
    const list = (await server.call("GET", V1)).json();
    expect(list).toMatchObject({ apiVersion: "example.com/v1", kind: "ThingList" });
  });

  test("take HEAD for a reading, which built-in kinds do not", async () => {
    expect((await server.call("HEAD", V1)).status).toBe(200);
    expect((await server.call("HEAD", "/api/v1/configmaps")).status).toBe(405);
  });

  test("an update names the revision that it changes", async () => {
    const made = await create("b");
    const { resourceVersion: _none, ...metadata } = made.metadata;
    const refused = await server.call("PUT", `${V1}/b`, { ...made, metadata });
    expect(refused.status).toBe(422);
    expect(refused.json().message).toBe(
      'things.example.com "b" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
    );
    expect((await server.call("PUT", `${V1}/b`, { ...made, spec: { size: 2 } })).json().spec).toEqual({ size: 2 });
  });

  test("a body must say what it is", async () => {
    const nameless = await server.call("POST", V1, { apiVersion: "example.com/v1", metadata: { name: "c" } });
    expect(nameless.json().message).toContain(
      'Thing in version "v1" cannot be handled as a Thing: Object \'Kind\' is missing in \'{"apiVersion"',
    );
    const other = await server.call("POST", V1, { ...GVK, apiVersion: "example.com/v1beta1", metadata: { name: "c" } });
    expect(other.json().message).toBe(
      "the API version in the data (example.com/v1beta1) does not match the expected API version (example.com/v1)",
    );
    const wrong = await server.call("POST", V1, { ...GVK, kind: "Other", metadata: { name: "c" } });
    expect(wrong.json().message).toBe('Thing.example.com "c" is invalid: kind: Invalid value: "Other": must be Thing');
    const odd = await server.call("POST", V1, { ...GVK, metadata: { name: "c", labels: { a: true } } });
    expect(odd.json()).toMatchObject({
      code: 400,
      message: expect.stringContaining("cannot unmarshal bool into Go struct field ObjectMeta"),
    });
  });

  test("a status is validated through its own door, and nothing else goes through it", async () => {
    await create("d", { spec: { size: 1 }, status: { phase: "Up" } });
    const status = `${V1}/d/status`;
    const refused = await merge(status, { status: { phase: "Sideways" } });
    expect(refused.json().message).toContain('status.phase: Unsupported value: "Sideways": supported values: "Up", "Down"');
    const changed = await merge(status, { spec: { size: 9 }, status: { phase: "Down" } });
    expect(changed.json()).toMatchObject({ spec: { size: 1 }, status: { phase: "Down" }, metadata: { generation: 1 } });
    expect((await merge(`${V1}/d`, { status: { phase: "Up" } })).json().status).toEqual({ phase: "Down" });
  });

  test("a null stays where it may be", async () => {
    expect((await create("e", { spec: { text: null, size: null } })).spec).toEqual({ text: null });
  });

  test("what has no replicas has no Scale", async () => {
    await create("f");
    const answer = await server.call("GET", `${V1}/f/scale`);
    expect(answer.json()).toMatchObject({
      code: 500,
      message: 'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
    });
  });

  test("a deprecated version warns", async () => {
    const { headers } = await server.call("GET", "/apis/example.com/v1beta1/things");
    expect(headers.warning).toBe('299 - "example.com/v1beta1 Thing is deprecated"');
  });

  test("a new default shows in what was stored before it, and a field that is gone does not", async () => {
    await create("g", { spec: { size: 1, text: "x" } });
    const properties = { size: { type: "integer" }, mode: { type: "string", default: "new" } };
    const schema = { type: "object", properties: { spec: { type: "object", properties } } };
    const current = (await server.call("GET", `${DEFINITIONS}/things.example.com`)).json();
    for (const version of current.spec.versions) version.schema = { openAPIV3Schema: schema };
    expect((await server.call("PUT", `${DEFINITIONS}/things.example.com`, current)).status).toBe(200);
    let spec: Json;
    for (let tries = 0; tries < TRIES_MAX && spec?.mode === undefined; tries++) spec = (await server.call("GET", `${V1}/g`)).json().spec;
    expect(spec).toEqual({ size: 1, mode: "new" });
  });

  test("a finalizer of one of them holds the definition, and nothing new is made meanwhile", async () => {
    await create("h", { metadata: { name: "h", finalizers: ["example.com/wait"] } });
    const deleted = (await server.call("DELETE", `${DEFINITIONS}/things.example.com`)).json();
    expect(deleted.metadata.finalizers).toEqual(["customresourcecleanup.apiextensions.k8s.io"]);
    expect(deleted.status.conditions.at(-1)).toMatchObject({ type: "Terminating", status: "True", reason: "InstanceDeletionPending" });
    await untilStatus(`${V1}/a`, 404);
    const refused = await server.call("POST", V1, { ...GVK, metadata: { name: "i" } });
    expect(refused.json()).toMatchObject({ code: 405, message: "create not allowed while custom resource definition is terminating" });
    expect((await server.call("GET", `${V1}/h`)).status).toBe(200);
    await merge(`${V1}/h`, { metadata: { finalizers: null } });
    await untilStatus(`${DEFINITIONS}/things.example.com`, 404);
    await untilStatus("/apis/example.com/v1", 404);
  });
});
