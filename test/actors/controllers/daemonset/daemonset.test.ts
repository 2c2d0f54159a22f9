import { afterEach, expect, test } from "vitest";
import { DaemonSetKind } from "../../../../actors/kinds/apps/daemon-set.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { DaemonSet, Node, Pod } from "../../../../actors/kinds/generated/types.ts";
import { named, readyNode, startCluster, type TestCluster, template } from "../harness.ts";

let cluster: TestCluster;
afterEach(() => cluster.stop());

function daemonSet(spec: object = {}): DaemonSet {
  return named<DaemonSet>("agent", "d", { spec: { selector: { matchLabels: { app: "x" } }, template: template("img:1"), ...spec } });
}

const status = (): DaemonSet["status"] => cluster.view.get<DaemonSet>("daemonsets.apps/d/agent")?.status;
const pods = (): Pod[] => cluster.all<Pod>("pods", "d");

/** The node that a pod is made for. */
function target({ spec }: Pod): string | undefined {
  return spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
}
const targets = (): string[] =>
  pods()
    .map((pod) => target(pod) ?? "")
    .sort();
const images = (): string =>
  pods()
    .map(({ spec }) => spec.containers[0]?.image)
    .sort()
    .join();
const ready = (count: number): Promise<void> => cluster.until(`${count} ready`, () => status()?.numberReady === count);

async function change(spec: object): Promise<void> {
  await cluster.registry.modify(DaemonSetKind, "d", "agent", (current) => ({ ...current, spec: { ...current.spec, ...spec } }));
}

async function nodeSpec(name: string, next: Node["spec"], labels: Record<string, string> = {}): Promise<void> {
  await cluster.registry.modify(NodeKind, undefined, name, (current) => ({
    ...current,
    metadata: { ...current.metadata, labels: { ...current.metadata.labels, ...labels } },
    spec: { ...current.spec, ...next },
  }));
}

test("one pod for every node, also for one that comes later; each tolerates what daemons live with", async () => {
  cluster = await startCluster({ nodes: 3 });
  await cluster.registry.create(DaemonSetKind, daemonSet());
  await ready(3);
  expect(targets()).toEqual(["n0", "n1", "n2"]);
  expect(pods()[0]?.spec.tolerations?.map(({ key }) => key)).toContain("node.kubernetes.io/unschedulable");
  await cluster.registry.create(NodeKind, readyNode("n3", cluster.clock.now_ms()));
  await cluster.until("a fourth", () => status()?.desiredNumberScheduled === 4 && status()?.numberReady === 4);
  expect(targets()).toEqual(["n0", "n1", "n2", "n3"]);
});

test("nodes are chosen by selector and taints: what does not fit any more goes, what only keeps new ones away stays", async () => {
  cluster = await startCluster({ nodes: 3 });
  await nodeSpec("n0", {}, { disk: "ssd" });
  await nodeSpec("n1", {}, { disk: "ssd" });
  const { spec } = template("img:1");
  await cluster.registry.create(
    DaemonSetKind,
    daemonSet({ template: { ...template("img:1"), spec: { ...spec, nodeSelector: { disk: "ssd" } } } }),
  );
  await ready(2);
  expect(targets()).toEqual(["n0", "n1"]);
  await nodeSpec("n0", { taints: [{ key: "k", effect: "NoSchedule" }] });
  await cluster.until("wanted once", () => status()?.desiredNumberScheduled === 1);
  expect(targets()).toEqual(["n0", "n1"]);
  expect(status()).toMatchObject({ numberMisscheduled: 1 });
  await nodeSpec("n1", {}, { disk: "hdd" });
  await cluster.until("gone from there", () => targets().join() === "n0" && status()?.desiredNumberScheduled === 0);
});

test("a rolling update keeps within what may be unavailable", async () => {
  cluster = await startCluster({ nodes: 5 });
  await cluster.registry.create(DaemonSetKind, daemonSet({ updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } }));
  await ready(5);
  let fewest = 5;
  cluster.view.watch("pods", cluster.view.revision, () => {
    fewest = Math.min(
      fewest,
      pods().filter(({ metadata, status: is }) => metadata.deletionTimestamp === undefined && is?.phase === "Running").length,
    );
  });
  await change({ template: template("img:2") });
  await cluster.until("all new", () => images() === "img:2,img:2,img:2,img:2,img:2" && status()?.numberAvailable === 5);
  expect(fewest).toBe(3);
});

test("with a surge a new pod is there before the old one goes", async () => {
  cluster = await startCluster({ nodes: 3 });
  await cluster.registry.create(DaemonSetKind, daemonSet({ updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }));
  await ready(3);
  let most = 0;
  cluster.view.watch("pods", cluster.view.revision, () => {
    most = Math.max(most, pods().length);
    expect(status()?.numberAvailable).toBe(3);
  });
  await change({ template: template("img:2") });
  await cluster.until("all new", () => images() === "img:2,img:2,img:2");
  expect(most).toBe(4);
});

test("OnDelete waits for somebody to delete; a failed pod is replaced with growing delays", async () => {
  cluster = await startCluster({ nodes: 1 });
  await cluster.registry.create(DaemonSetKind, daemonSet({ updateStrategy: { type: "OnDelete" } }));
  await ready(1);
  await change({ template: template("img:2") });
  await cluster.clock.run(5_000);
  expect(images()).toBe("img:1");
  cluster.kubelet.exitCode = () => 1;
  const [old] = pods();
  await cluster.registry.delete(PodKind, "d", old?.metadata.name ?? "", {});
  await cluster.clock.run(60_000);
  const kills = cluster.events.filter((event) =>
    event.startsWith("Warning FailedDaemonPod DaemonSet/agent: Found failed daemon pod d/agent-"),
  );
  // At once, then after 1, 2, 4, 8, 16 and 32 seconds.
  expect(kills.length).toBeGreaterThan(4);
  expect(kills.length).toBeLessThan(8);
});
