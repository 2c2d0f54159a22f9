import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "./kubectl.ts";
import { PodCensus } from "./pod-census.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";
import { until } from "./until.ts";

const REPLICAS = 500;
/** A Deployment's default maxUnavailable is 25%, rounded down. */
const AVAILABLE_MIN = REPLICAS - Math.floor(REPLICAS * 0.25);
const NODES = 20;

let troupe: Troupe;
let kubectl: Kubectl;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", String(NODES)]);
  kubectl = troupe.kubectl;
});
afterAll(() => troupe?.discard());

interface Item {
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec: { readonly nodeName?: string; readonly replicas?: number; readonly unschedulable?: boolean };
  readonly status: { readonly phase?: string; readonly readyReplicas?: number; readonly availableReplicas?: number };
}
interface ItemList {
  readonly items: readonly Item[];
}

const rolledOut = (name: string): Promise<string> => kubectl.ok(["rollout", "status", `deployment/${name}`, "--timeout=60s"]);
const imagesOf = (selector: string): Promise<string> =>
  kubectl.ok([
    "get",
    "pods",
    "-l",
    selector,
    "--field-selector=status.phase=Running",
    "-o",
    "jsonpath={.items[*].spec.containers[0].image}",
  ]);

describe("a deployment of 500 pods", () => {
  test("create deployment: all Running, spread over the nodes", async () => {
    expect(await kubectl.ok(["create", "deployment", "web", "--image=nginx:1", `--replicas=${REPLICAS}`])).toBe(
      "deployment.apps/web created",
    );
    expect(await rolledOut("web")).toContain('deployment "web" successfully rolled out');
    const { items } = await kubectl.json<ItemList>(["get", "pods", "-l", "app=web"]);
    expect(items.map(({ status }) => status.phase)).toEqual(Array(REPLICAS).fill("Running"));
    expect(new Set(items.map(({ spec }) => spec.nodeName)).size).toBe(NODES);
  });

  test("set image: rolls with never fewer than the allowed minimum available", async () => {
    const census = await PodCensus.of(troupe.kubeconfig, "default", "app=web");
    expect(census.available).toBe(REPLICAS);
    expect(await kubectl.ok(["set", "image", "deployment/web", "nginx=nginx:2"])).toBe("deployment.apps/web image updated");
    await rolledOut("web");
    await until("the last old pod's end", async () => !(await imagesOf("app=web")).includes("nginx:1"));
    expect(census.events).toBeGreaterThan(2 * REPLICAS);
    expect(census.least).toBeGreaterThanOrEqual(AVAILABLE_MIN);
    expect(census.available).toBe(REPLICAS);
    await census.close();
    expect((await imagesOf("app=web")).split(" ")).toEqual(Array(REPLICAS).fill("nginx:2"));
  });

  test("rollout history and undo: back to the revision before", async () => {
    expect(await kubectl.ok(["rollout", "history", "deployment/web"])).toMatch(
      /^deployment\.apps\/web\s*\nREVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>$/,
    );
    expect(await kubectl.ok(["rollout", "undo", "deployment/web"])).toBe("deployment.apps/web rolled back");
    await rolledOut("web");
    await until("the old image everywhere", async () => new Set((await imagesOf("app=web")).split(" ")).size === 1);
    expect(new Set((await imagesOf("app=web")).split(" "))).toEqual(new Set(["nginx:1"]));
    expect(await kubectl.ok(["rollout", "history", "deployment/web"])).toMatch(/REVISION\s+CHANGE-CAUSE\n2\s+<none>\n3\s+<none>$/);
  });

  test("scale: down, and the surplus is gone", async () => {
    expect(await kubectl.ok(["scale", "deployment/web", "--replicas=20"])).toBe("deployment.apps/web scaled");
    await rolledOut("web");
    await until("20 pods", async () => (await kubectl.json<ItemList>(["get", "pods", "-l", "app=web"])).items.length === 20);
  });

  test("describe: what a person asks about a deployment and a pod", async () => {
    const deployment = await kubectl.ok(["describe", "deployment", "web"]);
    expect(deployment).toMatch(/^Name:\s+web$/m);
    expect(deployment).toMatch(/^Replicas:\s+20 desired \| 20 updated \| 20 total \| 20 available \| 0 unavailable$/m);
    expect(deployment).toMatch(/^StrategyType:\s+RollingUpdate$/m);
    expect(deployment).toMatch(/Normal\s+ScalingReplicaSet .*deployment-controller\s+Scaled /);
    const pod = await kubectl.ok(["describe", "pod", "-l", "app=web"]);
    expect(pod).toMatch(/^Status:\s+Running$/m);
    expect(pod).toMatch(/Normal\s+Scheduled .*default-scheduler\s+Successfully assigned default\/web-\S+ to \S+$/m);
  });

  test("get: table, wide, yaml, jsonpath", async () => {
    const table = (await kubectl.ok(["get", "deployment", "web"])).split("\n");
    expect(table[0]).toMatch(/^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE$/);
    expect(table[1]).toMatch(/^web\s+20\/20\s+20\s+20\s+\S+$/);
    const wide = (await kubectl.ok(["get", "pods", "-l", "app=web", "-o", "wide"])).split("\n");
    expect(wide[0]).toMatch(/^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES$/);
    expect(wide[1]).toMatch(/^web-\S+\s+1\/1\s+Running\s+0\s+\S+\s+\d+(\.\d+){3}\s+\S+\s+<none>\s+<none>$/);
    expect(await kubectl.ok(["get", "deployment", "web", "-o", "yaml"])).toMatch(/^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n/);
    expect(await kubectl.ok(["get", "deployment", "web", "-o", "jsonpath={.status.availableReplicas}"])).toBe("20");
    expect((await kubectl.ok(["get", "nodes", "--no-headers"])).split("\n").filter((line) => / Ready /.test(line))).toHaveLength(NODES);
  });

  test("get -w: shows a pod come and go", async () => {
    const following = kubectl.follow(["get", "pods", "-w", "--output-watch-events"]);
    try {
      await following.line(/^ADDED\s+web-/);
      await kubectl.ok(["run", "guest", "--image=nginx"]);
      await following.line(/^ADDED\s+guest\s+0\/1\s+Pending/);
      await following.line(/^MODIFIED\s+guest\s+1\/1\s+Running/);
      expect(await kubectl.ok(["delete", "pod", "guest", "--wait=false"])).toMatch(/^pod "guest" deleted/);
      await following.line(/^DELETED\s+guest\s/);
    } finally {
      await following.stop();
    }
  });

  test("delete: takes its replica sets and pods along", async () => {
    expect(await kubectl.ok(["delete", "deployment", "web"])).toMatch(/^deployment\.apps "web" deleted/);
    await until(
      "the end of all that it owned",
      async () => (await kubectl.json<ItemList>(["get", "replicasets,pods", "-l", "app=web"])).items.length === 0,
    );
  });
});

describe("apply", () => {
  const manifest = (replicas: number, image: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { mode: fast }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: api, labels: { app: api } }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec:
      containers: [{ name: main, image: "${image}", ports: [{ containerPort: 80 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: api }
spec: { selector: { app: api }, ports: [{ port: 80 }] }
`;

  test("-f creates, leaves alone, and changes what changed", async () => {
    const apply = (text: string): Promise<string> => kubectl.ok(["apply", "-f", "-"], { stdin: text });
    expect(await apply(manifest(3, "nginx:1"))).toBe("configmap/settings created\ndeployment.apps/api created\nservice/api created");
    await rolledOut("api");
    expect(await apply(manifest(3, "nginx:1"))).toBe("configmap/settings unchanged\ndeployment.apps/api unchanged\nservice/api unchanged");
    expect(await apply(manifest(5, "nginx:2"))).toBe("configmap/settings unchanged\ndeployment.apps/api configured\nservice/api unchanged");
    await rolledOut("api");
    const api = await kubectl.json<Item>(["get", "deployment", "api"]);
    expect({ wanted: api.spec.replicas, available: api.status.availableReplicas }).toEqual({ wanted: 5, available: 5 });
  });

  test("label and annotate: set, refuse to overwrite, remove", async () => {
    expect(await kubectl.ok(["label", "deployment", "api", "tier=back"])).toBe("deployment.apps/api labeled");
    const refused = await kubectl.run(["label", "deployment", "api", "tier=front"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("'tier' already has a value (back), and --overwrite is false");
    expect(await kubectl.ok(["annotate", "deployment", "api", "note=a word"])).toBe("deployment.apps/api annotated");
    expect(await kubectl.ok(["get", "deployments", "-l", "tier=back", "-o", "name"])).toBe("deployment.apps/api");
    expect((await kubectl.json<Item>(["get", "deployment", "api"])).metadata.annotations?.note).toBe("a word");
    expect(await kubectl.ok(["label", "deployment", "api", "tier-"])).toBe("deployment.apps/api unlabeled");
    expect((await kubectl.json<Item>(["get", "deployment", "api"])).metadata.labels?.tier).toBeUndefined();
  });
});

describe("nodes", () => {
  const podsOn = async (node: string): Promise<readonly Item[]> =>
    (await kubectl.json<ItemList>(["get", "pods", "-A", `--field-selector=spec.nodeName=${node}`])).items;

  test("cordon keeps new pods away, drain moves the rest, uncordon lets them back", async () => {
    const [first] = (await kubectl.json<ItemList>(["get", "pods", "-l", "app=api"])).items;
    const node = first?.spec.nodeName ?? "";
    expect(await kubectl.ok(["cordon", node])).toBe(`node/${node} cordoned`);
    expect(await kubectl.ok(["get", "node", node, "--no-headers"])).toMatch(/Ready,SchedulingDisabled/);
    const before = (await podsOn(node)).length;
    await kubectl.ok(["scale", "deployment/api", "--replicas=40"]);
    await rolledOut("api");
    expect((await podsOn(node)).length).toBe(before);

    const drained = await kubectl.ok(["drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s"]);
    expect(drained).toContain(`node/${node} drained`);
    expect(await podsOn(node)).toEqual([]);
    await rolledOut("api");
    expect((await kubectl.json<Item>(["get", "deployment", "api"])).status.availableReplicas).toBe(40);
    expect(await kubectl.ok(["uncordon", node])).toBe(`node/${node} uncordoned`);
    expect((await kubectl.json<Item>(["get", "node", node])).spec.unschedulable).toBeUndefined();
  });
});

describe("what kubectl knows from the server", () => {
  test("explain deployment.spec", async () => {
    const text = await kubectl.ok(["explain", "deployment.spec"]);
    expect(text).toMatch(/^GROUP:\s+apps\nKIND:\s+Deployment\nVERSION:\s+v1$/m);
    expect(text).toMatch(/^FIELD: spec <DeploymentSpec>$/m);
    for (const field of ["replicas", "selector", "template", "strategy", "minReadySeconds"])
      expect(text).toMatch(new RegExp(`^ {2}${field}\\t`, "m"));
  });

  test("api-resources and version", async () => {
    const resources = await kubectl.ok(["api-resources", "--no-headers"]);
    for (const line of [
      /^pods\s+po\s+v1\s+true\s+Pod$/m,
      /^nodes\s+no\s+v1\s+false\s+Node$/m,
      /^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m,
    ]) {
      expect(resources).toMatch(line);
    }
    expect(await kubectl.ok(["version"])).toMatch(/Server Version: v1\.34\.\d+\+troupe-/);
  });

  test("what is not there and what is wrong are said in Kubernetes' words", async () => {
    expect((await kubectl.run(["get", "pod", "nobody"])).stderr.trim()).toBe('Error from server (NotFound): pods "nobody" not found');
    expect((await kubectl.run(["create", "namespace", "default"])).stderr.trim()).toBe(
      'Error from server (AlreadyExists): namespaces "default" already exists',
    );
    const stdin = JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "Bad_Name" },
      spec: { containers: [{ name: "a", image: "b" }] },
    });
    expect((await kubectl.run(["create", "-f", "-"], { stdin })).stderr).toMatch(
      /^The Pod "Bad_Name" is invalid: metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123/,
    );
  });
});

test("at the end it stops as promised", () => troupe.stop());
