import { afterAll, beforeAll, expect, test } from "vitest";
import { Rehearsals } from "../../../cluster/rehearsal/rehearsals.ts";
import { systemClock } from "../../../runtime/mod.ts";
import { startGateway, type TestGateway } from "../gateway/harness.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const PODS = "/api/v1/namespaces/default/pods";

let server: TestGateway;

beforeAll(async () => {
  server = await startGateway();
  const { call } = server;
  for (const [name, cpu] of [
    ["small", "1"],
    ["large", "8"],
  ]) {
    await call("POST", "/api/v1/nodes", { metadata: { name }, status: { allocatable: { cpu, memory: "8Gi", pods: "10" } } });
    // As a node that has said that it is ready.
    const untainted = { spec: { taints: null } };
    await call("PATCH", `/api/v1/nodes/${name}`, untainted, { "content-type": "application/merge-patch+json" });
  }
  const containers = (cpu: string) => [{ name: "c", image: "i", resources: { requests: { cpu } } }];
  await call("POST", PODS, { metadata: { name: "there" }, spec: { nodeName: "large", containers: containers("5") } });
  await call("POST", PODS, { metadata: { name: "waits" }, spec: { containers: containers("4") } });
  await call("POST", PODS, { metadata: { name: "fits" }, spec: { containers: containers("2") } });
  const rules = {
    nodes: { apiGroups: [""], resources: ["nodes"], verbs: ["list"] },
    pods: { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
    newPods: { apiGroups: [""], resources: ["pods"], verbs: ["create", "list"] },
  };
  await call("POST", `${RBAC}/clusterroles`, { metadata: { name: "both" }, rules: [rules.nodes, rules.pods] });
  await call("POST", `${RBAC}/clusterroles`, { metadata: { name: "pods" }, rules: [rules.pods] });
  await call("POST", `${RBAC}/clusterroles`, { metadata: { name: "planner" }, rules: [rules.nodes, rules.newPods] });
  for (const name of ["both", "pods", "planner"]) {
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name };
    await call("POST", `${RBAC}/clusterrolebindings`, {
      metadata: { name },
      roleRef,
      subjects: [{ kind: "User", name, apiGroup: roleRef.apiGroup }],
    });
  }
});
afterAll(() => server.stop());

const why = (pod: string): string => `/troupe/why?namespace=default&pod=${pod}`;

test("says what each node says, and the message that the scheduler would leave", async () => {
  const waits = (await server.call("GET", why("waits"))).json();
  expect(waits).toMatchObject({
    pod: "default/waits",
    best: [],
    message: expect.stringContaining("0/2 nodes are available: 2 Insufficient cpu."),
  });
  expect(waits.nodes.map(({ node, reasons }: { node: string; reasons: string[] }) => [node, reasons]).sort()).toEqual([
    ["large", ["Insufficient cpu"]],
    ["small", ["Insufficient cpu"]],
  ]);
  const fits = (await server.call("GET", why("fits"))).json();
  expect(fits.best).toEqual(["large"]);
  expect((await server.call("GET", why("there"))).json()).toMatchObject({ node: "large", best: ["large"] });
});

test("many who ask at once are answered one after another; more are not taken", async () => {
  const rehearsals = new Rehearsals({ view: server.store.replica, clock: systemClock() });
  const asked: Promise<unknown>[] = [];
  while (!rehearsals.isFull) asked.push(rehearsals.why("default", "fits"));
  expect(asked.length).toBe(8);
  for (const account of await Promise.all(asked)) expect(account).toMatchObject({ best: ["large"] });
  expect(rehearsals.isFull).toBe(false);
});

test("is for those who may see the pod and the nodes", async () => {
  const as = async (name: string) => server.client(await server.authority.client(name, []));
  expect((await (await as("both"))("GET", why("fits"))).status).toBe(200);
  const refused = await (await as("pods"))("GET", why("fits"));
  expect([refused.status, refused.json().message]).toEqual([
    403,
    'nodes is forbidden: User "pods" cannot list resource "nodes" in API group "" at the cluster scope',
  ]);
  expect((await (await as("nobody"))("GET", why("fits"))).json().message).toContain('cannot get resource "pods"');
});

test("names what is missing", async () => {
  expect((await server.call("GET", why("none"))).json().message).toBe('pods "none" not found');
  expect((await server.call("GET", "/troupe/why?pod=fits")).status).toBe(400);
});

const ASK = "/troupe/what-if?namespace=default";
const podsOf = (replicas: number, cpu: string): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }] },
    },
  },
});
const node = (name: string, cpu: string): object => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name },
  status: { allocatable: { cpu, memory: "8Gi", pods: "10" } },
});
const list = (...items: object[]): object => ({ apiVersion: "v1", kind: "List", items });

test("what if: says where pods would go, on the nodes there are and on others, and makes nothing", async () => {
  const { call } = server;
  const placed = async (body: object): Promise<(string | undefined)[]> => {
    const answer = await call("POST", ASK, body);
    expect(answer.json()).toMatchObject({ kind: "Placements", apiVersion: "troupe.dev/v1" });
    return answer.json().placements.map(({ node }: { node?: string }) => node);
  };
  // The larger one has room for two of them, beside the pod that is there.
  expect(await placed(podsOf(3, "1500m"))).toEqual(["large", "large", undefined]);
  expect(await placed(list(node("huge", "16"), podsOf(3, "4")))).toEqual(["huge", "huge", "huge"]);
  expect(await placed(list(node("large", "32"), podsOf(1, "4")))).toEqual(["large"]);
  const single = { apiVersion: "v1", kind: "Pod", metadata: { name: "one" }, spec: { containers: [{ name: "c", image: "i" }] } };
  expect(await placed(single)).toHaveLength(1);
  expect((await call("GET", PODS)).json().items).toHaveLength(3);
  expect((await call("GET", "/api/v1/nodes/huge")).status).toBe(404);
});

test("what if: says who would have to go", async () => {
  const { call } = server;
  await call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name: "first" }, value: 1_000 });
  const urgent = podsOf(1, "6") as { spec: { template: { spec: object } } };
  Object.assign(urgent.spec.template.spec, { priorityClassName: "first" });
  expect((await call("POST", ASK, urgent)).json().placements).toMatchObject([{ nominated: "large", victims: ["default/there"] }]);
});

test("what if: refuses what has no pods, too many, what the API would not take, and those who may not", async () => {
  const { call } = server;
  const said = async (body: object, ask = ASK): Promise<readonly [number, string]> => {
    const answer = await call("POST", ask, body);
    return [answer.status, answer.json().message];
  };
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } };
  expect(await said(configMap)).toEqual([400, expect.stringContaining("a ConfigMap (x) has no pods")]);
  expect(await said(podsOf(1_001, "1"))).toEqual([400, "these are more than 1000 pods"]);
  expect(await said(podsOf(1, "-1"))).toEqual([422, expect.stringContaining("must be greater than or equal to 0")]);
  expect(await said(list(node("bad", "-3"), podsOf(1, "1")))).toEqual([422, expect.stringContaining('Node "bad" is invalid')]);
  expect(await said(podsOf(1, "1"), "/troupe/what-if")).toEqual([400, "namespace says where the pods would be"]);
  expect(await said(list(configMap, {}))).toEqual([400, expect.stringContaining("no list of them")]);
  const elsewhere = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "kube-system" }, spec: { containers: [] } };
  expect(await said(elsewhere)).toEqual([400, "the pods are to be in default, not in kube-system"]);
  const rollout = (template: unknown): object => ({ apiVersion: "x.io/v1", kind: "Rollout", metadata: { name: "r" }, spec: { template } });
  expect(await said(rollout({ spec: { containers: "c" } }))).toEqual([400, expect.stringContaining("containers")]);
  expect(await said(rollout({ spec: 5 }))).toEqual([400, expect.stringContaining("spec")]);
  expect(await said(list({ kind: "Node", metadata: { name: "n" }, status: 7 }, podsOf(1, "1")))).toEqual([400, expect.any(String)]);
  expect((await call("POST", ASK, rollout({ spec: { containers: [{ name: "c", image: "i" }] } }))).json().placements).toHaveLength(1);
  expect((await call("GET", ASK)).status).toBe(405);
  const as = async (name: string) => server.client(await server.authority.client(name, []));
  expect((await (await as("planner"))("POST", ASK, podsOf(1, "1"))).status).toBe(200);
  expect((await (await as("both"))("POST", ASK, podsOf(1, "1"))).json().message).toContain('cannot create resource "pods"');
});
