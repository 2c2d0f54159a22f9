import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const MERGE = { "content-type": "application/merge-patch+json" };
const TRIES_MAX = 500;
const ANYTHING = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const SIZED = { type: "object", properties: { spec: { type: "object", required: ["size"], properties: { size: { type: "integer" } } } } };

interface Version {
  readonly name: string;
  readonly served?: boolean;
  readonly storage?: boolean;
  readonly schema?: object;
}

function definition(group: string, kind: string, versions: readonly Version[], metadata: object = {}): Json {
  const plural = `${kind.toLowerCase()}s`;
  return {
    metadata: { name: `${plural}.${group}`, ...metadata },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, kind },
      versions: versions.map(({ name, served = true, storage = false, schema = SIZED }) => ({
        name,
        served,
        storage,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
      })),
    },
  };
}

let server: TestGateway;
beforeEach(async () => {
  server = await startGateway();
});
afterEach(() => server.stop());

async function answered(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Json> {
  const answer = await server.call(method, path, body, headers);
  expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
  return answer.json();
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) if (await holds()) return;
  expect.fail(what);
}

async function define(made: Json): Promise<void> {
  await answered("POST", DEFINITIONS, made);
  const { group, versions } = made.spec;
  const name = versions.find((version: Version) => version.served !== false).name;
  await until("served", async () => (await server.call("GET", `/apis/${group}/${name}`)).status === 200);
}

/** The names of a document's schemas, of version 3 of one group. */
async function published(group: string, version: string): Promise<Json> {
  const answer = await server.call("GET", `/openapi/v3/apis/${group}/${version}`);
  return answer.status === 200 ? answer.json().components.schemas : {};
}

describe("definitions", () => {
  test("are listed, watched, deleted one by one and together", async () => {
    const labels = { made: "here" };
    for (const kind of ["One", "Two", "Three"]) await define(definition("example.com", kind, [{ name: "v1", storage: true }], { labels }));
    const list = await answered("GET", `${DEFINITIONS}?labelSelector=made%3Dhere`);
    expect(list.items.map((item: Json) => item.spec.names.kind).sort()).toEqual(["One", "Three", "Two"]);
    await answered("DELETE", `${DEFINITIONS}/ones.example.com`);
    await answered("DELETE", `${DEFINITIONS}?labelSelector=made%3Dhere`);
    await until("all gone", async () => (await answered("GET", DEFINITIONS)).items.length === 0);
  });

  test("have a status that is read, patched and updated through its own door", async () => {
    await define(definition("example.com", "Thing", [{ name: "v1", storage: true }]));
    const path = `${DEFINITIONS}/things.example.com/status`;
    const condition = { type: "Tested", status: "True", reason: "r", message: "m", lastTransitionTime: "2026-01-01T00:00:00Z" };
    const read = await answered("GET", path);
    expect(read.status.acceptedNames.plural).toBe("things");
    const updated = await answered("PUT", path, {
      ...read,
      status: { ...read.status, conditions: [...read.status.conditions, condition] },
    });
    expect(updated.status.conditions.map((one: Json) => one.type)).toContain("Tested");
    const patched = await answered("PATCH", path, { status: { storedVersions: ["v1"], conditions: [condition] } }, MERGE);
    expect(patched.status.conditions).toContainEqual(condition);
  });

  test("give defaults to what is asked for, and to what was stored before them", async () => {
    const made = definition("example.com", "Thing", [{ name: "v1", storage: true, schema: ANYTHING }]);
    await define(made);
    const things = "/apis/example.com/v1/namespaces/default/things";
    await answered("POST", things, { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "old" } });
    const schema = { type: "object", properties: { a: { type: "string", default: "A" } } };
    await answered(
      "PATCH",
      `${DEFINITIONS}/things.example.com`,
      { spec: { versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }] } },
      MERGE,
    );
    await until("the default", async () => (await answered("GET", `${things}/old`)).a === "A");
    const created = await answered("POST", things, { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "new" } });
    expect(created.a).toBe("A");
  });
});

describe("what OpenAPI says of them", () => {
  test.each([
    ["with a schema", SIZED, { spec: { properties: { size: { type: "integer" } } } }],
    ["without one", ANYTHING, undefined],
    [
      "with an embedded part of any shape",
      { type: "object", properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } },
      { spec: { "x-kubernetes-preserve-unknown-fields": true } },
    ],
  ])("%s", async (_what, schema, properties) => {
    await define(definition("example.com", "Thing", [{ name: "v1", storage: true, schema }]));
    await until("published", async () => "com.example.v1.Thing" in (await published("example.com", "v1")));
    const thing = (await published("example.com", "v1"))["com.example.v1.Thing"];
    if (properties !== undefined) expect(thing.properties).toMatchObject(properties);
    expect(thing["x-kubernetes-group-version-kind"]).toEqual([{ group: "example.com", version: "v1", kind: "Thing" }]);
    const { definitions } = await answered("GET", "/openapi/v2");
    expect(definitions["com.example.v1.Thing"]).toBeDefined();
  });

  test("of several groups, of several versions of one, and of several kinds of one version", async () => {
    await define(definition("example.com", "Thing", [{ name: "v1", storage: true }, { name: "v2" }]));
    await define(definition("example.com", "Other", [{ name: "v1", storage: true }]));
    await define(definition("example.org", "Thing", [{ name: "v1", storage: true }]));
    const wanted = ["com.example.v1.Other", "com.example.v1.Thing", "com.example.v2.Thing", "org.example.v1.Thing"];
    await until("published", async () => {
      const { definitions } = await answered("GET", "/openapi/v2");
      return wanted.every((name) => name in definitions);
    });
  });

  test("goes when a version is served no more, and is called otherwise when it is", async () => {
    const made = definition("example.com", "Thing", [{ name: "v2" }, { name: "v3", storage: true }]);
    await define(made);
    await until(
      "both",
      async () =>
        "com.example.v2.Thing" in (await published("example.com", "v2")) &&
        "com.example.v3.Thing" in (await published("example.com", "v3")),
    );
    const [second, third] = made.spec.versions;
    await answered("PATCH", `${DEFINITIONS}/things.example.com`, { spec: { versions: [{ ...second, name: "v4" }, third] } }, MERGE);
    await until("renamed", async () => "com.example.v4.Thing" in (await published("example.com", "v4")));
    expect(await published("example.com", "v2")).toEqual({});
    await answered(
      "PATCH",
      `${DEFINITIONS}/things.example.com`,
      { spec: { versions: [{ ...second, name: "v4", served: false }, third] } },
      MERGE,
    );
    await until("gone", async () => !("com.example.v4.Thing" in (await published("example.com", "v4"))));
    expect("com.example.v3.Thing" in (await published("example.com", "v3"))).toBe(true);
  });
});

describe("fields that the schema does not know", () => {
  const thing = (spec: object, metadata: object = {}): object => ({
    apiVersion: "example.com/v1",
    kind: "Thing",
    metadata: { name: "t", ...metadata },
    spec,
  });
  const things = "/apis/example.com/v1/namespaces/default/things";
  const strict = `${things}?fieldValidation=Strict`;
  const applied = `${things}/t?fieldManager=m&fieldValidation=Strict`;
  const APPLY = { "content-type": "application/apply-patch+yaml" };

  test.each([
    ["a valid one is created and applied", SIZED, thing({ size: 1 }), undefined],
    ["one with more is refused", SIZED, thing({ size: 1, more: 1 }), 'unknown field "spec.more"'],
    ["one with more is taken where anything goes", ANYTHING, thing({ size: 1, more: 1 }), undefined],
    ["unknown metadata is refused all the same", ANYTHING, thing({}, { more: 1 }), 'unknown field "metadata.more"'],
  ])("%s", async (_what, schema, body, refusal) => {
    await define(definition("example.com", "Thing", [{ name: "v1", storage: true, schema }]));
    for (const [method, path, headers, words] of [
      ["POST", strict, {}, refusal],
      ["PATCH", applied, APPLY, refusal && "field not declared in schema"],
    ] as const) {
      const answer = await server.call(method, path, body, headers);
      expect(answer.status >= 300 ? answer.json().message : undefined).toEqual(
        words === undefined ? undefined : expect.stringContaining(words),
      );
    }
  });

  test("a field that comes twice is refused where anything goes", async () => {
    await define(definition("example.com", "Thing", [{ name: "v1", storage: true, schema: ANYTHING }]));
    const text = '{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t"},"spec":{"a":1,"a":2}}';
    const answer = await server.call("POST", strict, text, { "content-type": "application/json" });
    expect([answer.status, answer.json().message]).toEqual([400, expect.stringContaining('duplicate field "spec.a"')]);
  });

  test("unknown metadata of an object within is refused, created or applied", async () => {
    const within = { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true };
    const schema = { type: "object", properties: { spec: { type: "object", properties: { template: within } } } };
    await define(definition("example.com", "Thing", [{ name: "v1", storage: true, schema }]));
    const body = thing({ template: { apiVersion: "v1", kind: "Sub", metadata: { name: "s", more: 1 } } });
    const created = await server.call("POST", strict, body);
    expect([created.status, created.json().message]).toEqual([400, expect.stringContaining('unknown field "spec.template.metadata.more"')]);
    const patched = await server.call("PATCH", applied, body, APPLY);
    expect(patched.json().message).toContain(".spec.template.metadata.more: field not declared in schema");
  });

  test("a key that comes twice in what is applied is refused with its line", async () => {
    await define(definition("example.com", "Thing", [{ name: "v1", storage: true, schema: ANYTHING }]));
    const text = "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: t\nspec:\n  foo: a\n  foo: b\n";
    const answer = await server.call("PATCH", applied, text, APPLY);
    expect(answer.json().message).toContain('line 7: key "foo" already set in map');
  });

  test("so is unknown metadata of a built-in kind", async () => {
    const body = { metadata: { name: "c", more: 1 } };
    const answer = await server.call("POST", "/api/v1/namespaces/default/configmaps?fieldValidation=Strict", body);
    expect([answer.status, answer.json().message]).toEqual([400, expect.stringContaining('unknown field "metadata.more"')]);
  });
});
