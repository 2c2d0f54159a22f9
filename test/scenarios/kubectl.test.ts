import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { Kubectl } from "./kubectl.ts";
import { PodCensus } from "./pod-census.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

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
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly phase?: string };
}
interface ItemList {
  readonly items: readonly Item[];
}

const rolledOut = (name: string): Promise<string> => kubectl.ok(["rollout", "status", `deployment/${name}`, "--timeout=120s"]);
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

  test("pause, resume and restart", async () => {
    expect(await kubectl.ok(["rollout", "pause", "deployment/web"])).toBe("deployment.apps/web paused");
    expect(await kubectl.refused(["rollout", "pause", "deployment/web"])).toBe('error: deployments.apps "web" is already paused');
    await kubectl.ok(["set", "image", "deployment/web", "nginx=nginx:4"]);
    expect(await kubectl.refused(["rollout", "undo", "deployment/web"])).toContain("you cannot rollback a paused deployment");
    expect(await kubectl.ok(["rollout", "history", "deployment/web"])).not.toContain("\n4 ");
    expect(await kubectl.ok(["rollout", "resume", "deployment/web"])).toBe("deployment.apps/web resumed");
    await rolledOut("web");
    expect(await kubectl.ok(["rollout", "restart", "deployment/web"])).toBe("deployment.apps/web restarted");
    await rolledOut("web");
    expect(await kubectl.ok(["rollout", "history", "deployment/web"])).toMatch(/\n4\s+<none>\n5\s+<none>$/);
    expect(await kubectl.refused(["rollout", "undo", "deployment/web", "--to-revision=99"])).toBe(
      "error: unable to find specified revision 99 in history",
    );
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
    // A set says of each pod what it did, but not 500 times.
    const ofSets = await kubectl.json<ItemList>([
      "get",
      "events",
      "--field-selector=involvedObject.kind=ReplicaSet,reason=SuccessfulCreate",
    ]);
    expect(ofSets.items.length).toBeLessThanOrEqual(5 * 10);
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
