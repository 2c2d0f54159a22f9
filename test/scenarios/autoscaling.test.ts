import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { makeAuthority } from "../cluster/gateway/certificates.ts";
import { MetricsServer } from "../cluster/resource-metrics/metrics-server.ts";
import type { Kubectl } from "./kubectl.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** A new pod's CPU counts 15 s after it is ready, however often autoscalers look. */
const PATIENCE_MS = 150_000;
/** Each look that finds no metrics yet is an Event or two, and of one object's so many are told. */
const LOOK = "2s";

let troupe: Troupe;
let kubectl: Kubectl;
/** Serves custom.metrics.k8s.io beside the cluster. */
let server: MetricsServer;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "3", "--horizontal-pod-autoscaler-sync-period", LOOK]);
  kubectl = troupe.kubectl;
  server = await MetricsServer.start(await makeAuthority("metrics-ca"), "custom-metrics.default.svc");
  await apply(deployment("web", 2, { "troupe.dev/usage-cpu": "250m", "troupe.dev/usage-memory.side": "40%" }));
  await apply(deployment("busy", 1, { "troupe.dev/usage-cpu": "1" }));
  for (const name of ["web", "busy"]) await kubectl.ok(["rollout", "status", `deployment/${name}`, "--timeout=120s"]);
});
afterAll(async () => {
  await server?.stop();
  await troupe?.discard();
});

const apply = (...items: readonly object[]): Promise<string> =>
  kubectl.ok(["apply", "-f", "-"], { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });

function deployment(name: string, replicas: number, annotations: Readonly<Record<string, string>>): object {
  const resources = { requests: { cpu: "500m", memory: "100Mi" } };
  const containers = ["main", "side"].map((container) => ({ name: container, image: "nginx", resources }));
  const template = { metadata: { labels: { app: name }, annotations }, spec: { containers } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas, selector: { matchLabels: { app: name } }, template },
  };
}

function autoscaler(name: string, spec: object): object {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name };
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name },
    spec: { scaleTargetRef, minReplicas: 1, ...spec },
  };
}

/** Lines of a table as lists of words, without its heading. */
async function rows(...args: readonly string[]): Promise<string[][]> {
  return (await kubectl.ok(args))
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
}

const replicas = async (name: string): Promise<number> =>
  (await kubectl.json<{ spec: { replicas: number } }>(["get", `deployment/${name}`])).spec.replicas;

describe("kubectl top", () => {
  test("pods, and their containers", async () => {
    const pods = await rows("top", "pod", "-l", "app=web");
    expect(pods.map(([, ...used]) => used)).toEqual([
      ["500m", "90Mi"],
      ["500m", "90Mi"],
    ]);
    const containers = await rows("top", "pod", "--containers", "-l", "app=web");
    expect(containers.map(([, name, ...used]) => [name, ...used])).toEqual([
      ["main", "250m", "50Mi"],
      ["side", "250m", "40Mi"],
      ["main", "250m", "50Mi"],
      ["side", "250m", "40Mi"],
    ]);
  });

  test("of all namespaces, sorted", async () => {
    const used = (await rows("top", "pod", "-A", "--sort-by=cpu")).map(([namespace, , cpu]) => [namespace, cpu]);
    expect(used).toEqual([
      ["default", "2000m"],
      ["default", "500m"],
      ["default", "500m"],
    ]);
    expect((await rows("top", "pod", "--sort-by=memory"))[0]?.[2]).toBe("100Mi");
  });

  test("nodes", async () => {
    const nodes = await rows("top", "node");
    expect(nodes.map(([name]) => name)).toEqual(["node-0", "node-1", "node-2"]);
    const cores = nodes.reduce((sum, [, cpu = ""]) => sum + Number(cpu.slice(0, -1)), 0);
    expect(cores).toBe(3_000);
    expect(await rows("top", "node", "node-1")).toHaveLength(1);
  });

  test("what kwok's objects say", async () => {
    await kubectl.ok(["apply", "-f", "examples/resource-usage/crd.yaml"]);
    await kubectl.ok(["wait", "--for=condition=Established", "crd/clusterresourceusages.kwok.x-k8s.io", "--timeout=120s"]);
    await kubectl.ok(["apply", "-f", "examples/resource-usage/growing.yaml"]);
    await kubectl.ok(["run", "leaky", "--image=nginx"]);
    await kubectl.ok(["wait", "--for=condition=Ready", "pod/leaky", "--timeout=120s"]);
    expect(await rows("top", "pod", "leaky")).toEqual([["leaky", "20m", "8Mi"]]);
    await kubectl.ok(["delete", "pod", "leaky", "--now"]);
  });

  test("what is not there", async () => {
    expect(await kubectl.refused(["top", "pod", "nobody"])).toContain('pods "nobody" not found');
    expect(await kubectl.refused(["top", "node", "nowhere"])).toContain('nodes "nowhere" not found');
  });

  test("is for whom may view", async () => {
    await kubectl.ok(["create", "serviceaccount", "viewer"]);
    const viewer = "system:serviceaccount:default:viewer";
    const may = async () => (await kubectl.run(["auth", "can-i", "list", "pods.metrics.k8s.io", "--as", viewer])).stdout.trim();
    expect(await may()).toBe("no");
    await kubectl.ok(["create", "rolebinding", "viewer", "--clusterrole=view", "--serviceaccount=default:viewer"]);
    await until("the right", async () => (await may()) === "yes");
    expect(await kubectl.ok(["top", "pod", "--as", viewer])).toContain("web-");
  });
});

test("the APIService is there, and nobody's in particular", async () => {
  const [row] = await rows("get", "apiservice", "v1beta1.metrics.k8s.io");
  expect(row?.slice(0, 3)).toEqual(["v1beta1.metrics.k8s.io", "Local", "True"]);
  expect(await kubectl.ok(["api-resources", "--api-group=metrics.k8s.io"])).toContain("PodMetrics");
  expect(await kubectl.ok(["explain", "podmetrics.containers.usage"])).toContain("How much is used of each resource.");
});

test(
  "kubectl autoscale: a busy deployment grows to its bound, and its autoscaler says so",
  async () => {
    await kubectl.ok(["autoscale", "deployment", "busy", "--min=1", "--max=5", "--cpu-percent=80"]);
    await until("five", async () => (await replicas("busy")) === 5, PATIENCE_MS);
    const said = await until(
      "that there could be more",
      async () => {
        const described = await kubectl.ok(["describe", "hpa", "busy"]);
        return described.includes("TooManyReplicas") && described;
      },
      PATIENCE_MS,
    );
    expect(said).toMatch(/resource cpu on pods +\(as a percentage of request\): +200% \(2\) \/ 80%/);
    expect(said).toMatch(/AbleToScale +True/);
    expect(said).toMatch(/ScalingActive +True +ValidMetricFound/);
    expect(said).toContain("New size: 3; reason: cpu resource utilization (percentage of request) above target");
    const row = await until(
      "that there are five",
      async () => (await rows("get", "hpa", "busy")).find(([, , , , , , now]) => now === "5"),
      PATIENCE_MS,
    );
    expect(row.slice(0, 6)).toEqual(["busy", "Deployment/busy", "cpu:", "200%/80%", "1", "5"]);
  },
  2 * PATIENCE_MS,
);

test(
  "a deployment whose load is a wave goes up and down with it",
  async () => {
    await apply(deployment("wave", 1, { "troupe.dev/usage-cpu": "sine(1m, 1500m, 50s)" }));
    const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };
    await apply(autoscaler("wave", { maxReplicas: 6, metrics: [cpu], behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } }));
    await until("its crest", async () => (await replicas("wave")) >= 4, PATIENCE_MS);
    await until("its trough", async () => (await replicas("wave")) === 1, PATIENCE_MS);
    const events = await kubectl.ok(["get", "events", "--field-selector=involvedObject.name=wave,reason=SuccessfulRescale"]);
    expect(events).toContain("All metrics below target");
  },
  3 * PATIENCE_MS,
);

test(
  "a metric of a server behind an APIService",
  async () => {
    const group = "custom.metrics.k8s.io";
    server.serves(group, "v1beta2");
    const answer = (value: string): void => {
      const item = {
        describedObject: { kind: "Service", name: "front" },
        metric: { name: "hits" },
        timestamp: "2026-01-01T00:00:00Z",
        value,
      };
      server.answers.set(`/apis/${group}/v1beta2/namespaces/default/services/front/hits`, { items: [item] });
    };
    answer("60");
    const object = {
      metric: { name: "hits" },
      describedObject: { apiVersion: "v1", kind: "Service", name: "front" },
      target: { type: "Value", value: "30" },
    };
    const service = { namespace: "default", name: "custom-metrics", port: server.port };
    await apply(
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "custom-metrics" },
        spec: { type: "ExternalName", externalName: "localhost" },
      },
      {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name: `v1beta2.${group}` },
        spec: { group, version: "v1beta2", groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service },
      },
      autoscaler("web", { maxReplicas: 4, metrics: [{ type: "Object", object }] }),
    );
    await until("four", async () => (await replicas("web")) === 4, PATIENCE_MS);
    const [row] = await rows("get", "hpa", "web");
    expect(row?.slice(0, 3)).toEqual(["web", "Deployment/web", "60/30"]);
    const asked = server.asked.find(({ path }) => path.endsWith("/services/front/hits"));
    expect(asked?.user).toBe("system:serviceaccount:kube-system:horizontal-pod-autoscaler");
    server.answers.delete(`/apis/${group}/v1beta2/namespaces/default/services/front/hits`);
    const why = "FailedGetObjectMetric";
    await until("that it is gone", async () => (await kubectl.ok(["describe", "hpa", "web"])).includes(why), PATIENCE_MS);
    expect(await replicas("web")).toBe(4);
  },
  3 * PATIENCE_MS,
);
