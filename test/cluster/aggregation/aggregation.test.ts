import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Authority, makeAuthority } from "../gateway/certificates.ts";
import { type Json, startGateway, type TestGateway } from "../gateway/harness.ts";

const API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices";
const SERVICES = "/api/v1/namespaces/kube-system/services";
const TRIES_MAX = 500;
const RESOURCES = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: "metrics.example.com/v1",
  resources: [
    { name: "loads", singularName: "load", namespaced: true, kind: "Load", verbs: ["get", "list", "watch"], shortNames: ["ld"] },
    { name: "loads/status", singularName: "", namespaced: true, kind: "Load", verbs: ["get"] },
  ],
};

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly certificate: string;
  readonly body: string;
}

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

const SWAGGER = {
  swagger: "2.0",
  info: { title: "theirs" },
  paths: {
    "/apis/metrics.example.com/v1/loads": { get: { responses: { 200: { schema: { $ref: "#/definitions/com.example.Load" } } } } },
    "/own": { get: {} },
  },
  definitions: {
    "com.example.Load": { type: "object", properties: { metadata: { $ref: `#/definitions/${META}` } } },
    "com.example.Unused": { type: "object" },
    [META]: { type: "object", description: "other" },
  },
};

/** A server behind an APIService: it believes whoever the front proxy's authority signed for. */
let extension: Server;
let authority: Authority;
let server: TestGateway;
let port = 0;
const seen: Seen[] = [];
const watchers: ServerResponse[] = [];

beforeAll(async () => {
  server = await startGateway();
  authority = await makeAuthority("extension-ca");
  const { cert, key } = await authority.server("metrics.kube-system.svc");
  extension = createServer({ cert, key, ca: server.front.cert, requestCert: true, rejectUnauthorized: true }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const certificate = String((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? "");
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, headers, certificate, body: Buffer.concat(chunks).toString() });
    const json = (code: number, value: object): void => {
      response.writeHead(code, { "content-type": "application/json", "x-own": "yes" }).end(JSON.stringify(value));
    };
    if (url === "/apis/metrics.example.com/v1") return json(200, RESOURCES);
    if (url === "/openapi/v3")
      return json(200, {
        paths: { "apis/metrics.example.com/v1": { serverRelativeURL: "/openapi/v3/apis/metrics.example.com/v1?hash=1" } },
      });
    if (url === "/openapi/v2") return json(200, SWAGGER);
    if (url.startsWith("/openapi/v3/apis/")) return json(200, { openapi: "3.0.0" });
    if (url.includes("watch=1")) {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"type":"ADDED"}\n');
      watchers.push(response);
      return;
    }
    json(method === "POST" ? 201 : 200, { kind: "Load", method });
  });
  await new Promise<void>((resolve) => extension.listen(0, "127.0.0.1", resolve));
  port = (extension.address() as AddressInfo).port;
});
afterAll(async () => {
  await server.stop();
  extension.closeAllConnections();
  await new Promise((resolve) => extension.close(resolve));
});

const apiService = (name = "v1.metrics.example.com", group = "metrics.example.com"): Json => ({
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  metadata: { name },
  spec: {
    group,
    version: "v1",
    groupPriorityMinimum: 100,
    versionPriority: 10,
    caBundle: Buffer.from(authority.cert).toString("base64"),
    service: { namespace: "kube-system", name: "metrics", port },
  },
});

async function condition(name: string, wanted: string): Promise<Json> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const { status } = (await server.call("GET", `${API_SERVICES}/${name}`)).json();
    const available = status?.conditions?.find(({ type }: Json) => type === "Available");
    if (available?.reason === wanted) return available;
  }
  return expect.fail(`${name} does not become ${wanted}`);
}

describe("an APIService with a service", () => {
  test("is not available as long as there is nobody, and says why", async () => {
    expect((await server.call("POST", API_SERVICES, apiService())).status).toBe(201);
    const missing = await condition("v1.metrics.example.com", "ServiceNotFound");
    expect(missing).toMatchObject({ status: "False", message: 'service/metrics in "kube-system" is not present' });
    const refused = await server.call("GET", "/apis/metrics.example.com/v1/namespaces/default/loads");
    expect([refused.status, refused.text]).toEqual([503, "service unavailable\n"]);
  });

  test("becomes available when its server answers", async () => {
    const external = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "metrics" },
      spec: { type: "ExternalName", externalName: "localhost" },
    };
    expect((await server.call("POST", SERVICES, external)).status).toBe(201);
    // A change of the APIService has it looked at at once.
    const merge = { "content-type": "application/merge-patch+json" };
    await server.call("PATCH", `${API_SERVICES}/v1.metrics.example.com`, { metadata: { labels: { a: "b" } } }, merge);
    expect(await condition("v1.metrics.example.com", "Passed")).toMatchObject({ status: "True", message: "all checks passed" });
  });

  test("is asked in the name of whoever asks", async () => {
    const forged = { "x-remote-user": "eve", "X-Remote-Extra-Scopes": "all", authorization: "Bearer secret", "x-mine": "1" };
    const answer = await server.call("POST", "/apis/metrics.example.com/v1/namespaces/default/loads?dryRun=All", { some: "body" }, forged);
    expect([answer.status, answer.json(), answer.headers["x-own"]]).toEqual([201, { kind: "Load", method: "POST" }, "yes"]);
    const last = seen.at(-1);
    expect(last).toMatchObject({
      method: "POST",
      url: "/apis/metrics.example.com/v1/namespaces/default/loads?dryRun=All",
      certificate: "front-proxy-client",
      body: '{"some":"body"}',
    });
    expect(last?.headers).toMatchObject({
      "x-remote-user": "admin",
      "x-remote-group": "system:masters, system:authenticated",
      "x-mine": "1",
    });
    expect(last?.headers.authorization).toBeUndefined();
    expect(last?.headers["x-remote-extra-scopes"]).toBeUndefined();
  });

  test("is not reached by those who may not", async () => {
    const before = seen.length;
    expect((await server.client(undefined)("GET", "/apis/metrics.example.com/v1/namespaces/default/loads")).status).toBeGreaterThanOrEqual(
      401,
    );
    expect(seen.length).toBe(before);
  });

  test("is watched through", async () => {
    const watch = await server.watch("/apis/metrics.example.com/v1/namespaces/default/loads?watch=1");
    expect(await watch.next()).toEqual({ type: "ADDED" });
    watchers.at(-1)?.write('{"type":"MODIFIED"}\n');
    expect(await watch.next()).toEqual({ type: "MODIFIED" });
    watchers.at(-1)?.end();
    expect(await watch.next()).toBeUndefined();
  });

  test("is in discovery and OpenAPI", async () => {
    const groups = (await server.call("GET", "/apis")).json().groups.map(({ name }: Json) => name);
    expect(groups).toContain("metrics.example.com");
    expect((await server.call("GET", "/apis/metrics.example.com")).json()).toMatchObject({ preferredVersion: { version: "v1" } });
    expect((await server.call("GET", "/apis/metrics.example.com/v1")).json()).toEqual(RESOURCES);
    const accept = { accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" };
    const item = (await server.call("GET", "/apis", undefined, accept))
      .json()
      .items.find(({ metadata }: Json) => metadata.name === "metrics.example.com");
    expect(item.versions[0].resources[0]).toMatchObject({
      resource: "loads",
      responseKind: { group: "metrics.example.com", version: "v1", kind: "Load" },
      scope: "Namespaced",
      shortNames: ["ld"],
      subresources: [{ subresource: "status", verbs: ["get"] }],
    });
    const { paths } = (await server.call("GET", "/openapi/v3")).json();
    const { serverRelativeURL } = paths["apis/metrics.example.com/v1"];
    expect((await server.call("GET", serverRelativeURL)).json()).toEqual({ openapi: "3.0.0" });
  });

  test("is in the Swagger document, under names of its own where they are taken", async () => {
    const { paths, definitions, info } = (await server.call("GET", "/openapi/v2")).json();
    const loads = paths["/apis/metrics.example.com/v1/loads"].get.responses["200"].schema.$ref;
    expect(loads).toBe("#/definitions/com.example.Load");
    expect(definitions["com.example.Load"].properties.metadata.$ref).toBe(`#/definitions/${META}_v2`);
    expect(definitions[`${META}_v2`]).toEqual({ type: "object", description: "other" });
    expect(Object.keys(paths)).toContain("/api/v1/namespaces/{namespace}/pods");
    expect([paths["/own"], definitions["com.example.Unused"], info.title]).toEqual([undefined, undefined, "Kubernetes"]);
  });

  test("takes nothing over that is built in", async () => {
    expect((await server.call("POST", API_SERVICES, apiService("v1.apps", "apps"))).status).toBe(201);
    expect((await server.call("GET", "/apis/apps/v1/deployments")).json().kind).toBe("DeploymentList");
  });

  test("goes from everywhere when it is deleted", async () => {
    await server.call("DELETE", `${API_SERVICES}/v1.metrics.example.com`);
    expect((await server.call("GET", "/apis/metrics.example.com/v1/namespaces/default/loads")).status).toBe(404);
    let groups: Json[] = [];
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      groups = (await server.call("GET", "/apis")).json().groups.map(({ name }: Json) => name);
      if (!groups.includes("metrics.example.com")) break;
    }
    expect(groups).not.toContain("metrics.example.com");
  });
});

test("definitions are listed as long as they are served", async () => {
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  };
  await server.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  const local = await condition("v1.example.com", "Local");
  expect(local).toMatchObject({ status: "True", message: "Local APIServices are always available" });
  const { spec, metadata } = (await server.call("GET", `${API_SERVICES}/v1.example.com`)).json();
  expect(spec).toEqual({ group: "example.com", version: "v1", groupPriorityMinimum: 1000, versionPriority: 100 });
  expect(metadata.labels).toEqual({ "kube-aggregator.kubernetes.io/automanaged": "true" });
  await server.call("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.com");
  let status = 200;
  for (let tries = 0; tries < TRIES_MAX && status !== 404; tries++)
    status = (await server.call("GET", `${API_SERVICES}/v1.example.com`)).status;
  expect(status).toBe(404);
});
