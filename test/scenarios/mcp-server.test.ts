import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { FETCH_MS, fetchedClients } from "../clients/fetched-clients.ts";
import { McpServer } from "./mcp-server.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** The only platform for which the package is fetched. */
const NAME = "kubernetes-mcp-server-linux-amd64";
const RUNS_HERE = process.platform === "linux" && process.arch === "x64";

/** A real program on client-go: typed and dynamic clients, discovery, server-side apply, logs, exec. */
describe.runIf(RUNS_HERE)("kubernetes-mcp-server", () => {
  let troupe: Troupe;
  let mcp: McpServer;
  beforeAll(async () => {
    const binary = join(await fetchedClients(), NAME, "bin", NAME);
    expect(existsSync(binary), binary).toBe(true);
    troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "2"]);
    mcp = await McpServer.start(binary, ["--kubeconfig", troupe.kubeconfig]);
  }, FETCH_MS);
  afterAll(async () => {
    await mcp?.stop();
    await troupe?.discard();
  });
  const ok = async (tool: string, args: object = {}): Promise<string> => {
    const { text, isError } = await mcp.call(tool, args);
    expect(isError, text).toBe(false);
    return text;
  };
  const inDefault = { namespace: "default" };
  const web = { apiVersion: "apps/v1", kind: "Deployment", name: "web", ...inDefault };

  test("lists namespaces and the tools that the cluster can serve", async () => {
    expect(await mcp.tools()).toEqual(expect.arrayContaining(["pods_list", "resources_create_or_update", "events_list", "pods_exec"]));
    const namespaces = await ok("namespaces_list");
    for (const name of ["default", "kube-system", "kube-public"]) expect(namespaces).toContain(`kubernetes.io/metadata.name=${name}`);
  });

  test("applies, gets, scales, lists and deletes objects of any kind", async () => {
    const resource = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "nginx:1" }] }
`;
    expect(await ok("resources_create_or_update", { resource })).toMatch(/manager: kubernetes-mcp-server\n\s+operation: Apply/);
    await ok("resources_create_or_update", { resource: resource.replace("nginx:1", "nginx:2") });
    expect(await ok("resources_get", web)).toContain("image: nginx:2");
    // It reads a Scale and sends it back: nobody else may write meanwhile.
    await troupe.kubectl.ok(["rollout", "status", "deployment/web", "--timeout=120s"]);
    expect(await ok("resources_scale", { ...web, scale: 3 })).toMatch(/spec:\n\s+replicas: 3/);
    await until("three pods", async () =>
      /Deployment +web +3\/3 /.test(await ok("resources_list", { apiVersion: "apps/v1", kind: "Deployment" })),
    );
    expect((await ok("pods_list_in_namespace", { ...inDefault, labelSelector: "app=web" })).match(/ 1\/1 +Running /g)).toHaveLength(3);
    expect(await ok("resources_delete", web)).toBe("Resource deleted successfully");
    const { text, isError } = await mcp.call("resources_get", web);
    expect([isError, text]).toEqual([true, expect.stringContaining('deployments.apps "web" not found')]);
  });

  test("runs a pod, reads its log and events, is told why it cannot exec, and deletes it", async () => {
    await ok("pods_run", { name: "lone", image: "nginx", port: 80, ...inDefault });
    await until("the pod", async () => /phase: Running/.test(await ok("pods_get", { name: "lone", ...inDefault })));
    expect(await ok("pods_log", { name: "lone", ...inDefault })).toContain("This container is hollow");
    // Events are written behind what they tell of.
    await until("its Events", async () => /Message: Successfully assigned default\/lone to node-/.test(await ok("events_list", inDefault)));
    const exec = await mcp.call("pods_exec", { name: "lone", command: ["ls"], ...inDefault });
    expect(exec).toMatchObject({ isError: true, text: expect.stringContaining("is hollow: its containers have states, but no processes") });
    expect(await ok("pods_delete", { name: "lone", ...inDefault })).toBe("Pod deleted successfully");
  });

  test("reads what pods use", async () => {
    await ok("pods_run", { image: "nginx", name: "user", ...inDefault });
    const top = async (): Promise<string> => (await mcp.call("pods_top", { ...inDefault })).text;
    await expect.poll(top, { timeout: 30_000 }).toMatch(/default\s+user\s+\S*user\S*\s+\d+m/);
  });

  test("what the cluster does not have is said", async () => {
    const summary = await mcp.call("nodes_stats_summary", { name: "node-0" });
    expect(summary).toMatchObject({ isError: true, text: expect.stringContaining("node node-0 is hollow") });
  });
});
