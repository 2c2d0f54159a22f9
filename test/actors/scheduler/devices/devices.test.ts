import { describe, expect, it } from "vitest";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { DeviceClass, Pod, ResourceResourceClaim as ResourceClaim, ResourceSlice } from "../../../../actors/kinds/generated/types.ts";
import { DeviceClassKind } from "../../../../actors/kinds/resource/device-class.ts";
import { ResourceClaimKind } from "../../../../actors/kinds/resource/resource-claim.ts";
import { ResourceSliceKind } from "../../../../actors/kinds/resource/resource-slice.ts";
import { named } from "../../registry/harness.ts";
import { schedulerOfEachTest, type TestScheduler } from "../harness.ts";

const DRIVER = "gpu.example.com";
const FINALIZER = "resource.kubernetes.io/delete-protection";
const HELPLESS = "2 Preemption is not helpful for scheduling.";

describe("pods that claim devices", () => {
  const opened = schedulerOfEachTest();

  /** Nodes n1 and n2, and a class of what the driver has. */
  const started = async (settings: { shards?: number } = {}): Promise<TestScheduler> => {
    const scheduler = await opened({}, settings);
    for (const name of ["n1", "n2"]) await scheduler.setNode(name, {}, { labels: { name } });
    const selectors = [{ cel: { expression: `device.driver == "${DRIVER}"` } }];
    await scheduler.registry.create(DeviceClassKind, named<DeviceClass>("gpu", undefined, { spec: { selectors } }));
    return scheduler;
  };
  const createSlice = (t: TestScheduler, nodeName: string, ...devices: string[]): Promise<unknown> => {
    const pool = { name: nodeName, generation: 1, resourceSliceCount: 1 };
    const spec = { driver: DRIVER, nodeName, pool, devices: devices.map((name) => ({ name, attributes: { model: { string: name } } })) };
    return t.registry.create(ResourceSliceKind, named<ResourceSlice>(nodeName, undefined, { spec }));
  };
  const createClaim = (t: TestScheduler, name: string, wanted: object = {}): Promise<unknown> => {
    const exactly = { deviceClassName: "gpu", allocationMode: "ExactCount", count: 1, ...wanted };
    return t.registry.create(
      ResourceClaimKind,
      named<ResourceClaim>(name, "d", { spec: { devices: { requests: [{ name: "r", exactly }] } } }),
    );
  };
  const createPod = (t: TestScheduler, name: string, claim: string, spec: object = {}): Promise<void> =>
    t.createPod(name, { resourceClaims: [{ name: "c", resourceClaimName: claim }], ...spec });
  const claim = (t: TestScheduler, name: string): ResourceClaim | undefined =>
    t.view.get<ResourceClaim>(`resourceclaims.resource.k8s.io/d/${name}`);
  const nodeOf = (t: TestScheduler, name: string): string | undefined => t.pod(name)?.spec.nodeName;
  const tells = (t: TestScheduler, name: string, words: string): Promise<void> =>
    t.eventually(() => t.events(name).includes(`FailedScheduling: ${words}`));

  it("go where their devices are, which are theirs from then on", async () => {
    const t = await started();
    await createSlice(t, "n2", "a");
    await createClaim(t, "one");
    await createPod(t, "p", "one");
    t.start();
    await t.eventually(() => nodeOf(t, "p") === "n2");
    const { metadata, status } = claim(t, "one") ?? {};
    expect(metadata?.finalizers).toEqual([FINALIZER]);
    expect(status).toEqual({
      allocation: {
        devices: { results: [{ request: "r", driver: DRIVER, pool: "n2", device: "a" }] },
        nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n2"] }] }] },
      },
      reservedFor: [{ resource: "pods", name: "p", uid: t.pod("p")?.metadata.uid }],
    });
    // The pod and its claims are written at once.
    expect(metadata?.resourceVersion).toBe(String(Number(t.pod("p")?.metadata.resourceVersion) + 1));
    // Who shares the claim goes there, too.
    await createPod(t, "q", "one");
    await t.eventually(() => nodeOf(t, "q") === "n2");
    expect(claim(t, "one")?.status?.reservedFor?.map(({ name }) => name)).toEqual(["p", "q"]);
  });

  it("wait for devices, and have them when others give theirs back, or new ones come", async () => {
    const t = await started();
    await createSlice(t, "n1", "a");
    for (const name of ["one", "two", "three"]) await createClaim(t, name);
    await createPod(t, "p", "one");
    t.start();
    await t.eventually(() => nodeOf(t, "p") === "n1");
    await createPod(t, "q", "two");
    await tells(
      t,
      "q",
      `0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: ${HELPLESS}`,
    );
    expect(claim(t, "two")?.status?.allocation).toBeUndefined();
    await t.registry.modify(ResourceClaimKind, "d", "one", (now) => ({ ...now, status: {} }), { subresource: "status" });
    await t.eventually(() => nodeOf(t, "q") === "n1");
    await createPod(t, "r", "three");
    await t.eventually(() => t.events("r").length > 0);
    await createSlice(t, "n2", "b");
    await t.eventually(() => nodeOf(t, "r") === "n2");
  });

  it("are not tried before their claims are there, and are told of a class that is not", async () => {
    const t = await started();
    await createSlice(t, "n1", "a");
    await createPod(t, "p", "late");
    await t.createPod("made", { resourceClaims: [{ name: "c", resourceClaimTemplateName: "t" }] });
    await createClaim(t, "odd", { deviceClassName: "none" });
    await createPod(t, "q", "odd");
    t.start();
    await tells(
      t,
      "q",
      `0/2 nodes are available: request r: device class none does not exist. no new claims to deallocate, preemption: 0/2 nodes are available: ${HELPLESS}`,
    );
    expect([t.events("p"), t.events("made"), t.pod("p")?.status?.conditions]).toEqual([[], [], undefined]);
    await createClaim(t, "late");
    await t.eventually(() => nodeOf(t, "p") === "n1");
    await createSlice(t, "n2", "b");
    const { uid } = t.pod("made")?.metadata ?? { uid: "" };
    const ownerReferences = [{ apiVersion: "v1", kind: "Pod", name: "made", uid, controller: true }];
    const spec = { devices: { requests: [{ name: "r", exactly: { deviceClassName: "gpu", allocationMode: "ExactCount", count: 1 } }] } };
    await t.registry.create(ResourceClaimKind, named<ResourceClaim>("made-c-x", "d", { metadata: { ownerReferences }, spec }));
    const told = (pod: Pod): Pod => ({
      ...pod,
      status: { ...pod.status, resourceClaimStatuses: [{ name: "c", resourceClaimName: "made-c-x" }] },
    });
    await t.registry.modify(PodKind, "d", "made", told, { subresource: "status" });
    await t.eventually(() => nodeOf(t, "made") === "n2");
  });

  it("have a claim give back what it has where they cannot run, if nobody uses it", async () => {
    const t = await started();
    await createSlice(t, "n1", "a");
    await createSlice(t, "n2", "b");
    await createClaim(t, "one");
    await createPod(t, "p", "one", { nodeSelector: { name: "n1" } });
    t.start();
    await t.eventually(() => nodeOf(t, "p") === "n1");
    await createPod(t, "q", "one", { nodeSelector: { name: "n2" } });
    const away = "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 resourceclaim not available on the node.";
    await tells(t, "q", `${away} still not schedulable, preemption: 0/2 nodes are available: ${HELPLESS}`);
    const unused = (now: ResourceClaim): ResourceClaim => ({ ...now, status: { ...now.status, reservedFor: [] } });
    await t.registry.modify(ResourceClaimKind, "d", "one", unused, { subresource: "status" });
    await t.eventually(() => nodeOf(t, "q") === "n2");
    await tells(t, "q", `${away} deallocation of ResourceClaim completed, preemption: 0/2 nodes are available: ${HELPLESS}`);
    expect(claim(t, "one")?.status?.allocation?.devices?.results).toMatchObject([{ pool: "n2", device: "b" }]);
  });

  it("fail when a selector does, and say why", async () => {
    const t = await started();
    await createSlice(t, "n1", "a");
    await createClaim(t, "one", { selectors: [{ cel: { expression: `device.attributes["${DRIVER}"].size > 3` } }] });
    await createPod(t, "p", "one");
    t.start();
    await tells(t, "p", 'running "DynamicResources" filter plugin: claim d/one: selector #0: CEL runtime error: no such key: size');
  });

  it("do not both get a device from two shards that do not know of each other", async () => {
    const t = await started({ shards: 2 });
    await createSlice(t, "n1", "a", "b", "c");
    const pods = Array.from({ length: 8 }, (_, index) => `p${index}`);
    for (const name of pods) {
      await createClaim(t, name);
      await createPod(t, name, name, { containers: [{ name: "c", image: "i" }] });
    }
    t.start();
    await t.eventually(
      () =>
        pods.filter((name) => nodeOf(t, name) !== undefined).length === 3 && pods.filter((name) => t.events(name).length > 0).length === 8,
    );
    const devices = pods.flatMap((name) => claim(t, name)?.status?.allocation?.devices?.results?.map(({ device }) => device) ?? []);
    expect(devices.sort()).toEqual(["a", "b", "c"]);
  });
});
