import { describe, expect, it } from "vitest";
import { PersistentVolumeKind } from "../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../actors/kinds/core/persistent-volume-claim.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../actors/kinds/generated/types.ts";
import { StorageClassKind } from "../../../actors/kinds/storage/storage-class.ts";
import { named } from "../registry/harness.ts";
import { schedulerOfEachTest, type TestScheduler } from "./harness.ts";

describe("pods with persistent volumes", () => {
  const opened = schedulerOfEachTest();

  /** Nodes n1 in z1 and n2 in z2, a class that makes volumes and one that does not, both once the consumer is known; and one that does at once. */
  const started = async (): Promise<TestScheduler> => {
    const scheduler = await opened();
    const { registry, setNode, start } = scheduler;
    await setNode("n1", {}, { labels: { zone: "z1" } });
    await setNode("n2", {}, { labels: { zone: "z2" } });
    for (const [name, provisioner, volumeBindingMode] of [
      ["made", "example.com/disk", "WaitForFirstConsumer"],
      ["found", "kubernetes.io/no-provisioner", "WaitForFirstConsumer"],
      ["at-once", "example.com/disk", "Immediate"],
    ] as const) {
      await registry.create(StorageClassKind, named<StorageClass>(name, undefined, { provisioner, volumeBindingMode }));
    }
    start();
    return scheduler;
  };
  const createClaim = async ({ registry }: TestScheduler, storageClassName: string): Promise<unknown> =>
    registry.create(
      PersistentVolumeClaimKind,
      named<PersistentVolumeClaim>("data", "d", {
        spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
      }),
    );
  const createVolume = async ({ registry }: TestScheduler, name: string, zone: string, storageClassName: string): Promise<void> => {
    const matchExpressions = [{ key: "zone", operator: "In", values: [zone] }];
    const spec = {
      storageClassName,
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "2Gi" },
      local: { path: "/data" },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
    };
    await registry.create(PersistentVolumeKind, named<PersistentVolume>(name, undefined, { spec }));
    const available = (now: PersistentVolume): PersistentVolume => ({ ...now, status: { ...now.status, phase: "Available" } });
    await registry.modify(PersistentVolumeKind, undefined, name, available, { subresource: "status" });
  };
  /** What the controller of volumes does. */
  const bindClaim = async ({ registry }: TestScheduler, volumeName: string): Promise<void> => {
    const annotated = (now: PersistentVolumeClaim): PersistentVolumeClaim => ({
      ...now,
      metadata: { ...now.metadata, annotations: { ...now.metadata.annotations, "pv.kubernetes.io/bind-completed": "yes" } },
      spec: { ...now.spec, volumeName },
    });
    await registry.modify(PersistentVolumeClaimKind, "d", "data", annotated);
  };
  const claimOf = ({ view }: TestScheduler) => view.get<PersistentVolumeClaim>("persistentvolumeclaims/d/data");
  const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
  const messageOf = ({ pod }: TestScheduler): string | undefined =>
    pod("p")?.status?.conditions?.find(({ reason }) => reason === "Unschedulable")?.message;
  const NOWHERE = "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";

  it("waits for a claim that does not exist, then for its volume, and goes where that is", async () => {
    const scheduler = await started();
    const { createPod, eventually, pod } = scheduler;
    await createPod("p", { volumes });
    await eventually(() => messageOf(scheduler) !== undefined);
    expect(messageOf(scheduler)).toBe(`0/2 nodes are available: persistentvolumeclaim "data" not found. not found`);
    await createClaim(scheduler, "at-once");
    const unbound = `0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found`;
    await eventually(() => messageOf(scheduler) === unbound);
    await createVolume(scheduler, "v2", "z2", "at-once");
    await bindClaim(scheduler, "v2");
    await eventually(() => pod("p")?.spec.nodeName !== undefined);
    expect(pod("p")?.spec.nodeName).toBe("n2");
  });

  it("chooses a volume with the node, and binds the pod when the claim is bound", async () => {
    const scheduler = await started();
    const { createPod, eventually, pod, view } = scheduler;
    await createClaim(scheduler, "found");
    await createPod("p", { volumes });
    const none = `0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind. ${NOWHERE}`;
    await eventually(() => messageOf(scheduler) === none);
    await createVolume(scheduler, "v1", "z1", "found");
    await eventually(() => view.get<PersistentVolume>("persistentvolumes/v1")?.spec?.claimRef?.name === "data");
    expect(pod("p")?.spec.nodeName).toBeUndefined();
    await bindClaim(scheduler, "v1");
    await eventually(() => pod("p")?.spec.nodeName !== undefined);
    expect(pod("p")?.spec.nodeName).toBe("n1");
  });

  it("names the node for which a volume is to be made", async () => {
    const scheduler = await started();
    const { createPod, eventually, pod } = scheduler;
    await createClaim(scheduler, "made");
    await createPod("p", { volumes, nodeSelector: { zone: "z2" } });
    await eventually(() => claimOf(scheduler)?.metadata.annotations?.["volume.kubernetes.io/selected-node"] === "n2");
    await createVolume(scheduler, "new", "z2", "made");
    await bindClaim(scheduler, "new");
    await eventually(() => pod("p")?.spec.nodeName === "n2");
  });
});
