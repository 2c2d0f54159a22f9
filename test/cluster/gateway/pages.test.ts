import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StoreUnavailable } from "../../../actors/store/errors.ts";
import { compareVersions, storageVersionHash } from "../../../cluster/gateway/discovery.ts";
import { serverChecks } from "../../../cluster/gateway/server-checks.ts";
import { silentLogger } from "../../../runtime/mod.ts";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

let server: TestGateway;
let available = true;
beforeAll(async () => {
  server = await startGateway({
    wrap: (options) => ({
      ...options,
      begun: [{ name: "start-system-namespaces-controller", keys: ["namespaces/default", "namespaces/kube-system"] }],
      store: {
        propose: (transaction) => options.store.propose(transaction),
        committedRevision: () => (available ? options.store.committedRevision() : Promise.reject(new StoreUnavailable("no writer"))),
      },
      registry: {
        ...options.registry,
        delete: () => Promise.reject(new TypeError("a fault of ours")),
      },
    }),
  });
});
afterAll(() => server.stop());

const HOOK = "poststarthook/start-system-namespaces-controller";

const json = async (path: string, accept?: string): Promise<Json> =>
  (await server.call("GET", path, undefined, accept === undefined ? {} : { accept })).json();

describe("what is not asked for as it should be", () => {
  test.each(["/api", "/apis", "/apis/apps", "/apis/apps/v1", "/version"])("%s is only read", async (path) => {
    const { status, json } = await server.call("POST", path, {});
    expect([status, json().reason]).toEqual([405, "MethodNotAllowed"]);
    expect((await server.call("HEAD", path)).status).toBe(405);
  });

  test("groups that nobody serves are not there, by any method", async () => {
    expect((await server.call("POST", "/apis/nope.io", {})).text).toBe("404 page not found\n");
  });

  test("health is told by any method, and says which checks it does not know", async () => {
    expect((await server.call("POST", "/livez", {})).text).toBe("ok");
    expect((await server.call("HEAD", "/livez")).status).toBe(200);
    const { text } = await server.call("GET", "/livez?verbose&exclude=a&exclude=b");
    expect(text).toContain('\nwarn: some health checks cannot be excluded: no matches for "a","b"\nlivez check passed\n');
  });

  test("tables carry along what there is a word for", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const { status, json } = await server.call("GET", "/api/v1/nodes?includeObject=All", undefined, { accept });
    expect([status, json().message]).toEqual([
      400,
      `Unable to convert to Table as requested: includeObject: Invalid value: "All": must be 'Metadata', 'Object', 'None', or empty`,
    ]);
  });
});

describe("views of meta.k8s.io/v1beta1", () => {
  const NODES = "/api/v1/nodes";
  const asked = (as: string): string => `application/json;as=${as};v=v1beta1;g=meta.k8s.io`;
  beforeAll(async () => {
    await server.call("POST", NODES, { apiVersion: "v1", kind: "Node", metadata: { name: "viewed" } });
  });

  test("are said to be of it, with all that is in them", async () => {
    const table = await json(NODES, asked("Table"));
    expect([table.kind, table.apiVersion]).toEqual(["Table", "meta.k8s.io/v1beta1"]);
    expect(table.rows[0].object).toMatchObject({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1beta1" });
    expect((await json(`${NODES}/viewed`, asked("Table"))).apiVersion).toBe("meta.k8s.io/v1beta1");
    const list = await json(NODES, asked("PartialObjectMetadataList"));
    expect([list.apiVersion, list.items[0].apiVersion]).toEqual(["meta.k8s.io/v1beta1", "meta.k8s.io/v1beta1"]);
  });

  test("are watched as such, by the old path of one object too", async () => {
    const { text } = await server.call("GET", "/api/v1/watch/nodes/viewed?timeoutSeconds=1", undefined, {
      accept: asked("PartialObjectMetadata"),
    });
    const events = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Json);
    expect(events.map(({ type, object }) => [type, object.apiVersion, object.metadata.name])).toEqual([
      ["ADDED", "meta.k8s.io/v1beta1", "viewed"],
    ]);
  });
});

describe("discovery", () => {
  test("/api", async () => {
    const address = server.url.slice("https://".length);
    expect(await json("/api")).toEqual({
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address }],
    });
  });

  test("/apis has groups in Kubernetes' order", async () => {
    const { kind, groups } = await json("/apis");
    expect(kind).toBe("APIGroupList");
    const names = groups.map((group: Json) => group.name);
    expect(names.indexOf("apps")).toBeLessThan(names.indexOf("coordination.k8s.io"));
    expect(names).not.toContain("");
  });

  test("/apis/apps", async () => {
    const version = { groupVersion: "coordination.k8s.io/v1", version: "v1" };
    expect(await json("/apis/coordination.k8s.io")).toEqual({
      kind: "APIGroup",
      apiVersion: "v1",
      name: "coordination.k8s.io",
      versions: [version],
      preferredVersion: version,
    });
  });

  test("resources with their subresources, by name", async () => {
    const { kind, groupVersion, apiVersion, resources } = await json("/api/v1");
    expect([kind, groupVersion, apiVersion]).toEqual(["APIResourceList", "v1", undefined]);
    const names = resources.map((row: Json) => row.name);
    expect(names).toEqual([...names].sort());
    expect(resources.find((row: Json) => row.name === "namespaces")).toEqual({
      name: "namespaces",
      singularName: "namespace",
      namespaced: false,
      kind: "Namespace",
      verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
      shortNames: ["ns"],
      storageVersionHash: storageVersionHash({ group: "", version: "v1", kind: "Namespace" }),
    });
    expect(resources.find((row: Json) => row.name === "namespaces/finalize")).toEqual({
      name: "namespaces/finalize",
      singularName: "",
      namespaced: false,
      kind: "Namespace",
      verbs: ["update"],
    });
    expect(resources.find((row: Json) => row.name === "bindings").storageVersionHash).toBeUndefined();
  });

  test("the aggregated form, and that it has not changed", async () => {
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const answer = await server.call("GET", "/api", undefined, { accept });
    expect(answer.headers["content-type"]).toBe("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    const body = answer.json();
    expect([body.kind, body.apiVersion, body.items.length]).toEqual(["APIGroupDiscoveryList", "apidiscovery.k8s.io/v2", 1]);
    const resources: Json[] = body.items[0].versions[0].resources;
    expect(resources.find((row) => row.resource === "namespaces")).toMatchObject({
      responseKind: { group: "", version: "", kind: "Namespace" },
      scope: "Cluster",
      singularResource: "namespace",
      subresources: [{ subresource: "finalize", verbs: ["update"] }, { subresource: "status" }],
    });
    const etag = String(answer.headers.etag);
    const again = await server.call("GET", "/api", undefined, { accept, "if-none-match": etag });
    expect([again.status, again.text]).toEqual([304, ""]);
    // A client's cache takes the headers of a 304 over its own: there must be none about the (absent) body.
    expect([again.headers["content-type"], again.headers["content-length"]]).toEqual([undefined, undefined]);
    expect((await json("/apis", accept)).items.map((item: Json) => item.metadata.name)).toContain("coordination.k8s.io");
  });

  test.each([
    [
      ["v1beta1", "v1", "v2", "v2alpha1", "v1beta2", "foo"],
      ["v2", "v1", "v1beta2", "v1beta1", "v2alpha1", "foo"],
    ],
  ])("versions are preferred in this order: %j", (versions, sorted) => {
    expect([...versions].sort(compareVersions)).toEqual(sorted);
  });
});

describe("OpenAPI", () => {
  test("version 3: an index, and documents that never change under their hash", async () => {
    const { paths } = await json("/openapi/v3");
    const { serverRelativeURL } = paths["apis/apps/v1"];
    expect(serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]+$/);
    const answer = await server.call("GET", serverRelativeURL);
    expect(answer.headers["cache-control"]).toContain("immutable");
    expect(answer.json()).toMatchObject({
      openapi: "3.0.0",
      paths: { "/apis/apps/v1/namespaces/{namespace}/deployments/{name}": {} },
      components: { schemas: { "io.k8s.api.apps.v1.Deployment": {} } },
    });
    const again = await server.call("GET", serverRelativeURL, undefined, { "if-none-match": String(answer.headers.etag) });
    expect(again.status).toBe(304);
    const old = await server.call("GET", "/openapi/v3/apis/apps/v1?hash=00");
    expect([old.status, old.headers.location]).toEqual([301, serverRelativeURL]);
    expect((await server.call("GET", "/openapi/v3/apis/nope.io/v1")).text).toBe("404 page not found\n");
  });

  test("version 2 has everything in one document", async () => {
    expect(await json("/openapi/v2")).toMatchObject({ swagger: "2.0", definitions: { "io.k8s.api.core.v1.Pod": {} } });
  });

  test("version 2 in protobuf, for those who read nothing else", async () => {
    const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    const answer = await server.call("GET", "/openapi/v2", undefined, { accept });
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"]);
    const again = await server.call("GET", "/openapi/v2", undefined, { accept, "if-none-match": String(answer.headers.etag) });
    expect([again.status, (await server.call("GET", "/openapi/v3", undefined, { accept })).status]).toEqual([304, 406]);
    expect((await server.call("GET", "/openapi/v2", undefined, { accept: `${accept}, application/json` })).json()).toMatchObject({
      swagger: "2.0",
    });
  });
});

describe("the server itself", () => {
  test("/version", async () => {
    expect(await json("/version")).toMatchObject({ major: "1", minor: "34", gitVersion: "v1.34.0+troupe-0.1.0" });
  });

  test("health, in short and in full, all and one", async () => {
    for (const path of ["/healthz", "/livez", "/readyz", "/livez/ping", "/livez/log", "/livez/etcd", "/readyz/etcd", "/readyz/shutdown"]) {
      const answer = await server.call("GET", path);
      expect([path, answer.status, answer.text]).toEqual([path, 200, "ok"]);
    }
    const ready = ["ping", "log", "etcd", "etcd-readiness", "informer-sync", HOOK, "shutdown"];
    const said = (names: readonly string[]): string => names.map((name) => `[+]${name} ok\n`).join("");
    expect((await server.call("GET", "/readyz?verbose")).text).toBe(`${said(ready)}readyz check passed\n`);
    expect((await server.call("GET", "/livez?verbose")).text).toBe(`${said(["ping", "log", "etcd", HOOK])}livez check passed\n`);
    for (const path of ["/livez/shutdown", "/livez/nope", "/readyz/ping/", "/healthz/"])
      expect((await server.call("GET", path)).status, path).toBe(404);
    expect((await server.call("GET", `/readyz/${HOOK}`)).text).toBe("ok");
    const { text } = await server.call("GET", "/readyz?verbose&exclude=etcd&exclude=zz&exclude=aa");
    expect(text).toContain("[+]etcd excluded: ok\n");
    expect(text).toContain('no matches for "aa","zz"\n');
  });

  test("what started is not ready before it is done, and then it is", async () => {
    const [check] = serverChecks(
      { view: { entry: () => (there ? {} : undefined) } as never, store: {} as never, log: silentLogger },
      [{ name: "rbac/bootstrap-roles", keys: ["clusterroles.rbac.authorization.k8s.io/cluster-admin"] }],
      () => false,
    ).filter(({ name }) => name.startsWith("poststarthook/"));
    let there = false;
    expect(await check?.run()).toBe("not finished");
    there = true;
    expect(await check?.run()).toBeUndefined();
    there = false;
    expect(await check?.run()).toBeUndefined();
  });

  test("/metrics/slis says what the checks said", async () => {
    await server.call("GET", "/livez");
    const { text } = await server.call("GET", "/metrics/slis");
    expect(text).toMatch(/kubernetes_healthcheck\{name="ping",type="livez"\} 1/);
    expect(text).toMatch(/kubernetes_healthchecks_total\{name="ping",status="success",type="livez"\} [1-9]/);
  });

  test("without a writer: not ready, alive, and 503 with Retry-After for reads", async () => {
    available = false;
    try {
      const ready = await server.call("GET", "/readyz");
      expect([ready.status, ready.text]).toEqual([
        500,
        `[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n[-]etcd-readiness failed: reason withheld\n[+]informer-sync ok\n[+]${HOOK} ok\n[+]shutdown ok\nreadyz check failed\n`,
      ]);
      expect((await server.call("GET", "/readyz?exclude=etcd&exclude=etcd-readiness")).status).toBe(200);
      expect([(await server.call("GET", "/livez")).status, (await server.call("GET", "/livez?exclude=etcd")).status]).toEqual([500, 200]);
      const read = await server.call("GET", "/api/v1/namespaces/default");
      expect(read.json()).toMatchObject({ code: 503, reason: "ServiceUnavailable" });
      expect([read.status, read.headers["retry-after"]]).toEqual([503, "1"]);
      expect((await server.call("GET", "/api/v1/namespaces/default?resourceVersion=0")).status).toBe(200);
    } finally {
      available = true;
    }
  });

  test("a fault of ours is a 500, and the server goes on", async () => {
    const answer = await server.call("DELETE", "/api/v1/namespaces/kube-system");
    expect(answer.json()).toMatchObject({ code: 500, reason: "InternalError", message: expect.not.stringContaining("a fault of ours") });
    expect((await server.call("GET", "/api/v1/namespaces/kube-system")).status).toBe(200);
  });

  test("/metrics count what was answered", async () => {
    await server.call("GET", "/api/v1/namespaces/default");
    await server.call("GET", "/api/v1/namespaces/default/made-up");
    const { text, headers } = await server.call("GET", "/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const labels =
      'verb="GET",dry_run="",group="",version="v1",resource="namespaces",subresource="",scope="resource",component="apiserver"';
    expect(text).toMatch(new RegExp(`^apiserver_request_total\\{${labels},code="200"\\} [1-9]`, "m"));
    expect(text).toMatch(new RegExp(`^apiserver_request_duration_seconds_bucket\\{${labels},le="\\+Inf"\\} [1-9]`, "m"));
    expect(text).toMatch(/^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m);
    expect(text).toMatch(/^apiserver_longrunning_requests\{verb="WATCH"\} 0$/m);
    expect(text).toContain('code="404"');
    expect(text).not.toContain("made-up");
  });

  test("/metrics tell of every host's actors, and of the process", async () => {
    const { text } = await server.call("GET", "/metrics");
    expect(text).toMatch(/^troupe_host_up\{host="one"\} 1$/m);
    expect(text).toMatch(/^troupe_actors\{host="one",kind="writer"\} 1$/m);
    expect(text).toMatch(/^troupe_actor_messages_total\{host="one",kind="writer"\} [1-9]/m);
    expect(text).toMatch(/^troupe_actor_handler_seconds_bucket\{host="one",kind="writer",le="\+Inf"\} [1-9]/m);
    expect(text).toMatch(/^troupe_dead_letters_total\{host="one",kind="writer",reason="mailbox-full"\} 0$/m);
    expect(text).toMatch(/^process_resident_memory_bytes [1-9]/m);
    expect((await server.client(undefined)("GET", "/metrics")).status).toBe(403);
  });

  test("/troupe/actors are for administrators, and name the actors of every host", async () => {
    expect((await server.client(undefined)("GET", "/troupe/actors")).status).toBe(403);
    const other = await server.authority.client("jane", ["developers"]);
    expect((await server.client(other)("GET", "/troupe/actors")).status).toBe(403);
    expect((await server.call("GET", "/troupe/actors?limit=some")).status).toBe(400);
    const { hosts } = await json("/troupe/actors?kind=writer&limit=5");
    expect(hosts).toHaveLength(1);
    expect(hosts[0].said).toMatchObject({ host: "one", actors: [{ address: "writer/main", phase: "idle" }], actorsLeftOut: 0 });
  });
});
