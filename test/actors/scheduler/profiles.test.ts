import { describe, expect, it } from "vitest";
import { ReplicaSetKind } from "../../../actors/kinds/apps/replica-set.ts";
import { PersistentVolumeClaimKind } from "../../../actors/kinds/core/persistent-volume-claim.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import type {
  CSIDriver,
  CSINode,
  PersistentVolumeClaim,
  ReplicaSet,
  Service,
  StorageClass,
} from "../../../actors/kinds/generated/types.ts";
import { CSIDriverKind } from "../../../actors/kinds/storage/csi-driver.ts";
import { CSINodeKind } from "../../../actors/kinds/storage/csi-node.ts";
import { StorageClassKind } from "../../../actors/kinds/storage/storage-class.ts";
import { readConfiguration } from "../../../actors/scheduler/configuration/configuration.ts";
import { named } from "../registry/harness.ts";
import { schedulerOfEachTest } from "./harness.ts";

const HEAD = { apiVersion: "kubescheduler.config.k8s.io/v1", kind: "KubeSchedulerConfiguration" };
const REQUESTS = (cpu: string) => ({ containers: [{ name: "c", image: "nginx", resources: { requests: { cpu } } }] });

describe("a shard with profiles", () => {
  const started = schedulerOfEachTest();

  it("is each scheduler by its name: one packs, the other spreads, a third does not exist", async () => {
    const fit = { scoringStrategy: { type: "MostAllocated", resources: [{ name: "cpu" }] } };
    const packing = {
      schedulerName: "packing",
      plugins: { score: { disabled: [{ name: "NodeResourcesBalancedAllocation" }] } },
      pluginConfig: [{ name: "NodeResourcesFit", args: fit }],
    };
    const configuration = readConfiguration({ ...HEAD, profiles: [{ schedulerName: "default-scheduler" }, packing] });
    const { start, createPod, setNode, pod, eventually } = await started({}, { configuration });
    await setNode("n1");
    await setNode("n2");
    await createPod("first", { ...REQUESTS("2"), nodeSelector: undefined });
    start();
    await eventually(() => pod("first")?.spec.nodeName !== undefined);
    const taken = pod("first")?.spec.nodeName;
    await createPod("nobody's", { schedulerName: "elsewhere" }).catch(() => undefined);
    await createPod("packed", { ...REQUESTS("1"), schedulerName: "packing" });
    await eventually(() => pod("packed")?.spec.nodeName !== undefined);
    expect(pod("packed")?.spec.nodeName).toBe(taken);
    await createPod("spread", REQUESTS("1"));
    await eventually(() => pod("spread")?.spec.nodeName !== undefined);
    expect(pod("spread")?.spec.nodeName).not.toBe(taken);
  });

  it("leaves extended resources to somebody else where it is told to, and counts them for the others", async () => {
    const args = { ignoredResources: ["a.com/gpu", "cpu"], ignoredResourceGroups: ["b.com"] };
    const careless = { schedulerName: "careless", pluginConfig: [{ name: "NodeResourcesFit", args }] };
    const configuration = readConfiguration({ ...HEAD, profiles: [{ schedulerName: "default-scheduler" }, careless] });
    const { start, createPod, setNode, pod, eventually } = await started({}, { configuration });
    const asking = (requests: Record<string, string>, schedulerName = "careless") => ({
      schedulerName,
      containers: [{ name: "c", image: "nginx", resources: { requests: { cpu: "1", ...requests }, limits: requests } }],
    });
    const message = (name: string) => pod(name)?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message;
    await setNode("n1", { "a.com/gpu": "1" });
    start();
    await createPod("both", asking({ "a.com/gpu": "1", "b.com/any": "5" }));
    await eventually(() => pod("both")?.spec.nodeName === "n1");
    // It has taken the only one.
    await createPod("careful", asking({ "a.com/gpu": "1" }, "default-scheduler"));
    await eventually(() => message("careful") !== undefined);
    expect(message("careful")).toContain("1 Insufficient a.com/gpu");
    await createPod("again", asking({ "a.com/gpu": "1" }));
    await eventually(() => pod("again")?.spec.nodeName === "n1");
    // Only extended resources can be left out.
    await createPod("large", asking({ cpu: "64" }));
    await eventually(() => message("large") !== undefined);
    expect(message("large")).toContain("1 Insufficient cpu");
  });

  it("keeps the pods of a profile to the nodes of its added affinity, and says so", async () => {
    const nodeSelectorTerms = [{ matchExpressions: [{ key: "pool", operator: "In", values: ["gpu"] }] }];
    const addedAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
    const configuration = readConfiguration({ ...HEAD, profiles: [{ pluginConfig: [{ name: "NodeAffinity", args: { addedAffinity } }] }] });
    const { start, createPod, setNode, pod, eventually } = await started({}, { configuration });
    await setNode("n1");
    start();
    await createPod("a");
    const condition = () => pod("a")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await eventually(() => condition()?.message !== undefined);
    expect(condition()?.message).toContain("1 node(s) didn't match scheduler-enforced node affinity.");
    await setNode("n2", {}, { labels: { pool: "gpu" } });
    await eventually(() => pod("a")?.spec.nodeName !== undefined);
    expect(pod("a")?.spec.nodeName).toBe("n2");
  });

  it("spreads the pods of a service, and those of a replica set, without being asked", async () => {
    const { view, start, createPod, setNode, pod, eventually, registry } = await started();
    // Without the default constraints the larger node of each pair would take them all.
    for (const [zone, cpu] of [
      ["a", "64"],
      ["b", "8"],
    ] as const) {
      const labels = { "topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": zone };
      await setNode(`n-${zone}`, { cpu, memory: "512Gi" }, { labels });
    }
    await registry.create(
      ServiceKind,
      named<Service>("s", "d", { spec: { selector: { app: "web" }, ports: [{ port: 80 }] } } as Partial<Service>),
    );
    const spec = {
      selector: { matchLabels: { app: "owned" } },
      template: { metadata: { labels: { app: "owned" } }, spec: REQUESTS("100m") },
    };
    await registry.create(ReplicaSetKind, named<ReplicaSet>("rs", "d", { spec } as Partial<ReplicaSet>));
    const uid = view.get<ReplicaSet>("replicasets.apps/d/rs")?.metadata.uid;
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs", uid, controller: true };
    start();
    const placed: Record<string, string[]> = { web: [], owned: [], alone: [] };
    for (let i = 0; i < 4; i++) {
      for (const app of ["web", "owned", "alone"]) {
        const name = `${app}-${i}`;
        await createPod(name, REQUESTS("500m"), { labels: { app }, ...(app === "owned" ? { ownerReferences: [owner] } : {}) });
        await eventually(() => pod(name)?.spec.nodeName !== undefined);
        placed[app]?.push(pod(name)?.spec.nodeName ?? "");
      }
    }
    expect(placed.web?.filter((node) => node === "n-b").length).toBe(2);
    expect(placed.owned?.filter((node) => node === "n-b").length).toBe(2);
    expect(placed.alone?.filter((node) => node === "n-b").length).toBeLessThan(2);
  });

  it("lets nodes attach as many volumes as their CSINode says, and learns when that changes", async () => {
    const { view, start, createPod, setNode, pod, eventually, registry } = await started();
    await setNode("n1");
    const provisioner = "disks.example.com";
    await registry.create(
      StorageClassKind,
      named<StorageClass>("slow", undefined, { provisioner, volumeBindingMode: "WaitForFirstConsumer" }),
    );
    const driver = { name: provisioner, nodeID: "n1", topologyKeys: [] };
    const limited = (count: number) => ({ spec: { drivers: [{ ...driver, allocatable: { count } }] } }) as Partial<CSINode>;
    await registry.create(CSINodeKind, named<CSINode>("n1", undefined, limited(1)));
    for (const name of ["one", "two"]) {
      const claim = { accessModes: ["ReadWriteOnce"], storageClassName: "slow", resources: { requests: { storage: "1Gi" } } };
      await registry.create(PersistentVolumeClaimKind, named<PersistentVolumeClaim>(name, "d", { spec: claim }));
    }
    start();
    const volumes = ["one", "two"].map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
    await createPod("a", { volumes });
    const condition = () => pod("a")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await eventually(() => condition()?.message !== undefined);
    expect(condition()?.message).toMatch(/^0\/1 nodes are available: 1 node\(s\) exceed max volume count\./);
    await registry.delete(CSINodeKind as never, undefined, "n1");
    await registry.create(CSINodeKind, named<CSINode>("n1", undefined, limited(2)));
    // Room now: the volumes are chosen, and made on the node for which they are.
    const selected = () =>
      JSON.stringify(view.get("persistentvolumeclaims/d/two") ?? {}).includes('"volume.kubernetes.io/selected-node":"n1"');
    await eventually(selected);
  });

  it("makes volumes only where the driver has the storage", async () => {
    const { start, createPod, setNode, pod, eventually, registry } = await started();
    await setNode("n1");
    const provisioner = "disks.example.com";
    await registry.create(CSIDriverKind, named<CSIDriver>(provisioner, undefined, { spec: { storageCapacity: true } }));
    await registry.create(
      StorageClassKind,
      named<StorageClass>("slow", undefined, { provisioner, volumeBindingMode: "WaitForFirstConsumer" }),
    );
    const claim = { accessModes: ["ReadWriteOnce"], storageClassName: "slow", resources: { requests: { storage: "1Gi" } } };
    await registry.create(PersistentVolumeClaimKind, named<PersistentVolumeClaim>("one", "d", { spec: claim }));
    start();
    await createPod("a", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "one" } }] });
    const condition = () => pod("a")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await eventually(() => condition()?.message !== undefined);
    expect(condition()?.message).toMatch(/^0\/1 nodes are available: 1 node\(s\) did not have enough free storage\./);
  });
});
