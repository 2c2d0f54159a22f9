import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWebhookServer, type WebhookServer } from "../outbound/webhook-server.ts";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const NAME = "points.example.com";
const OLD = "/apis/example.com/v1/namespaces/default/points";
const NEW = "/apis/example.com/v2/namespaces/default/points";
const MERGE = { "content-type": "application/merge-patch+json" };
const TRIES_MAX = 500;

const TEXT = { type: "string" };
const WHOLE = { type: "integer" };
const object = (properties: object): object => ({ type: "object", properties });
const V1 = object({ spec: object({ at: { ...TEXT, pattern: "^\\d+,\\d+$" } }) });
const V2 = object({ spec: object({ x: { ...WHOLE, minimum: 0 }, y: WHOLE }) });

let server: TestGateway;
let hooks: WebhookServer;
let asked: Json[] = [];
let failure: Json | "fail" | undefined;

/** `at: "1,2"` of v1 is `x: 1, y: 2` of v2. */
function convert(one: Json, desired: string): Json {
  const spec = one.spec ?? {};
  const [x = "0", y = "0"] = (spec.at ?? "").split(",");
  const next = desired.endsWith("/v2") ? { x: Number(x), y: Number(y) } : { at: `${spec.x},${spec.y}` };
  return {
    ...one,
    apiVersion: desired,
    spec: next,
    metadata: { ...one.metadata, labels: { ...one.metadata.labels, converted: "yes" }, finalizers: ["x/y"] },
  };
}

function definition(storage: "v1" | "v2"): Json {
  const columns = [{ name: "X", type: "integer", jsonPath: ".spec.x" }];
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: NAME },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "points", kind: "Point" },
      versions: [
        { name: "v1", served: true, storage: storage === "v1", schema: { openAPIV3Schema: V1 } },
        { name: "v2", served: true, storage: storage === "v2", schema: { openAPIV3Schema: V2 }, additionalPrinterColumns: columns },
      ],
      conversion: {
        strategy: "Webhook",
        webhook: { clientConfig: { url: hooks.url("/convert"), caBundle: hooks.caBundle }, conversionReviewVersions: ["v1"] },
      },
    },
  };
}

beforeAll(async () => {
  hooks = await startWebhookServer();
  hooks.on("/convert", ({ uid, objects, desiredAPIVersion }) => {
    asked.push({ desiredAPIVersion, objects });
    if (failure === "fail") return "fail";
    const response = {
      uid,
      result: { status: "Success" },
      convertedObjects: objects.map((one: Json) => convert(one, desiredAPIVersion)),
      ...failure,
    };
    return { raw: { kind: "ConversionReview", apiVersion: "apiextensions.k8s.io/v1", response } };
  });
  server = await startGateway();
  expect((await server.call("POST", DEFINITIONS, definition("v1"))).status).toBe(201);
  let status = 404;
  for (let tries = 0; tries < TRIES_MAX && status !== 200; tries++) status = (await server.call("GET", NEW)).status;
  expect(status).toBe(200);
});
afterAll(async () => {
  await server.stop();
  await hooks.stop();
});

const point = (version: string, name: string, spec: object): Json => ({
  apiVersion: `example.com/${version}`,
  kind: "Point",
  metadata: { name },
  spec,
});

describe("versions that a webhook converts", () => {
  test("are each read and written in their own form", async () => {
    const made = await server.call("POST", NEW, point("v2", "a", { x: 1, y: 2 }));
    expect(made.status, made.text).toBe(201);
    expect(made.json()).toMatchObject({ apiVersion: "example.com/v2", spec: { x: 1, y: 2 } });
    expect(asked[0]).toMatchObject({
      desiredAPIVersion: "example.com/v1",
      objects: [{ apiVersion: "example.com/v2", kind: "Point", spec: { x: 1, y: 2 } }],
    });
    const old = (await server.call("GET", `${OLD}/a`)).json();
    expect(old).toMatchObject({ apiVersion: "example.com/v1", kind: "Point", spec: { at: "1,2" } });
    expect((await server.call("GET", `${NEW}/a`)).json().spec).toEqual({ x: 1, y: 2 });
    // Of metadata only labels and annotations are the webhook's to change.
    expect(old.metadata.labels).toEqual({ converted: "yes" });
    expect(old.metadata.finalizers).toBeUndefined();
  });

  test("are not asked for where nothing is to be converted", async () => {
    asked = [];
    await server.call("POST", OLD, point("v1", "b", { at: "3,4" }));
    expect((await server.call("GET", `${OLD}/b`)).json().spec).toEqual({ at: "3,4" });
    expect(asked).toEqual([]);
  });

  test("obey the rules of the version that is written", async () => {
    expect((await server.call("POST", NEW, point("v2", "wrong", { x: -1, y: 2 }))).json().message).toContain("spec.x: Invalid value: -1");
    expect((await server.call("POST", OLD, point("v1", "wrong", { at: "here" }))).json().message).toContain("spec.at: Invalid value");
  });

  test("are listed together, in one question, and printed in tables", async () => {
    asked = [];
    const list = (await server.call("GET", NEW)).json();
    expect(list.items.map(({ spec }: Json) => spec)).toEqual([
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ]);
    expect(asked).toHaveLength(1);
    const table = (await server.call("GET", NEW, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" })).json();
    expect(table.rows.map(({ cells }: Json) => cells)).toEqual([
      ["a", 1],
      ["b", 3],
    ]);
  });

  test("are updated, patched and applied in their own form", async () => {
    const current = (await server.call("GET", `${NEW}/a`)).json();
    const put = await server.call("PUT", `${NEW}/a`, { ...current, spec: { x: 5, y: 6 } });
    expect(put.json().spec).toEqual({ x: 5, y: 6 });
    expect((await server.call("PATCH", `${NEW}/a`, { spec: { y: 7 } }, MERGE)).json().spec).toEqual({ x: 5, y: 7 });
    const applied = await server.call("PATCH", `${NEW}/a?fieldManager=me&force=true`, JSON.stringify(point("v2", "a", { x: 8 })), {
      "content-type": "application/apply-patch+yaml",
    });
    expect(applied.json().spec).toEqual({ x: 8, y: 7 });
    expect((await server.call("GET", `${OLD}/a`)).json().spec).toEqual({ at: "8,7" });
  });

  test("are watched in their own form", async () => {
    const watch = await server.watch(`${NEW}?watch=1`);
    expect(await watch.next()).toMatchObject({ type: "ADDED", object: { apiVersion: "example.com/v2", spec: { x: 8, y: 7 } } });
    expect(await watch.next()).toMatchObject({ type: "ADDED", object: { metadata: { name: "b" } } });
    await server.call("POST", OLD, point("v1", "c", { at: "9,9" }));
    expect(await watch.next()).toMatchObject({
      type: "ADDED",
      object: { apiVersion: "example.com/v2", metadata: { name: "c" }, spec: { x: 9, y: 9 } },
    });
    await server.call("PATCH", `${NEW}/c`, { spec: { x: 1 } }, MERGE);
    expect(await watch.next()).toMatchObject({ type: "MODIFIED", object: { spec: { x: 1, y: 9 } } });
    await server.call("DELETE", `${OLD}/c`);
    expect(await watch.next()).toMatchObject({ type: "DELETED", object: { spec: { x: 1, y: 9 } } });
    watch.close();
  });

  test.each<[string, Json | "fail", string]>([
    [
      "that fails",
      "fail",
      'conversion webhook for example.com/v1, Kind=Point failed: an error on the server ("broken") has prevented the request from succeeding',
    ],
    [
      "that says no",
      { result: { status: "Failure", message: "not these" } },
      "conversion webhook for example.com/v1, Kind=Point failed: not these",
    ],
    ["that loses some", { convertedObjects: [] }, "conversion webhook for example.com/v1, Kind=Point returned 0 objects, expected 1"],
    ["of another question", { uid: "other" }, 'got "other"'],
    [
      "that renames",
      { convertedObjects: [{ apiVersion: "example.com/v2", kind: "Point", metadata: { name: "z", namespace: "default" } }] },
      "returned invalid converted object at index 0: must have the same name: a != z",
    ],
  ])("by a webhook %s", async (_what, says, words) => {
    failure = says;
    const refused = await server.call("GET", `${NEW}/a`);
    failure = undefined;
    expect(refused.status).toBe(500);
    expect(refused.json().message).toContain(words);
  });

  test("stay readable when the version that is stored changes, and are stored in it from their next change on", async () => {
    const current = (await server.call("GET", `${DEFINITIONS}/${NAME}`)).json();
    const changed = await server.call("PUT", `${DEFINITIONS}/${NAME}`, { ...definition("v2"), metadata: current.metadata });
    expect(changed.status, changed.text).toBe(200);
    expect((await server.call("GET", `${DEFINITIONS}/${NAME}`)).json().status.storedVersions).toEqual(["v1", "v2"]);
    expect((await server.call("GET", `${OLD}/a`)).json().spec).toEqual({ at: "8,7" });
    expect((await server.call("GET", `${NEW}/a`)).json().spec).toEqual({ x: 8, y: 7 });
    await server.call("PATCH", `${NEW}/a`, { spec: { y: 1 } }, MERGE);
    asked = [];
    expect((await server.call("GET", `${NEW}/a`)).json().spec).toEqual({ x: 8, y: 1 });
    expect(asked).toEqual([]);
    expect((await server.call("GET", `${OLD}/a`)).json().spec).toEqual({ at: "8,1" });
  });

  test("are deleted even when the webhook has gone", async () => {
    failure = "fail";
    expect((await server.call("DELETE", `${NEW}/b`)).status).toBe(200);
    failure = undefined;
    expect((await server.call("GET", `${OLD}/b`)).status).toBe(404);
  });
});
