import { afterEach, expect, test } from "vitest";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../../actors/kinds/generated/types.ts";
import { StorageClassKind } from "../../../../actors/kinds/storage/storage-class.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";

let cluster: TestCluster;
afterEach(() => cluster.stop());

const MODES = { accessModes: ["ReadWriteOnce"], storageClassName: "slow" };

async function volume(name: string, storage: string, spec: object = {}): Promise<void> {
  const all = { ...MODES, capacity: { storage }, persistentVolumeReclaimPolicy: "Retain", hostPath: { path: "/x" }, ...spec };
  await cluster.registry.create(PersistentVolumeKind, named<PersistentVolume>(name, undefined, { spec: all }));
}

async function claim(name: string, storage: string, spec: object = {}): Promise<void> {
  const all = { ...MODES, resources: { requests: { storage } }, ...spec };
  await cluster.registry.create(PersistentVolumeClaimKind, named<PersistentVolumeClaim>(name, "d", { spec: all }));
}

const volumeNow = (name: string): PersistentVolume | undefined => cluster.view.get<PersistentVolume>(`persistentvolumes/${name}`);
const claimNow = (name: string): PersistentVolumeClaim | undefined =>
  cluster.view.get<PersistentVolumeClaim>(`persistentvolumeclaims/d/${name}`);
const bound = (claimName: string, volumeName: string): Promise<void> =>
  cluster.until(
    `${claimName} bound to ${volumeName}`,
    () =>
      claimNow(claimName)?.spec.volumeName === volumeName &&
      claimNow(claimName)?.status?.phase === "Bound" &&
      volumeNow(volumeName)?.status?.phase === "Bound",
  );

test("a claim gets the smallest volume that is large enough, and waits for one that comes later", async () => {
  cluster = await startCluster();
  await volume("big", "10Gi");
  await volume("small", "1Gi");
  await volume("middle", "5Gi");
  await cluster.until("available", () => ["big", "small", "middle"].every((name) => volumeNow(name)?.status?.phase === "Available"));
  await claim("two", "2Gi");
  await bound("two", "middle");
  expect(claimNow("two")?.status?.capacity).toEqual({ storage: "5Gi" });
  await claim("many", "2Gi", { accessModes: ["ReadWriteMany"] });
  await cluster.clock.run(1_000);
  expect(claimNow("many")?.status?.phase).toBe("Pending");
  await volume("shared", "3Gi", { accessModes: ["ReadWriteOnce", "ReadWriteMany"] });
  // Nobody tells it: it looks every 15 s.
  await cluster.clock.run(5_000);
  expect(claimNow("many")?.status?.phase).toBe("Pending");
  await bound("many", "shared");
});

test("two claims never get one volume", async () => {
  cluster = await startCluster();
  for (let i = 0; i < 5; i++) await volume(`v${i}`, "1Gi");
  await Promise.all(Array.from({ length: 8 }, (_, i) => claim(`c${i}`, "1Gi")));
  const all = (): PersistentVolumeClaim[] => cluster.all<PersistentVolumeClaim>("persistentvolumeclaims", "d");
  await cluster.until("five bound", () => all().filter(({ status }) => status?.phase === "Bound").length === 5);
  await cluster.clock.run(5_000);
  const names = all().flatMap(({ spec }) => spec.volumeName ?? []);
  expect(new Set(names).size).toBe(5);
  expect(names).toHaveLength(5);
});

test("one that a claim names, one that names its claim, and what does not match", async () => {
  cluster = await startCluster();
  await volume("reserved", "1Gi", { claimRef: { namespace: "d", name: "mine" } });
  await volume("asked", "1Gi");
  await claim("other", "1Gi", { volumeName: "asked" });
  await bound("other", "asked");
  await claim("mine", "1Gi");
  await bound("mine", "reserved");
  await volume("tiny", "1Gi");
  await claim("large", "2Gi", { volumeName: "tiny" });
  await cluster.until("told", () =>
    cluster.events.includes(
      'Warning VolumeMismatch PersistentVolumeClaim/large: Cannot bind to requested volume "tiny": requested PV is too small',
    ),
  );
  expect(claimNow("large")?.status?.phase).toBe("Pending");
});

test("a volume whose claim is gone is released; one that is gone makes its claim lost", async () => {
  cluster = await startCluster();
  await volume("v", "1Gi");
  await claim("c", "1Gi");
  await bound("c", "v");
  await cluster.registry.delete(PersistentVolumeClaimKind, "d", "c", {});
  await cluster.until("released", () => volumeNow("v")?.status?.phase === "Released");
  await claim("c", "1Gi");
  await cluster.clock.run(2_000);
  expect(claimNow("c")?.status?.phase).toBe("Pending");
  await volume("w", "1Gi");
  await bound("c", "w");
  await cluster.registry.delete(PersistentVolumeKind, undefined, "w", {});
  await cluster.registry.modify(PersistentVolumeKind, undefined, "w", (current) => ({
    ...current,
    metadata: { ...current.metadata, finalizers: [] },
  }));
  await cluster.until("lost", () => claimNow("c")?.status?.phase === "Lost");
});

test("a class with a provisioner of its own is told to it; one that waits for its consumer waits", async () => {
  cluster = await startCluster();
  const storageClass = (name: string, rest: object): StorageClass =>
    named<StorageClass>(name, undefined, { provisioner: "example.com/disks", ...rest });
  await cluster.registry.create(StorageClassKind, storageClass("slow", {}));
  await cluster.registry.create(StorageClassKind, storageClass("lazy", { volumeBindingMode: "WaitForFirstConsumer" }));
  await claim("c", "1Gi");
  await cluster.until(
    "told",
    () => claimNow("c")?.metadata.annotations?.["volume.kubernetes.io/storage-provisioner"] === "example.com/disks",
  );
  await volume("v", "1Gi", { storageClassName: "lazy" });
  await claim("l", "1Gi", { storageClassName: "lazy" });
  await cluster.until("waits", () =>
    cluster.events.includes("Normal WaitForFirstConsumer PersistentVolumeClaim/l: waiting for first consumer to be created before binding"),
  );
  expect(claimNow("l")?.spec.volumeName).toBeUndefined();
});

test("a claim that came before there was a default class gets it", async () => {
  cluster = await startCluster();
  await claim("c", "1Gi", { storageClassName: undefined });
  await cluster.until("told", () => cluster.events.some((one) => one.startsWith("Normal FailedBinding PersistentVolumeClaim/c: ")));
  const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
  const usual = named<StorageClass>("usual", undefined, { metadata: { annotations }, provisioner: "example.com/disks" });
  await cluster.registry.create(StorageClassKind, usual);
  await cluster.until("announced", () => claimNow("c")?.metadata.annotations?.["volume.kubernetes.io/storage-provisioner"] !== undefined);
  expect(claimNow("c")?.spec.storageClassName).toBe("usual");
});
