import { afterAll, beforeAll, expect, test } from "vitest";
import { APIServiceKind } from "../../../actors/kinds/apiregistration/api-service.ts";
import { NodeKind } from "../../../actors/kinds/core/node.ts";
import type { Node } from "../../../actors/kinds/generated/types.ts";
import { createFleetKind } from "../../../actors/node/fleet.ts";
import { HOLLOW_FORM } from "../../../actors/node/hollow/hollow-form.ts";
import { createHollowRuntime } from "../../../actors/node/hollow-runtime.ts";
import type { FleetMessage } from "../../../actors/node/messages.ts";
import { createNodeKind } from "../../../actors/node/node.ts";
import { createHollowUsage } from "../../../actors/node/usage/hollow-usage.ts";
import { UsageReader } from "../../../actors/node/usage/usage-reader.ts";
import { createPodKind } from "../../../actors/pod/pod.ts";
import { METRICS_API_SERVICE } from "../../../cluster/resource-metrics/objects.ts";
import { ResourceMetrics } from "../../../cluster/resource-metrics/resource-metrics.ts";
import { systemClock, systemRandom } from "../../../runtime/mod.ts";
import { type Json, startGateway, type TestGateway } from "../gateway/harness.ts";

const API = "/apis/metrics.k8s.io/v1beta1";
const AS_TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const TRIES_MAX = 2_000;

let server: TestGateway;

beforeAll(async () => {
  const extension = ({ replica, host }: TestGateway["store"]) => new ResourceMetrics(replica, new UsageReader(replica, host.messenger));
  server = await startGateway({ extension });
  const { store, registry } = server;
  const view = store.replica;
  const runtime = createHollowRuntime(systemClock(), systemRandom(), { profile: { start_ms: [0, 0], stop_ms: [0, 0], run_ms: [0, 0] } });
  const usageOf = createHollowUsage(view, () => 0);
  store.host.register(createFleetKind({ view, form: HOLLOW_FORM }));
  store.host.register(createNodeKind({ view, registry, form: HOLLOW_FORM, usageOf }));
  store.host.register(createPodKind({ view, registry, recorder: { event: () => {}, once: () => {} }, runtime }));
  await server.call("POST", "/api/v1/namespaces", { metadata: { name: "kube-node-lease" } });
  const start: FleetMessage = { type: "start", nodes: 2 };
  await store.host.messenger.ask("fleet/main", start);
  await registry.create(NodeKind, { metadata: { name: "foreign" }, spec: {} } as unknown as Node);
  await make("default", "web-a", "node-0", { app: "web" }, "100m");
  await make("default", "web-b", "node-1", { app: "web" }, "200m");
  await make("kube-system", "dns", "node-0", { app: "dns" }, "1500u");
  await make("default", "lost", "foreign", { app: "web" }, "1");
  await make("default", "homeless", undefined, { app: "web" }, "1");
  for (let tries = 0; (await items("/pods")).length < 3; tries++) if (tries > TRIES_MAX) expect.fail("the pods do not run");
});
afterAll(() => server.stop());

async function make(namespace: string, name: string, nodeName: string | undefined, labels: object, cpu: string): Promise<void> {
  const spec = {
    nodeName,
    containers: [
      { name: "c", image: "i" },
      { name: "side", image: "i" },
    ],
  };
  const annotations = { "troupe.dev/usage-cpu.c": cpu, "troupe.dev/usage-memory": "4Mi" };
  const made = await server.call("POST", `/api/v1/namespaces/${namespace}/pods`, { metadata: { name, labels, annotations }, spec });
  expect(made.status).toBe(201);
}

async function items(path: string): Promise<Json[]> {
  const answer = await server.call("GET", `${API}${path}`);
  expect(answer.status).toBe(200);
  return answer.json().items;
}

const namesOf = async (path: string): Promise<string[]> => (await items(path)).map(({ metadata }: Json) => metadata.name);

test("pods are measured by container", async () => {
  const answer = (await server.call("GET", `${API}/namespaces/default/pods/web-a`)).json();
  expect(answer).toMatchObject({
    kind: "PodMetrics",
    apiVersion: "metrics.k8s.io/v1beta1",
    metadata: { name: "web-a", namespace: "default", labels: { app: "web" } },
    window: "15s",
    containers: [
      { name: "c", usage: { cpu: "100m", memory: "4Mi" } },
      { name: "side", usage: { cpu: "1m", memory: "4Mi" } },
    ],
  });
  expect(answer.metadata.resourceVersion).toBeUndefined();
  expect(answer.timestamp).toBe(answer.metadata.creationTimestamp);
});

test("a list has those that run on nodes that can be asked", async () => {
  const whole = (await server.call("GET", `${API}/pods`)).json();
  expect(whole).toMatchObject({ kind: "PodMetricsList", apiVersion: "metrics.k8s.io/v1beta1", metadata: {} });
  expect(await namesOf("/pods")).toEqual(["web-a", "web-b", "dns"]);
  expect(await namesOf("/namespaces/default/pods")).toEqual(["web-a", "web-b"]);
  expect(await namesOf("/nodes")).toEqual(["node-0", "node-1"]);
});

test.each([
  ["/pods?labelSelector=app%3Ddns", ["dns"]],
  ["/namespaces/default/pods?labelSelector=app%3Ddns", []],
  ["/pods?fieldSelector=metadata.name%3Dweb-b", ["web-b"]],
  ["/pods?fieldSelector=metadata.namespace%3Dkube-system", ["dns"]],
  ["/nodes?labelSelector=kubernetes.io/hostname%3Dnode-1", ["node-1"]],
])("%s selects by what is measured", async (path, names) => {
  expect(await namesOf(path)).toEqual(names);
});

test("a node uses what its pods use", async () => {
  const [first, second] = await items("/nodes");
  expect([first.usage, second.usage]).toEqual([
    { cpu: "103500u", memory: "16Mi" },
    { cpu: "201m", memory: "8Mi" },
  ]);
});

test("tables are those of metrics-server", async () => {
  const table = (await server.call("GET", `${API}/namespaces/default/pods`, undefined, AS_TABLE)).json();
  expect(table.columnDefinitions.map(({ name, format }: Json) => [name, format])).toEqual([
    ["Name", "name"],
    ["cpu", "quantity"],
    ["memory", "quantity"],
    ["Window", "duration"],
  ]);
  expect(table.rows.map(({ cells }: Json) => cells)).toEqual([
    ["web-a", "101m", "8Mi", "15s"],
    ["web-b", "201m", "8Mi", "15s"],
  ]);
  expect(table.metadata).toEqual({});
  const one = (await server.call("GET", `${API}/nodes/node-1`, undefined, AS_TABLE)).json();
  expect([one.rows[0].cells, one.metadata]).toEqual([["node-1", "201m", "8Mi", "15s"], {}]);
});

test.each([
  ["GET", "/namespaces/default/pods/homeless", 404, 'pods.metrics.k8s.io "default/homeless" not found'],
  ["GET", "/namespaces/default/pods/nobody", 404, 'pods "nobody" not found'],
  ["GET", "/nodes/nowhere", 404, 'nodes "nowhere" not found'],
  ["GET", "/nodes/foreign", 404, 'nodes.metrics.k8s.io "foreign" not found'],
  ["GET", "/things", 404, "the server could not find the requested resource"],
  ["GET", "/nodes/node-0/status", 404, "the server could not find the requested resource"],
  ["POST", "/namespaces/default/pods", 405, "the server does not allow this method on the requested resource"],
  ["GET", "/nodes?watch=1", 405, "the server does not allow this method on the requested resource"],
  ["GET", "/pods?labelSelector=%3D%3D", 400, "found '==', expected: !, identifier, or 'end of string'"],
  [
    "GET",
    "/pods?fieldSelector=status.phase%3DRunning",
    400,
    '"status.phase" is not a known field selector: only "metadata.name", "metadata.namespace"',
  ],
])("%s %s is answered %i", async (method, path, code, message) => {
  const answer = await server.call(method, `${API}${path}`, method === "POST" ? {} : undefined);
  expect([answer.status, answer.json().message]).toEqual([code, message]);
});

test("who reads protobuf alone is told that there is none", async () => {
  const answer = await server.call("GET", `${API}/nodes`, undefined, { accept: "application/vnd.kubernetes.protobuf" });
  expect(answer.status).toBe(406);
});

test("it is in discovery and described", async () => {
  const list = (await server.call("GET", API)).json();
  expect(list.resources).toEqual([
    { name: "nodes", singularName: "", namespaced: false, kind: "NodeMetrics", verbs: ["get", "list"] },
    { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] },
  ]);
  const groups = (await server.call("GET", "/apis")).json().groups;
  expect(groups.find(({ name }: Json) => name === "metrics.k8s.io")?.versions).toEqual([
    { groupVersion: "metrics.k8s.io/v1beta1", version: "v1beta1" },
  ]);
  const { paths } = (await server.call("GET", "/openapi/v3")).json();
  const document = await server.call("GET", paths["apis/metrics.k8s.io/v1beta1"].serverRelativeURL);
  expect(Object.keys(document.json().components.schemas)).toContain("io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics");
  const { etag } = document.headers;
  const again = await server.call("GET", "/openapi/v3/apis/metrics.k8s.io/v1beta1", undefined, { "if-none-match": String(etag) });
  expect(again.status).toBe(304);
});

test("whoever names a service in the APIService serves the group from then on, until it goes", async () => {
  const services = "/apis/apiregistration.k8s.io/v1/apiservices";
  await server.registry.create(APIServiceKind, structuredClone(METRICS_API_SERVICE));
  expect(await namesOf("/nodes")).toHaveLength(2);
  const service = { namespace: "kube-system", name: "metrics-server", port: 443 };
  const patch = { spec: { service, insecureSkipTLSVerify: true } };
  const merge = { "content-type": "application/merge-patch+json" };
  expect((await server.call("PATCH", `${services}/v1beta1.metrics.k8s.io`, patch, merge)).status).toBe(200);
  expect((await server.call("GET", `${API}/nodes`)).status).toBe(503);
  expect((await server.call("DELETE", `${services}/v1beta1.metrics.k8s.io`)).status).toBe(200);
  expect(await namesOf("/nodes")).toHaveLength(2);
  expect((await server.call("GET", API)).status).toBe(200);
});
