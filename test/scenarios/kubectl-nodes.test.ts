import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { Kubectl } from "./kubectl.ts";
import { PodCensus } from "./pod-census.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

const REPLICAS = 30;
const NODES = 5;
/** Pods that the budget lets go at a time: kubectl asks again every 5 s for the others. */
const DISRUPTIONS = 3;

let troupe: Troupe;
let kubectl: Kubectl;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", String(NODES)]);
  kubectl = troupe.kubectl;
  await kubectl.ok(["create", "deployment", "web", "--image=nginx", `--replicas=${REPLICAS}`]);
  await rolledOut("web");
});
afterAll(() => troupe?.discard());

interface Pod {
  readonly metadata: { readonly name: string; readonly ownerReferences?: readonly unknown[] };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}
interface Node {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly podCIDR?: string; readonly unschedulable?: boolean };
  readonly status: { readonly addresses: readonly { readonly address: string }[]; readonly conditions: readonly object[] };
}
interface List<T> {
  readonly items: readonly T[];
}

const rolledOut = (name: string): Promise<string> => kubectl.ok(["rollout", "status", `deployment/${name}`, "--timeout=120s"]);
const podsOn = async (node: string): Promise<readonly Pod[]> =>
  (await kubectl.json<List<Pod>>(["get", "pods", "-A", `--field-selector=spec.nodeName=${node}`])).items;
/** The node with the most pods of the deployment: which those are after a scale-down, as on Kubernetes, is chance. */
async function busiest(): Promise<string> {
  const counts = new Map<string, number>();
  for (const { spec } of (await kubectl.json<List<Pod>>(["get", "pods", "-l", "app=web"])).items) {
    counts.set(spec.nodeName ?? "", (counts.get(spec.nodeName ?? "") ?? 0) + 1);
  }
  const [[node] = [""]] = [...counts].sort(([, a], [, b]) => b - a);
  return node;
}
const isReady = (name: string): Promise<string> => kubectl.ok(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s"]);
const podWith = (name: string, spec: object): Promise<string> =>
  kubectl.ok(["run", name, "--image=nginx", `--overrides=${JSON.stringify({ spec })}`]);

describe("cordon and drain", () => {
  test("cordon keeps new pods away, uncordon lets them back", async () => {
    expect(await kubectl.ok(["cordon", "node-0"])).toBe("node/node-0 cordoned");
    expect(await kubectl.ok(["cordon", "node-0"])).toBe("node/node-0 already cordoned");
    expect(await kubectl.ok(["get", "node", "node-0", "--no-headers"])).toMatch(/Ready,SchedulingDisabled/);
    expect(await kubectl.ok(["describe", "node", "node-0"])).toMatch(/^Taints:\s+node\.kubernetes\.io\/unschedulable:NoSchedule$/m);
    const before = (await podsOn("node-0")).length;
    await kubectl.ok(["scale", "deployment/web", `--replicas=${2 * REPLICAS}`]);
    await rolledOut("web");
    expect((await podsOn("node-0")).length).toBe(before);
    expect(await kubectl.ok(["uncordon", "node-0"])).toBe("node/node-0 uncordoned");
    expect((await kubectl.json<Node>(["get", "node", "node-0"])).spec.unschedulable).toBeUndefined();
    await kubectl.ok(["scale", "deployment/web", `--replicas=${REPLICAS}`]);
    await until(
      "the surplus' end",
      async () => (await kubectl.json<List<Pod>>(["get", "pods", "-l", "app=web"])).items.length === REPLICAS,
    );
  });

  test("drain wants --force for pods that nobody replaces, and keeps to the budget", async () => {
    const node = await busiest();
    await podWith("alone", { nodeName: node });
    await isReady("alone");
    expect(await kubectl.refused(["drain", node])).toContain("Pods that declare no controller (use --force to override): default/alone");
    await kubectl.ok(["create", "poddisruptionbudget", "web", "--selector=app=web", `--min-available=${REPLICAS - DISRUPTIONS}`]);
    await until("the budget", async () =>
      new RegExp(` ${DISRUPTIONS} +\\S+$`).test(await kubectl.ok(["get", "pdb", "web", "--no-headers"])),
    );
    expect((await podsOn(node)).length).toBeGreaterThan(DISRUPTIONS);
    const census = await PodCensus.of(troupe.kubeconfig, "default", "app=web");
    const drain = await kubectl.run(["drain", node, "--force", "--timeout=120s"]);
    expect(drain.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(drain.stdout).toContain("pod/alone evicted");
    expect(drain.stdout.trim().split("\n").at(-1)).toBe(`node/${node} drained`);
    expect(await podsOn(node)).toEqual([]);
    await rolledOut("web");
    expect(census.least).toBeGreaterThanOrEqual(REPLICAS - DISRUPTIONS);
    await census.close();
    await kubectl.ok(["delete", "pdb", "web"]);
    await kubectl.ok(["uncordon", node]);
  });

  test("a budget that allows nothing holds a drain up", async () => {
    await kubectl.ok(["create", "poddisruptionbudget", "none", "--selector=app=web", "--max-unavailable=0"]);
    await until("the budget", async () => / 0 +\S+$/.test(await kubectl.ok(["get", "pdb", "none", "--no-headers"])));
    const node = await busiest();
    const there = await podsOn(node);
    const said = await kubectl.refused(["drain", node, "--timeout=1s"]);
    expect(said).toContain("global timeout reached: 1s");
    expect((await podsOn(node)).map(({ metadata }) => metadata.name)).toEqual(there.map(({ metadata }) => metadata.name));
    await kubectl.ok(["delete", "pdb", "none"]);
    await kubectl.ok(["uncordon", node]);
  });
});

describe("pods that fit nowhere", () => {
  const unscheduled = async (name: string): Promise<string | undefined> => {
    const { status } = await kubectl.json<Pod>(["get", "pod", name]);
    const condition = status.conditions?.find(({ type }) => type === "PodScheduled");
    return status.phase === "Pending" && condition?.reason === "Unschedulable" ? condition.message : undefined;
  };
  const reasonOf = (name: string): Promise<string> => until(`the reason of ${name}`, () => unscheduled(name));
  const NO_HELP = `no new claims to deallocate, preemption: 0/${NODES} nodes are available: ${NODES} Preemption is not helpful for scheduling.`;

  test.each([
    [
      "greedy",
      { containers: [{ name: "c", image: "i", resources: { requests: { cpu: "64" } } }] },
      "Insufficient cpu",
      ["patch", "node", "node-4", "--subresource=status", "-p", '{"status":{"capacity":{"cpu":"99"},"allocatable":{"cpu":"99"}}}'],
    ],
    [
      "picky",
      { nodeSelector: { disk: "fast" } },
      "node(s) didn't match Pod's node affinity/selector",
      ["label", "node", "node-4", "disk=fast"],
    ],
  ] as const)(
    "%s: the reason is in its condition and its Event, and it runs when something changed",
    async (name, spec, reason, change) => {
      await podWith(name, spec);
      const message = `0/${NODES} nodes are available: ${NODES} ${reason}. ${NO_HELP}`;
      expect(await reasonOf(name)).toBe(message);
      await until("the event", async () => (await kubectl.ok(["describe", "pod", name])).includes(`default-scheduler  ${message}`));
      await kubectl.ok(change);
      await isReady(name);
      expect((await kubectl.json<Pod>(["get", "pod", name])).spec.nodeName).toBe("node-4");
      await kubectl.ok(["delete", "pod", name]);
    },
  );

  test("taints keep pods off until one is taken away", async () => {
    await kubectl.ok(["taint", "nodes", "--all", "team=blue:NoSchedule"]);
    expect(await kubectl.refused(["taint", "node", "node-3", "team=red:NoSchedule"])).toContain(
      "already has team taint(s) with same effect(s) and --overwrite is false",
    );
    await podWith("shy", {});
    expect(await reasonOf("shy")).toBe(`0/${NODES} nodes are available: ${NODES} node(s) had untolerated taint(s). ${NO_HELP}`);
    expect(await kubectl.ok(["taint", "node", "node-3", "team-"])).toBe("node/node-3 untainted");
    await isReady("shy");
    expect((await kubectl.json<Pod>(["get", "pod", "shy"])).spec.nodeName).toBe("node-3");
    await kubectl.ok(["taint", "nodes", "-l", "kubernetes.io/hostname!=node-3", "team-"]);
  });

  test("a cordoned cluster takes pods when one node is uncordoned, or added", async () => {
    const nodes = (await kubectl.ok(["get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"])).split(" ");
    await kubectl.ok(["cordon", ...nodes]);
    await podWith("first", {});
    expect(await reasonOf("first")).toContain(`${NODES} node(s) were unschedulable`);
    await kubectl.ok(["uncordon", "node-2"]);
    await isReady("first");
    await kubectl.ok(["cordon", "node-2"]);
    await podWith("second", {});
    await reasonOf("second");
    await kubectl.ok(["create", "-f", "-"], { stdin: hollowNode("added") });
    await isReady("second");
    expect((await kubectl.json<Pod>(["get", "pod", "second"])).spec.nodeName).toBe("added");
    await kubectl.ok(["uncordon", ...nodes]);
  });
});

const hollowNode = (name: string): string =>
  JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name, labels: { "troupe.dev/runtime": "hollow" } } });

describe("nodes that go and come", () => {
  test("a deleted node's lease goes with it; made anew, it is played again, with its pods and with addresses of its own", async () => {
    const pods = await podsOn("node-3");
    expect(pods.length).toBeGreaterThan(0);
    expect(await kubectl.ok(["delete", "node", "node-3"])).toMatch(/^node "node-3" deleted/);
    await kubectl.ok(["wait", "--for=delete", "lease/node-3", "-n", "kube-node-lease", "--timeout=120s"]);
    await kubectl.ok(["create", "-f", "-"], { stdin: hollowNode("node-3") });
    await kubectl.ok(["wait", "--for=condition=Ready", "node/node-3", "--timeout=120s"]);
    expect((await podsOn("node-3")).map(({ metadata }) => metadata.name)).toEqual(pods.map(({ metadata }) => metadata.name));
    // Its agent takes care of them again: one that is deleted ends, and its place is free.
    await kubectl.ok(["delete", "pod", pods[0]?.metadata.name ?? "", "--timeout=120s"]);

    const { items } = await kubectl.json<List<Node>>(["get", "nodes"]);
    expect(new Set(items.map(({ status }) => status.addresses[0]?.address)).size).toBe(items.length);
    expect(new Set(items.map(({ spec }) => spec.podCIDR)).size).toBe(items.length);
    await kubectl.ok(["scale", "deployment/web", `--replicas=${4 * REPLICAS}`]);
    await rolledOut("web");
    const all = (await kubectl.json<List<Pod>>(["get", "pods", "-l", "app=web"])).items;
    expect(new Set(all.map(({ status }) => status.podIP)).size).toBe(all.length);
  });

  test("times are whole seconds", async () => {
    const text = await kubectl.ok(["get", "nodes", "-o", "jsonpath={.items[*].status.conditions}"]);
    expect(text).toMatch(/"lastTransitionTime":"[^".]+Z"/);
    expect(text).not.toMatch(/Time":"[^"]*\./);
  });
});

test("at the end it stops as promised", () => troupe.stop());
