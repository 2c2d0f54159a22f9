import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_LEVELS, DEFAULT_SCHEMAS } from "../../../../cluster/gateway/fairness/defaults.ts";
import { flowOf, inOrder } from "../../../../cluster/gateway/fairness/flow-schemas.ts";
import { parseRequest } from "../../../../cluster/gateway/route.ts";
import type { Call, TestGateway } from "../harness.ts";
import { startGateway } from "../harness.ts";

const FLOWCONTROL = "/apis/flowcontrol.apiserver.k8s.io/v1";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const IN_FLIGHT = 500;
/** What was turned away comes again soon. */
const REFUSED_WAIT_MS = 10;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

describe("the flow of a request", () => {
  const schemas = inOrder(DEFAULT_SCHEMAS);
  const kubelet = { user: "system:node:n1", groups: ["system:nodes", "system:authenticated"] };
  const account = (namespace: string, name: string): { user: string; groups: string[] } => ({
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
  });

  test.each([
    [{ user: "admin", groups: ["system:masters"] }, "GET", "/api/v1/pods", "exempt", ""],
    [{ user: "system:anonymous", groups: ["system:unauthenticated"] }, "GET", "/healthz", "probes", ""],
    [{ user: "system:anonymous", groups: ["system:unauthenticated"] }, "GET", "/version", "global-default", "system:anonymous"],
    [kubelet, "PATCH", "/api/v1/nodes/n1/status", "system-node-high", "system:node:n1"],
    [kubelet, "GET", "/api/v1/namespaces/a/pods/b", "system-nodes", "system:node:n1"],
    [
      account("kube-system", "x"),
      "PUT",
      "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x",
      "system-leader-election",
      "system:serviceaccount:kube-system:x",
    ],
    [account("kube-system", "x"), "GET", "/api/v1/namespaces/a/pods", "kube-system-service-accounts", "a"],
    [account("a", "x"), "GET", "/api/v1/pods", "service-accounts", "system:serviceaccount:a:x"],
    [{ user: "jane", groups: ["system:authenticated"] }, "POST", "/api/v1/namespaces/a/pods", "global-default", "jane"],
  ])("%j %s %s: %s", (identity, method, url, schema, distinguisher) => {
    const flow = flowOf(schemas, identity, parseRequest(method, url));
    expect([flow?.schema.metadata.name, flow?.distinguisher]).toEqual([schema, distinguisher]);
  });
});

/** Without what the registry fills in. */
function named<T extends { readonly metadata: { readonly name: string } }>({ metadata, ...rest }: T): object {
  return { ...rest, metadata: { name: metadata.name } };
}

describe("a gateway", () => {
  let server: TestGateway;
  let polite: Call;
  beforeAll(async () => {
    server = await startGateway();
    const rules = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
    await server.call("POST", `${RBAC}/clusterroles`, { metadata: { name: "all" }, rules });
    const subjects = ["greedy", "polite"].map((name) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "User", name }));
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "all" };
    await server.call("POST", `${RBAC}/clusterrolebindings`, { metadata: { name: "all" }, subjects, roleRef });
    polite = server.client(await server.authority.client("polite", []));
  });
  afterAll(() => server.stop());

  test("takes Kubernetes' own schemas and levels as its registry does", async () => {
    for (const level of DEFAULT_LEVELS) {
      expect((await server.call("POST", `${FLOWCONTROL}/prioritylevelconfigurations`, named(level))).status, level.metadata.name).toBe(201);
    }
    for (const schema of DEFAULT_SCHEMAS) {
      expect((await server.call("POST", `${FLOWCONTROL}/flowschemas`, named(schema))).status, schema.metadata.name).toBe(201);
    }
  });

  test("says of each answer whose flow and level it was", async () => {
    const schema = await server.call("GET", `${FLOWCONTROL}/flowschemas/global-default`);
    const level = await server.call("GET", `${FLOWCONTROL}/prioritylevelconfigurations/global-default`);
    const { headers, status } = await polite("GET", CONFIG_MAPS);
    expect(status).toBe(200);
    expect(headers["x-kubernetes-pf-flowschema-uid"]).toBe(schema.json().metadata.uid);
    expect(headers["x-kubernetes-pf-prioritylevel-uid"]).toBe(level.json().metadata.uid);
  });

  test("a polite client is never turned away, and waits for no more than what came before, though a greedy one has 500 requests under way", async () => {
    const session = connect(server.url, { ca: server.authority.cert, ...(await server.authority.client("greedy", [])) });
    let served = 0;
    let ended = false;
    const ask = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":path": "/api/v1/namespaces/default" });
        let status = 0;
        stream.on("response", (head) => {
          status = Number(head[":status"]);
        });
        stream.on("error", reject);
        stream.on("end", () => resolve(status));
        stream.resume();
      });
    const loop = async (): Promise<void> => {
      while (!ended) {
        if ((await ask()) === 200) served++;
        else await new Promise((resolve) => setTimeout(resolve, REFUSED_WAIT_MS));
      }
    };
    const loops = Promise.all(Array.from({ length: IN_FLIGHT }, loop));
    const between: number[] = [];
    for (let count = 0; count < 5; count++) {
      const before = served;
      expect((await polite("GET", CONFIG_MAPS)).status).toBe(200);
      between.push(served - before);
    }
    ended = true;
    await loops;
    session.destroy();
    // Those that have a seat, in each of the few turns of the event loop that the polite one's request is on its way: client and server share it.
    expect(between.sort((a, b) => a - b)[between.length >> 1]).toBeLessThan(IN_FLIGHT * 2);
    expect((await server.call("GET", "/metrics")).text).toMatch(
      /apiserver_flowcontrol_current_executing_requests\{priority_level="global-default",flow_schema="global-default"\} 0/,
    );
  });

  test("shows its levels, queues and requests, as kube-apiserver does", async () => {
    const dump = async (name: string): Promise<string[][]> => {
      const { text, status } = await server.call("GET", `/debug/api_priority_and_fairness/dump_${name}`);
      expect(status).toBe(200);
      return text
        .trimEnd()
        .split("\n")
        .map((line) => line.split(/, */));
    };
    const levels = await dump("priority_levels");
    expect(levels[0]?.slice(0, 5)).toEqual(["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests"]);
    expect(levels.map(([name]) => name)).toContain("workload-low");
    // Who asks is exempt, and asks just now.
    expect(levels.find(([name]) => name === "exempt")?.slice(2, 6)).toEqual(["false", "false", "0", "1"]);
    const queues = await dump("queues");
    expect(queues.filter(([name]) => name === "leader-election")).toHaveLength(16);
    const requests = await dump("requests");
    expect(requests[1]?.slice(0, 5)).toEqual(["exempt", "exempt", "-1", "-1", ""]);
    expect((await polite("GET", "/debug/api_priority_and_fairness/dump_queues")).status).toBe(403);
  });

  test("a watch has a seat until it runs, and says whose flow it was", async () => {
    const reader = await server.watch(`${CONFIG_MAPS}?watch=1`);
    const { text } = await server.call("GET", "/metrics");
    expect(text).toMatch(/apiserver_flowcontrol_current_executing_seats\{priority_level="exempt",flow_schema="exempt"\} 1/);
    reader.close();
  });

  test("a level without seats has one request at a time and turns others away, and administrators can undo it", async () => {
    const path = `${FLOWCONTROL}/prioritylevelconfigurations/closed`;
    const limited = { nominalConcurrencyShares: 0, limitResponse: { type: "Reject" } };
    await server.call("POST", `${FLOWCONTROL}/prioritylevelconfigurations`, {
      metadata: { name: "closed" },
      spec: { type: "Limited", limited },
    });
    const rules = [
      {
        subjects: [{ kind: "User", user: { name: "polite" } }],
        resourceRules: [{ verbs: ["*"], apiGroups: [""], resources: ["configmaps"], namespaces: ["*"] }],
      },
    ];
    const spec = { priorityLevelConfiguration: { name: "closed" }, matchingPrecedence: 1_000, rules };
    await server.call("POST", `${FLOWCONTROL}/flowschemas`, { metadata: { name: "closed" }, spec });
    // A body that does not come keeps the one seat.
    const session = connect(server.url, { ca: server.authority.cert, ...(await server.authority.client("polite", [])) });
    const slow = session.request({ ":method": "POST", ":path": CONFIG_MAPS, "content-type": "application/json" });
    slow.on("error", () => {});
    slow.write("{");
    const requests = "/debug/api_priority_and_fairness/dump_requests";
    while (!(await server.call("GET", requests)).text.includes("closed,")) await new Promise((resolve) => setImmediate(resolve));
    const refused = await polite("GET", CONFIG_MAPS);
    expect([refused.status, refused.text, refused.headers["retry-after"]]).toEqual([
      429,
      "Too many requests, please try again later.\n",
      "1",
    ]);
    expect(refused.headers["x-kubernetes-pf-flowschema-uid"]).toBeDefined();
    expect((await server.call("GET", "/metrics")).text).toContain(
      'apiserver_flowcontrol_rejected_requests_total{priority_level="closed",flow_schema="closed",reason="concurrency-limit"} 1',
    );
    expect((await polite("GET", "/api/v1/namespaces/default")).status).toBe(200);
    session.destroy();
    await server.call("DELETE", `${FLOWCONTROL}/flowschemas/closed`);
    await server.call("DELETE", path);
    expect((await polite("GET", CONFIG_MAPS)).status).toBe(200);
  });
});
