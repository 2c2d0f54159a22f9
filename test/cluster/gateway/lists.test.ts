import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const PATH = "/api/v1/namespaces/default/configmaps";
const HISTORY = 50;

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway({ historyRevisions: HISTORY });
  for (const [name, tier] of [
    ["a", "even"],
    ["b", "odd"],
    ["c", "even"],
    ["d", "odd"],
    ["e", "even"],
  ] as const)
    await create(name, { tier });
});
afterAll(() => server.stop());

async function create(name: string, labels: Record<string, string> = {}, data: Record<string, string> = {}): Promise<Json> {
  const answer = await server.call("POST", PATH, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels }, data });
  expect(answer.status).toBe(201);
  return answer.json();
}

async function list(query: string, accept?: string): Promise<Json> {
  return (await server.call("GET", `${PATH}?${query}`, undefined, accept === undefined ? {} : { accept })).json();
}

const names = (body: Json): string[] => body.items.map((item: Json) => item.metadata.name);

describe("lists", () => {
  test("are of their kind, items without one", async () => {
    const body = await list("");
    expect([body.kind, body.apiVersion, names(body)]).toEqual(["ConfigMapList", "v1", ["a", "b", "c", "d", "e"]]);
    expect(body.items[0].kind).toBeUndefined();
    expect(body.metadata).toEqual({ resourceVersion: String(server.store.replica.revision) });
  });

  test("an empty one has an empty array", async () => {
    expect((await server.call("GET", "/api/v1/namespaces/none/configmaps")).json().items).toEqual([]);
  });

  test.each([
    ["labelSelector=tier%3Deven", ["a", "c", "e"]],
    ["labelSelector=tier!%3Deven", ["b", "d"]],
    ["labelSelector=tier%20in%20(odd)", ["b", "d"]],
    ["fieldSelector=metadata.name%3Dc", ["c"]],
    ["fieldSelector=metadata.name%3Dzzz", []],
    ["fieldSelector=metadata.name!%3Dc&labelSelector=tier%3Deven", ["a", "e"]],
    ["fieldSelector=metadata.namespace%3Dother", []],
  ])("%s", async (query, want) => {
    expect(names(await list(query))).toEqual(want);
  });

  test("across namespaces", async () => {
    const body = (await server.call("GET", "/api/v1/serviceaccounts")).json();
    expect(body.items.map((item: Json) => item.metadata.namespace)).toEqual(["default", "kube-public", "kube-system"]);
  });

  test("metadata alone", async () => {
    const body = await list("limit=1", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
    expect(body).toMatchObject({
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      items: [{ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a", labels: { tier: "even" } } }],
    });
    expect(Object.keys(body.items[0])).toEqual(["kind", "apiVersion", "metadata"]);
  });

  test("tables", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    const body = await list("labelSelector=tier%3Dodd", accept);
    expect(body).toMatchObject({ kind: "Table", apiVersion: "meta.k8s.io/v1", rows: [{ cells: ["b", 0, expect.any(String)] }, {}] });
    expect(body.columnDefinitions[0]).toMatchObject({ name: "Name", type: "string", format: "name", priority: 0 });
    expect(body.rows[0].object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "b" } });
    expect((await list("includeObject=Object", accept)).rows[0].object).toMatchObject({ kind: "ConfigMap", metadata: { name: "a" } });
    expect((await list("includeObject=None", accept)).rows[0].object).toBeNull();
    const one = (await server.call("GET", `${PATH}/c`, undefined, { accept })).json();
    expect([one.kind, one.rows.length, one.rows[0].cells[0]]).toEqual(["Table", 1, "c"]);
  });
});

describe("paging", () => {
  test("all pages are of one revision", async () => {
    const first = await list("limit=2");
    expect([names(first), first.metadata.remainingItemCount]).toEqual([["a", "b"], 3]);
    await create("bb");
    const second = await list(`limit=2&continue=${first.metadata.continue}`);
    expect([names(second), second.metadata]).toEqual([
      ["c", "d"],
      { resourceVersion: first.metadata.resourceVersion, continue: expect.any(String), remainingItemCount: 1 },
    ]);
    const third = await list(`limit=2&continue=${second.metadata.continue}`);
    expect([names(third), third.metadata]).toEqual([["e"], { resourceVersion: first.metadata.resourceVersion }]);
    await server.call("DELETE", `${PATH}/bb`);
  });

  test("with a selector nobody counts what remains", async () => {
    const first = await list("limit=2&labelSelector=tier%3Deven");
    expect([names(first), first.metadata.remainingItemCount]).toEqual([["a", "c"], undefined]);
    expect(names(await list(`limit=2&labelSelector=tier%3Deven&continue=${first.metadata.continue}`))).toEqual(["e"]);
  });

  test("an exact revision shows the past", async () => {
    const { metadata } = await create("late");
    const before = Number(metadata.resourceVersion) - 1;
    expect(names(await list(`resourceVersion=${before}&resourceVersionMatch=Exact`))).toEqual(["a", "b", "c", "d", "e"]);
    expect(names(await list(`resourceVersion=${before}`))).toContain("late");
    expect(names(await list("resourceVersion=0"))).toContain("late");
    await server.call("DELETE", `${PATH}/late`);
  });

  test("a revision to come is a timeout", async () => {
    expect(await list("resourceVersion=999999999999&resourceVersionMatch=Exact")).toMatchObject({
      code: 504,
      reason: "Timeout",
      message: expect.stringMatching(/^Timeout: Too large resource version: 999999999999, current: \d+$/),
      details: { causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }], retryAfterSeconds: 1 },
    });
  });

  test("a lost revision is expired, and the rest can be had inconsistently", async () => {
    const first = await list("limit=2");
    for (let i = 0; i <= HISTORY; i++) await create(`z${i}`);
    const expired = await list(`limit=2&continue=${first.metadata.continue}`);
    expect(expired).toMatchObject({
      code: 410,
      reason: "Expired",
      message: expect.stringContaining("The provided continue parameter is too old"),
    });
    expect(names(await list(`limit=2&continue=${expired.metadata.continue}`))).toEqual(["c", "d"]);
    const exact = await list(`resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`);
    expect(exact).toMatchObject({ code: 410, reason: "Expired", message: "The resourceVersion for the provided list is too old." });
  });

  test("a token that is none", async () => {
    expect(await list("continue=abc")).toMatchObject({
      code: 400,
      message: expect.stringContaining("invalid continue token: continue key is not valid: "),
    });
  });
});

describe("large lists", () => {
  test("come in pieces, compressed when asked", async () => {
    const data = { text: "x".repeat(20_000) };
    for (let i = 0; i < 30; i++) await create(`large${i}`, { size: "large" }, data);
    const plain = await server.call("GET", `${PATH}?labelSelector=size%3Dlarge`);
    expect(plain.headers["content-length"]).toBeUndefined();
    expect(plain.json().items.length).toBe(30);
    const { request, Agent } = await import("undici");
    const dispatcher = new Agent({ connect: { ca: server.authority.cert, ...server.admin } });
    const zipped = await request(`${server.url}${PATH}?labelSelector=size%3Dlarge`, { dispatcher, headers: { "accept-encoding": "gzip" } });
    expect(zipped.headers["content-encoding"]).toBe("gzip");
    const bytes = Buffer.from(await zipped.body.arrayBuffer());
    expect(gunzipSync(bytes).toString()).toBe(plain.text);
    await dispatcher.close();
  });
});

describe("deletecollection", () => {
  test("takes what the selector takes and lists it", async () => {
    const removed = await server.call("DELETE", `${PATH}?labelSelector=tier%3Dodd`);
    expect([removed.status, removed.json().kind, names(removed.json())]).toEqual([200, "ConfigMapList", ["b", "d"]]);
    expect(names(await list("labelSelector=tier"))).toEqual(["a", "c", "e"]);
  });
});
