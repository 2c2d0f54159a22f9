import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data,
});

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway();
});
afterAll(() => server.stop());

describe("one object", () => {
  test("create, get, update, delete", async () => {
    const created = await server.call("POST", CONFIG_MAPS, configMap("crud", { a: "1" }));
    expect(created.status).toBe(201);
    expect(created.json()).toMatchObject({
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { name: "crud", namespace: "default" },
      data: { a: "1" },
    });

    const got = await server.call("GET", `${CONFIG_MAPS}/crud`);
    expect(got.json()).toEqual(created.json());
    expect(got.headers["content-type"]).toBe("application/json");

    const { resourceVersion } = created.json().metadata;
    const next = configMap("crud", { a: "2" }) as { metadata: object };
    const updated = await server.call("PUT", `${CONFIG_MAPS}/crud`, { ...next, metadata: { ...next.metadata, resourceVersion } });
    expect(updated.status).toBe(200);
    expect(Number(updated.json().metadata.resourceVersion)).toBeGreaterThan(Number(resourceVersion));

    const stale = await server.call("PUT", `${CONFIG_MAPS}/crud`, { ...next, metadata: { ...next.metadata, resourceVersion } });
    expect(stale.status).toBe(409);
    expect(stale.json()).toMatchObject({ kind: "Status", status: "Failure", reason: "Conflict", code: 409 });

    const removed = await server.call("DELETE", `${CONFIG_MAPS}/crud`);
    expect(removed.json()).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "crud", kind: "configmaps", uid: created.json().metadata.uid },
    });
    expect((await server.call("GET", `${CONFIG_MAPS}/crud`)).json()).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'configmaps "crud" not found',
      reason: "NotFound",
      details: { name: "crud", kind: "configmaps" },
      code: 404,
    });
  });

  test("PUT under a free name creates what Kubernetes lets it create, and nothing else", async () => {
    const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "put", resourceVersion: "7" }, spec: {} };
    const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    expect(await server.call("PUT", `${leases}/put?dryRun=All`, lease)).toMatchObject({ status: 201 });
    const created = await server.call("PUT", `${leases}/put`, lease);
    expect(created.status).toBe(201);
    const { resourceVersion, uid } = created.json().metadata;
    const again = await server.call("PUT", `${leases}/put`, {
      ...lease,
      metadata: { name: "put", resourceVersion },
      spec: { holderIdentity: "me" },
    });
    expect(again.status).toBe(200);
    expect(again.json()).toMatchObject({ metadata: { uid }, spec: { holderIdentity: "me" } });
    expect((await server.call("PUT", `${CONFIG_MAPS}/free`, configMap("free"))).json()).toMatchObject({ code: 404, reason: "NotFound" });
  });

  test("a dry run answers without a resourceVersion and stores nothing", async () => {
    const dry = await server.call("POST", `${CONFIG_MAPS}?dryRun=All`, configMap("dry"));
    expect(dry.status).toBe(201);
    expect(dry.json().metadata.resourceVersion).toBeUndefined();
    expect((await server.call("GET", `${CONFIG_MAPS}/dry`)).status).toBe(404);
  });

  test.each([
    [
      "Strict",
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 6: key "a" already set in map, unknown field "more"',
      undefined,
    ],
    ["Warn", 201, undefined, ['299 - "line 6: key \\"a\\" already set in map"', '299 - "unknown field \\"more\\""']],
    ["Ignore", 201, undefined, undefined],
  ])("YAML with a key that comes twice, by fieldValidation=%s", async (validation, status, message, warnings) => {
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: twice-}\ndata:\n  a: one\n  a: two\nmore: 1\n";
    const type = { "content-type": "application/yaml" };
    const answer = await server.call("POST", `${CONFIG_MAPS}?fieldValidation=${validation}`, yaml, type);
    expect([answer.status, answer.json().message, answer.headers.warning]).toEqual([status, message, warnings]);
    if (status === 201) expect(answer.json().data).toEqual({ a: "two" });
  });

  test.each([
    [
      "Strict",
      400,
      'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key "a" already set in map',
      undefined,
    ],
    ["Warn", 201, undefined, '299 - "line 6: key \\"a\\" already set in map"'],
    ["Ignore", 200, undefined, undefined],
  ])("applying a key that comes twice, by fieldValidation=%s", async (validation, status, message, warning) => {
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied-twice}\ndata:\n  a: one\n  a: two\n";
    const path = `${CONFIG_MAPS}/applied-twice?fieldManager=me&fieldValidation=${validation}`;
    const answer = await server.call("PATCH", path, yaml, { "content-type": "application/apply-patch+yaml" });
    expect([answer.status, answer.json().message, answer.headers.warning]).toEqual([status, message, warning]);
  });

  test("YAML in and out", async () => {
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  yes: 'on'\n";
    const created = await server.call("POST", CONFIG_MAPS, yaml, { "content-type": "application/yaml", accept: "application/yaml" });
    expect(created.status).toBe(201);
    expect(created.headers["content-type"]).toBe("application/yaml");
    expect(created.text).toMatch(/^apiVersion: v1\ndata:\n {2}yes: "?on"?\nkind: ConfigMap\n/);
  });

  test("what is deprecated is said to be so, whatever is asked of it", async () => {
    const endpoints = "/api/v1/namespaces/default/endpoints";
    const body = { apiVersion: "v1", kind: "Endpoints", metadata: { name: "old" }, subsets: [{ addresses: [{ ip: "127.0.0.1" }] }] };
    const answers = [
      await server.call("GET", endpoints),
      await server.call("GET", `${endpoints}/absent`),
      await server.call("POST", endpoints, body),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 422]);
    const words = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
    expect(answers.map(({ headers }) => headers.warning)).toEqual([words, words, words]);
    expect(answers[2]?.json().message).toBe(
      'Endpoints "old" is invalid: subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    );
    const statuses = await server.call("GET", "/api/v1/componentstatuses");
    expect(statuses.headers.warning).toBe('299 - "v1 ComponentStatus is deprecated in v1.19+"');
  });

  test("pretty", async () => {
    await server.call("POST", CONFIG_MAPS, configMap("pretty"));
    const got = await server.call("GET", `${CONFIG_MAPS}/pretty?pretty=true`);
    expect(got.text).toMatch(/^\{\n {2}"kind": "ConfigMap",\n/);
  });

  test.each([
    ["not acceptable", "GET", `${CONFIG_MAPS}`, undefined, { accept: "text/html" }, 406, "only the following media types are accepted"],
    ["unknown body", "POST", CONFIG_MAPS, "x", { "content-type": "text/plain" }, 415, "the body of the request was in an unknown format"],
    [
      "no patch",
      "PATCH",
      `${CONFIG_MAPS}/x`,
      "{}",
      { "content-type": "application/json" },
      415,
      "the body of the request was in an unknown format",
    ],
    ["method", "PUT", CONFIG_MAPS, configMap("x"), {}, 405, "the server does not allow this method on the requested resource"],
    ["resource", "GET", "/api/v1/namespaces/default/nothings", undefined, {}, 404, "the server could not find the requested resource"],
    [
      "dryRun",
      "POST",
      `${CONFIG_MAPS}?dryRun=Some`,
      configMap("x"),
      {},
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    ["name", "PUT", `${CONFIG_MAPS}/x`, configMap("y"), {}, 400, "the name of the object (y) does not match the name on the URL (x)"],
    [
      "selector",
      "GET",
      `${CONFIG_MAPS}?labelSelector=a%20in%20b`,
      undefined,
      {},
      400,
      "unable to parse requirement: found 'b' expected: '('",
    ],
    ["limit", "GET", `${CONFIG_MAPS}?limit=abc`, undefined, {}, 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
    [
      "version",
      "GET",
      `${CONFIG_MAPS}?resourceVersion=abc`,
      undefined,
      {},
      400,
      'invalid resource version: resourceVersion: Invalid value: "abc"',
    ],
    [
      "match",
      "GET",
      `${CONFIG_MAPS}?resourceVersionMatch=Exact`,
      undefined,
      {},
      422,
      "resourceVersionMatch is forbidden unless resourceVersion is provided",
    ],
    [
      "watch version",
      "GET",
      `${CONFIG_MAPS}?watch=1&resourceVersion=abc`,
      undefined,
      {},
      500,
      'resourceVersion: Invalid value: "abc": strconv.ParseUint',
    ],
    [
      "deep JSON",
      "POST",
      CONFIG_MAPS,
      `{"data":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`,
      {},
      400,
      "json parse error: exceeded max depth",
    ],
    [
      "deep YAML",
      "POST",
      CONFIG_MAPS,
      `a: ${"[".repeat(100_000)}`,
      { "content-type": "application/yaml" },
      400,
      "yaml: line 1: exceeded max depth",
    ],
    [
      "deep patch",
      "PATCH",
      `${CONFIG_MAPS}/kube-root-ca.crt`,
      `{"data":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`,
      { "content-type": "application/merge-patch+json" },
      400,
      "error decoding patch: exceeded max depth",
    ],
    ["too large", "POST", CONFIG_MAPS, "x".repeat(3 * 1024 * 1024 + 1), {}, 413, "Request entity too large: limit is 3145728"],
  ] as const)("refuses: %s", async (_what, method, path, body, headers, status, message) => {
    const answer = await server.call(method, path, body, headers as Record<string, string>);
    expect(answer.json()).toMatchObject({ kind: "Status", status: "Failure", code: status });
    expect(answer.json().message).toContain(message);
    expect(answer.status).toBe(status);
  });

  test("a path that leads nowhere is a page, not a Status", async () => {
    for (const path of ["/apis/nope.io/v1", "/apis/nope.io/v1/things", "/nope", "/healthz/nope"]) {
      const answer = await server.call("GET", path);
      expect([answer.status, answer.text]).toEqual([404, "404 page not found\n"]);
    }
  });
});

describe("who may", () => {
  test("anonymous clients see health, version and console only", async () => {
    const anonymous = server.client(undefined);
    expect((await anonymous("GET", "/version")).status).toBe(200);
    expect((await anonymous("GET", "/readyz")).text).toBe("ok");
    expect((await anonymous("GET", "/console/", undefined, { accept: "text/html" })).status).toBe(200);
    expect((await anonymous("GET", CONFIG_MAPS)).json()).toMatchObject({ code: 403, reason: "Forbidden" });
  });

  test("others are told what they may not do", async () => {
    const jane = server.client(await server.authority.client("jane", ["dev"]));
    expect((await jane("GET", "/api/v1/pods")).json()).toMatchObject({
      code: 403,
      message: 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope',
      details: { kind: "pods" },
    });
    expect((await jane("PUT", "/apis/apps/v1/namespaces/x/deployments/d/scale")).json().message).toBe(
      'deployments.apps "d" is forbidden: User "jane" cannot update resource "deployments/scale" in API group "apps" in the namespace "x"',
    );
    expect((await jane("GET", "/metrics")).json().message).toBe('forbidden: User "jane" cannot get path "/metrics"');
  });

  test("a certificate of another authority is nobody's", async () => {
    const { makeAuthority } = await import("./certificates.ts");
    const stranger = await (await makeAuthority("other")).client("admin", ["system:masters"]);
    expect((await server.client(stranger)("GET", CONFIG_MAPS)).status).toBe(401);
  });
});

test("an eviction with two budgets is answered as if it were done, with a body that says that it is not", async () => {
  const pods = "/api/v1/namespaces/default/pods";
  const template = { metadata: { name: "guarded", labels: { app: "guarded" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  await server.call("POST", pods, template);
  await server.call(
    "PATCH",
    `${pods}/guarded/status`,
    { status: { phase: "Running" } },
    { "content-type": "application/merge-patch+json" },
  );
  for (const name of ["one", "two"]) {
    const spec = { minAvailable: 1, selector: { matchLabels: { app: "guarded" } } };
    await server.call("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", { metadata: { name }, spec });
  }
  const answer = await server.call("POST", `${pods}/guarded/eviction`, { metadata: { name: "guarded" } });
  expect(answer.status).toBe(201);
  const message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
  expect(answer.json()).toEqual({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 });
  expect((await server.call("GET", `${pods}/guarded`)).json().metadata.deletionTimestamp).toBeUndefined();
});
