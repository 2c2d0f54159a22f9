import { request } from "node:https";
import { createGunzip } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FeedLine } from "../../../cluster/console/web/map/feed-lines.ts";
import { MapModel } from "../../../cluster/console/web/map/model.ts";
import { startGateway, type TestGateway } from "../gateway/harness.ts";

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway();
});
afterAll(() => server.stop());

/** Looks at the map until `isSeen`, then leaves. */
function look(isSeen: (model: MapModel) => boolean, headers: Readonly<Record<string, string>> = {}): Promise<MapModel> {
  const model = new MapModel();
  const { key, cert } = server.admin;
  return new Promise((resolve, reject) => {
    const asked = request(`${server.url}/troupe/map`, { key, cert, headers, rejectUnauthorized: false }, (answer) => {
      let rest = "";
      const lines = answer.headers["content-encoding"] === "gzip" ? answer.pipe(createGunzip()) : answer;
      lines.setEncoding("utf8");
      answer.on("error", reject);
      lines.on("data", (chunk: string) => {
        const whole = (rest + chunk).split("\n");
        rest = whole.pop() ?? "";
        for (const line of whole) model.take(JSON.parse(line) as FeedLine);
        if (!isSeen(model)) return;
        resolve(model);
        asked.destroy();
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}

const nodeNames = ({ nodes }: MapModel): string[] => [...nodes.values()].map(({ name }) => name).sort();

describe("GET /troupe/map", () => {
  test("shows nodes and pods as they are, and as they become", async () => {
    const status = { allocatable: { cpu: "8", memory: "16Gi", pods: "110" }, conditions: [{ type: "Ready", status: "True" }] };
    await server.call("POST", "/api/v1/nodes", { metadata: { name: "one" } });
    await server.call("PATCH", "/api/v1/nodes/one/status", { status }, { "content-type": "application/merge-patch+json" });
    const first = await look(({ isWhole, nodes }) => isWhole && nodes.size === 1);
    expect([...first.nodes.values()]).toMatchObject([{ name: "one", state: 0, cpuMax: 8_000, running: 0 }]);

    const later = look(({ totals, nodes }) => totals.unscheduled === 1 && nodes.size === 2);
    await server.call("POST", "/api/v1/nodes", { metadata: { name: "two" } });
    await server.call("POST", "/api/v1/namespaces/default/pods", {
      metadata: { name: "waits" },
      spec: { containers: [{ name: "c", image: "x" }] },
    });
    expect(nodeNames(await later)).toEqual(["one", "two"]);

    const last = look(({ nodes, isWhole }) => isWhole && nodes.size === 1, { "accept-encoding": "br, gzip" });
    await server.call("DELETE", "/api/v1/nodes/two");
    expect(nodeNames(await last)).toEqual(["one"]);
  });

  test("is for who may see all nodes and all pods, and for nobody else", async () => {
    expect((await server.client(undefined)("GET", "/troupe/map")).status).toBe(403);
    const jane = server.client(await server.authority.client("jane", []));
    const role = async (name: string, resource: string): Promise<void> => {
      const group = "/apis/rbac.authorization.k8s.io/v1";
      await server.call("POST", `${group}/clusterroles`, {
        metadata: { name },
        rules: [{ apiGroups: [""], resources: [resource], verbs: ["list", "watch"] }],
      });
      await server.call("POST", `${group}/clusterrolebindings`, {
        metadata: { name },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "jane" }],
      });
    };
    await role("sees-nodes", "nodes");
    expect((await jane("GET", "/troupe/map")).json().message).toBe(
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope',
    );
    await role("sees-pods", "pods");
    expect((await jane("POST", "/troupe/map", {})).status).not.toBe(403);
    expect((await server.call("POST", "/troupe/map", {})).status).toBe(404);
  });
});
