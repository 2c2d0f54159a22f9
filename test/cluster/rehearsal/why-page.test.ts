import { afterAll, beforeAll, expect, test } from "vitest";
import { Rehearsals } from "../../../cluster/rehearsal/why-page.ts";
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
  };
  await call("POST", `${RBAC}/clusterroles`, { metadata: { name: "both" }, rules: [rules.nodes, rules.pods] });
  await call("POST", `${RBAC}/clusterroles`, { metadata: { name: "pods" }, rules: [rules.pods] });
  for (const name of ["both", "pods"]) {
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
