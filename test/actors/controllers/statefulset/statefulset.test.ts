import { afterEach, expect, test } from "vitest";
import { StatefulSetKind } from "../../../../actors/kinds/apps/stateful-set.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from "../../../../actors/kinds/generated/types.ts";
import { named, readyPods, startCluster, type TestCluster, template } from "../harness.ts";

let cluster: TestCluster;
afterEach(() => cluster.stop());

const CLAIM = {
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], storageClassName: "none", resources: { requests: { storage: "1Gi" } } },
};

function statefulSet(replicas: number, spec: object = {}): StatefulSet {
  return named<StatefulSet>("db", "d", {
    spec: { replicas, serviceName: "db", selector: { matchLabels: { app: "x" } }, template: template("img:1"), ...spec },
  });
}

const setNow = (): StatefulSet | undefined => cluster.view.get<StatefulSet>("statefulsets.apps/d/db");
const names = (): string[] => cluster.all<Pod>("pods", "d").map(({ metadata }) => metadata.name);
const imageOf = (name: string): string | undefined => cluster.view.get<Pod>(`pods/d/${name}`)?.spec.containers[0]?.image;
const ready = (count: number): Promise<void> =>
  cluster.until(`${count} ready`, () => setNow()?.status?.readyReplicas === count && readyPods(cluster) === count);

async function change(spec: object): Promise<void> {
  await cluster.registry.modify(StatefulSetKind, "d", "db", (current) => ({ ...current, spec: { ...current.spec, ...spec } }));
}

/** Every set of names that was there at some time, in order. */
function course(): string[] {
  const seen: string[] = [];
  cluster.view.watch("pods", cluster.view.revision, () => {
    const now = names().join(" ");
    if (seen.at(-1) !== now) seen.push(now);
  });
  return seen;
}

test("pods come one after the other, each with its name, its labels and its claim", async () => {
  cluster = await startCluster();
  const seen = course();
  await cluster.registry.create(StatefulSetKind, statefulSet(3, { volumeClaimTemplates: [CLAIM] }));
  await ready(3);
  expect(seen).toEqual(["db-0", "db-0 db-1", "db-0 db-1 db-2"]);
  const pod = cluster.view.get<Pod>("pods/d/db-1");
  expect(pod?.spec).toMatchObject({ hostname: "db-1", subdomain: "db" });
  expect(pod?.spec.volumes?.[0]).toEqual({ name: "data", persistentVolumeClaim: { claimName: "data-db-1" } });
  expect(pod?.metadata.labels).toMatchObject({ "statefulset.kubernetes.io/pod-name": "db-1", "apps.kubernetes.io/pod-index": "1" });
  expect(cluster.all<PersistentVolumeClaim>("persistentvolumeclaims", "d").map(({ metadata }) => metadata.name)).toEqual([
    "data-db-0",
    "data-db-1",
    "data-db-2",
  ]);
  expect(cluster.events).toContain("Normal SuccessfulCreate StatefulSet/db: create Claim data-db-0 Pod db-0 in StatefulSet db success");
});

test("one that is not ready holds up those after it, and not where they are parallel", async () => {
  cluster = await startCluster();
  cluster.kubelet.becomesReady = ({ metadata }) => metadata.name !== "db-1";
  await cluster.registry.create(StatefulSetKind, statefulSet(4));
  await cluster.until("db-1 runs", () => cluster.view.get<Pod>("pods/d/db-1")?.status?.phase === "Running");
  await cluster.clock.run(10_000);
  expect(names()).toEqual(["db-0", "db-1"]);
  await cluster.registry.delete(StatefulSetKind, "d", "db", {});
  await cluster.until("all gone", () => names().length === 0);
  await cluster.registry.create(StatefulSetKind, statefulSet(4, { podManagementPolicy: "Parallel" }));
  await ready(3);
  expect(names()).toHaveLength(4);
});

test("fewer replicas: the last goes first, each when the one after it is gone; claims go as the policy says", async () => {
  cluster = await startCluster();
  const policy = { whenScaled: "Delete", whenDeleted: "Retain" };
  await cluster.registry.create(
    StatefulSetKind,
    statefulSet(3, { volumeClaimTemplates: [CLAIM], persistentVolumeClaimRetentionPolicy: policy }),
  );
  await ready(3);
  const seen = course();
  await change({ replicas: 1 });
  await cluster.until("one left", () => names().join() === "db-0" && setNow()?.status?.replicas === 1);
  expect(seen.slice(-2)).toEqual(["db-0 db-1", "db-0"]);
  const claims = (): string[] => cluster.all<PersistentVolumeClaim>("persistentvolumeclaims", "d").map(({ metadata }) => metadata.name);
  await cluster.until("claims of the others gone", () => claims().join() === "data-db-0");
  await cluster.registry.delete(StatefulSetKind, "d", "db", {});
  await cluster.until("pods gone", () => names().length === 0);
  expect(claims()).toEqual(["data-db-0"]);
});

test("an update replaces from the last to the first, above the partition, and another one brings the old revision back", async () => {
  cluster = await startCluster();
  await cluster.registry.create(StatefulSetKind, statefulSet(3, { updateStrategy: { rollingUpdate: { partition: 2 } } }));
  await ready(3);
  const first = setNow()?.status?.currentRevision;
  await change({ template: template("img:2") });
  await cluster.until("the last is new", () => imageOf("db-2") === "img:2" && setNow()?.status?.readyReplicas === 3);
  await cluster.clock.run(5_000);
  expect([imageOf("db-0"), imageOf("db-1")]).toEqual(["img:1", "img:1"]);
  expect(setNow()?.status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1, currentRevision: first });
  // One below the partition that is lost comes back as it was.
  await cluster.registry.delete(PodKind, "d", "db-0", {});
  await ready(3);
  expect(imageOf("db-0")).toBe("img:1");
  await change({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } } });
  await cluster.until("all new", () => setNow()?.status?.currentRevision !== first && setNow()?.status?.updatedReplicas === 3);
  expect([imageOf("db-0"), imageOf("db-1"), imageOf("db-2")]).toEqual(["img:2", "img:2", "img:2"]);
  await change({ template: template("img:1") });
  await cluster.until("all old again", () => setNow()?.status?.currentRevision === first && setNow()?.status?.updatedReplicas === 3);
  const revisions = cluster.all<ControllerRevision>("controllerrevisions.apps", "d");
  expect(revisions.map(({ revision }) => revision).sort()).toEqual([2, 3]);
});

test("OnDelete replaces what somebody deletes", async () => {
  cluster = await startCluster();
  await cluster.registry.create(StatefulSetKind, statefulSet(2, { updateStrategy: { type: "OnDelete" } }));
  await ready(2);
  await change({ template: template("img:2") });
  await cluster.clock.run(5_000);
  expect([imageOf("db-0"), imageOf("db-1")]).toEqual(["img:1", "img:1"]);
  await cluster.registry.delete(PodKind, "d", "db-0", {});
  await cluster.until("back", () => imageOf("db-0") === "img:2");
  expect(imageOf("db-1")).toBe("img:1");
});

test("history is kept up to its limit, and never what pods are made of", async () => {
  cluster = await startCluster();
  await cluster.registry.create(StatefulSetKind, statefulSet(1, { revisionHistoryLimit: 2 }));
  await ready(1);
  for (const image of ["img:2", "img:3", "img:4", "img:5"]) {
    await change({ template: template(image) });
    await cluster.until(image, () => imageOf("db-0") === image && setNow()?.status?.currentRevision === setNow()?.status?.updateRevision);
  }
  const kept = (): number[] =>
    cluster
      .all<ControllerRevision>("controllerrevisions.apps", "d")
      .map(({ revision }) => revision)
      .sort();
  await cluster.until("two beside the present one", () => kept().join() === "3,4,5");
});

test("a pod that ends is replaced under its name; a stranger of that name is waited for", async () => {
  cluster = await startCluster();
  let fails = true;
  cluster.kubelet.exitCode = ({ metadata }) => (metadata.name === "db-0" && fails ? 1 : undefined);
  await cluster.registry.create(PodKind, named<Pod>("db-1", "d", { spec: { containers: [{ name: "c", image: "other" }] } }));
  await cluster.registry.create(StatefulSetKind, statefulSet(2));
  await cluster.until("it was replaced", () =>
    cluster.events.includes("Normal SuccessfulDelete StatefulSet/db: delete Pod db-0 in StatefulSet db successful"),
  );
  fails = false;
  await cluster.until("db-0 ready", () => setNow()?.status?.readyReplicas === 1);
  await cluster.clock.run(3_000);
  expect(imageOf("db-1")).toBe("other");
  await cluster.registry.delete(PodKind, "d", "db-1", {});
  await ready(2);
  expect(imageOf("db-1")).toBe("img:1");
});

test("ordinals may begin elsewhere", async () => {
  cluster = await startCluster();
  await cluster.registry.create(StatefulSetKind, statefulSet(2, { ordinals: { start: 5 } }));
  await ready(2);
  expect(names()).toEqual(["db-5", "db-6"]);
  await change({ ordinals: { start: 6 } });
  await cluster.until("moved", () => names().join() === "db-6,db-7" && setNow()?.status?.readyReplicas === 2);
});
