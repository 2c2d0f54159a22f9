import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { attachmentName, uniqueName } from "../../../../actors/controllers/volumes/attachments.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { SecretKind } from "../../../../actors/kinds/core/secret.ts";
import type {
  CSIDriver,
  CSINode,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  VolumeAttachment,
} from "../../../../actors/kinds/generated/types.ts";
import { CSIDriverKind } from "../../../../actors/kinds/storage/csi-driver.ts";
import { CSINodeKind } from "../../../../actors/kinds/storage/csi-node.ts";
import { VolumeAttachmentKind } from "../../../../actors/kinds/storage/volume-attachment.ts";
import { CsiVolumes } from "../../../../actors/node/csi/csi-volumes.ts";
import { NodeDirectories } from "../../../../actors/node/csi/node-directories.ts";
import type { VolumeFailure } from "../../../../actors/node/pod-volumes.ts";
import { LocalVolumes } from "../../../../actors/node/volumes/local-volumes.ts";
import type { EventRecorder } from "../../../../actors/registry/event-recorder.ts";
import { type Clock, systemClock, virtualClock } from "../../../../runtime/mod.ts";
import { named, startRegistry, type TestRegistry } from "../../registry/harness.ts";
import { Refused } from "../grpc/socket.ts";
import { type DriverOptions, LinkingDriver } from "./linking-driver.ts";

const DRIVER = "linking.csi.test";
const GI = 2 ** 30;

let cluster: TestRegistry;
let directory: string;
let directories: NodeDirectories;
let driver: LinkingDriver;
let volumes: LocalVolumes;
let events: string[];

beforeEach(async () => {
  cluster = await startRegistry();
  directory = await mkdtemp(join(tmpdir(), "troupe-csi-"));
  directories = new NodeDirectories(join(directory, "nodes"));
  events = [];
  await mkdir(directories.registryOf("n"), { recursive: true });
  await cluster.registry.create(NodeKind, named<Node>("n"));
  const drivers = [{ name: DRIVER, nodeID: "machine-1" }];
  await cluster.registry.create(CSINodeKind, named<CSINode>("n", undefined, { spec: { drivers } }));
  volumes = begun();
});
afterEach(async () => {
  await volumes.close();
  await driver.end();
  await rm(directory, { recursive: true, force: true });
  await cluster.stop();
});

function begun(clock: Clock = systemClock(), timeout_ms?: number): LocalVolumes {
  const { registry, store } = cluster;
  const view = store.replica;
  const recorder = {
    event: (about: { kind: string }, _: string, reason: string, message: string) => events.push(`${about.kind} ${reason}: ${message}`),
  };
  const issueToken = async (pod: Pod, audience?: string): Promise<string> => `${pod.metadata.name} for ${audience}`;
  const csi = new CsiVolumes({
    view,
    registry,
    recorder: recorder as unknown as EventRecorder,
    clock,
    directories,
    issueToken,
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
  });
  return new LocalVolumes({ view, directory: join(directory, "pods"), clock, issueToken, plugins: [csi] });
}

async function drives(options: DriverOptions = {}, spec: object = { attachRequired: false }): Promise<void> {
  driver = new LinkingDriver(join(directory, "driver"), { ...options, name: DRIVER });
  await driver.begin(directories.registryOf("n"));
  await cluster.registry.create(CSIDriverKind, named<CSIDriver>(DRIVER, undefined, { spec }));
}

/** A claim with its volume, which the driver has. */
async function claimed(name: string, csi: object = {}, spec: object = {}): Promise<void> {
  await mkdir(driver.pathOf(name), { recursive: true });
  await writeFile(`${driver.pathOf(name)}.size`, "1");
  const wanted = {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "",
    volumeName: name,
    resources: { requests: { storage: "1Gi" } },
    ...spec,
  };
  const claim = await cluster.registry.create(PersistentVolumeClaimKind, named<PersistentVolumeClaim>(name, "d", { spec: wanted }));
  const { uid } = cluster.store.replica.decode<PersistentVolumeClaim>(claim).metadata;
  const volume = {
    capacity: { storage: "1Gi" },
    accessModes: ["ReadWriteOnce"],
    claimRef: { namespace: "d", name, uid },
    csi: { driver: DRIVER, volumeHandle: name, fsType: "ext4", volumeAttributes: { a: "1" }, ...csi },
    ...spec,
  };
  const { storageClassName: _c, volumeName: _v, resources: _r, ...own } = volume as Record<string, unknown>;
  await cluster.registry.create(PersistentVolumeKind, named<PersistentVolume>(name, undefined, { spec: own }));
  await status(name, () => ({ phase: "Bound", capacity: { storage: "1Gi" } }));
}

async function status(claim: string, next: (now: PersistentVolumeClaim) => object): Promise<void> {
  const change = (now: PersistentVolumeClaim): PersistentVolumeClaim => ({ ...now, status: next(now) });
  await cluster.registry.modify(PersistentVolumeClaimKind, "d", claim, change, { subresource: "status" });
}

let uids = 0;
function podOf(volume: object, spec: object = {}): Pod {
  const metadata = { name: `p${uids}`, namespace: "d", uid: `u${uids++}`, resourceVersion: "1" };
  const containers = [{ name: "c", volumeMounts: [{ name: "v", mountPath: "/v" }] }];
  return {
    metadata,
    spec: { nodeName: "n", serviceAccountName: "sa", volumes: [{ name: "v", ...volume }], containers, ...spec },
  } as unknown as Pod;
}
const podWith = (claim: string, spec: object = {}): Pod => podOf({ persistentVolumeClaim: { claimName: claim } }, spec);

const mounted = async (pod: Pod): Promise<string> => (await volumes.mount(pod)).get("v")?.path ?? "";
const failure = (pod: Pod): Promise<VolumeFailure> =>
  volumes.mount(pod).then(
    () => expect.fail("it is mounted"),
    (error) => error,
  );
const requestOf = (method: string): Record<string, unknown> => driver.calls.findLast((call) => call.method === method)?.request ?? {};
const left = async (): Promise<readonly string[]> => {
  const all = await readdir(directories.root, { recursive: true });
  return all.filter((path) => /globalmount|vol_data|mount$|device$/.test(path));
};

describe("a volume that is claimed", () => {
  test("is staged once and published for each pod, and let go of with the last", async () => {
    await drives();
    await claimed("data");
    const [one, two] = [podWith("data"), podWith("data")];
    await writeFile(join(await mounted(one), "row"), "1");
    const path = await mounted(two);
    expect(await readFile(join(path, "row"), "utf8")).toBe("1");
    expect(path).toBe(join(directories.podsOf("n"), two.metadata.uid, "volumes/kubernetes.io~csi/data/mount"));
    expect(requestOf("NodePublishVolume")).toMatchObject({
      volumeId: "data",
      targetPath: path,
      readonly: false,
      volumeContext: { a: "1" },
      volumeCapability: { mount: { fsType: "ext4", mountFlags: [] }, block: null, accessMode: { mode: 1 } },
    });
    await volumes.unmount(one);
    expect(driver.methods()).not.toContain("NodeUnstageVolume");
    await volumes.unmount(two);
    await volumes.unmount(two);
    const publish = ["NodeStageVolume", "NodePublishVolume"];
    expect(driver.methods()).toEqual([...publish, ...publish, "NodeUnpublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume"]);
    expect(await left()).toEqual([]);
    expect(await readFile(join(driver.pathOf("data"), "row"), "utf8")).toBe("1");
  });

  test("is not published again when a container of its pod is started again", async () => {
    await drives();
    await claimed("data");
    const pod = podWith("data");
    await mounted(pod);
    await mounted(pod);
    expect(driver.methods()).toEqual(["NodeStageVolume", "NodePublishVolume"]);
  });

  test("is published without staging by a driver that knows none", async () => {
    await drives({ nodeCapabilities: [] });
    await claimed("data");
    const pod = podWith("data");
    await mounted(pod);
    expect(requestOf("NodePublishVolume")).toMatchObject({ stagingTargetPath: "" });
    await volumes.unmount(pod);
    expect(driver.methods()).toEqual(["NodePublishVolume", "NodeUnpublishVolume"]);
  });

  test.each([
    ["ReadWriteOnce", [], 1],
    ["ReadWriteOncePod", [], 1],
    ["ReadOnlyMany", [], 3],
    ["ReadWriteMany", [5], 5],
    ["ReadWriteOnce", [5], 7],
    ["ReadWriteOncePod", [5], 6],
  ])("of access mode %s with capabilities %j is used by mode %i", async (mode, nodeCapabilities, number) => {
    await drives({ nodeCapabilities });
    await claimed("data", {}, { accessModes: [mode] });
    await mounted(podWith("data"));
    expect(requestOf("NodePublishVolume")).toMatchObject({ volumeCapability: { accessMode: { mode: number } } });
  });

  test("that one pod may use waits until no other has it, wherever the scheduler was", async () => {
    await drives();
    await claimed("data", {}, { accessModes: ["ReadWriteOncePod"] });
    const [one, two] = [podWith("data"), podWith("data")];
    await mounted(one);
    expect((await failure(two)).message).toBe(
      'MountVolume.SetUp failed for volume "data" : volume uses the ReadWriteOncePod access mode and is already in use by another pod',
    );
    // The next Troupe finds the pod that has it.
    await volumes.close();
    volumes = begun();
    volumes.follow(one, () => {});
    expect((await failure(two)).message).toContain("already in use by another pod");
    await volumes.unmount(one);
    await mounted(two);
  });

  test("of volumeMode Block is a device at a path of its own", async () => {
    await drives();
    await claimed("data", {}, { volumeMode: "Block" });
    const pod = podWith("data", { containers: [{ name: "c", volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }] });
    const volume = (await volumes.mount(pod)).get("v");
    expect(volume).toMatchObject({ isDevice: true });
    expect(await readFile(volume?.path ?? "", "utf8")).toBe("1");
    expect(requestOf("NodeStageVolume")).toMatchObject({ volumeCapability: { mount: null, block: {} } });
    await volumes.unmount(pod);
    expect(await left()).toEqual([]);
  });

  test("gives the driver its secrets, and what is missing is told in kubelet's words", async () => {
    await drives();
    const secret = (name: string) => ({ namespace: "d", name });
    await claimed("data", { nodeStageSecretRef: secret("stage"), nodePublishSecretRef: secret("publish") });
    const pod = podWith("data");
    expect((await failure(pod)).message).toBe(
      'MountVolume.MountDevice failed for volume "data" : fetching NodeStageSecretRef d/stage failed: kubernetes.io/csi: failed to find the secret stage in the namespace d with error: secrets "stage" not found',
    );
    for (const name of ["stage", "publish"])
      await cluster.registry.create(SecretKind, named<Secret>(name, "d", { data: { key: Buffer.from(`of ${name}`).toString("base64") } }));
    await mounted(pod);
    expect(requestOf("NodeStageVolume")).toMatchObject({ secrets: { key: "of stage" } });
    expect(requestOf("NodePublishVolume")).toMatchObject({ secrets: { key: "of publish" } });
  });

  test("has the pod's group by the driver, where that can", async () => {
    await drives({ nodeCapabilities: [1, 6] });
    await claimed("data");
    await mounted(podWith("data", { securityContext: { fsGroup: 7 } }));
    expect(requestOf("NodeStageVolume")).toMatchObject({ volumeCapability: { mount: { volumeMountGroup: "7" } } });
  });
});

describe("a volume that has to be attached", () => {
  const source = { driver: DRIVER, volumeHandle: "data" };
  const name = attachmentName(source, "n");

  test("is waited for, said to be in use, and given what the controller's side said", async () => {
    await drives({}, { attachRequired: true });
    await claimed("data");
    const pod = podWith("data");
    expect(await failure(pod)).toMatchObject({ isExpected: true });
    const node = (): Node | undefined => cluster.store.replica.get<Node>("nodes/n");
    expect(node()?.status?.volumesInUse).toEqual([uniqueName(source)]);
    const spec = { attacher: DRIVER, nodeName: "n", source: { persistentVolumeName: "data" } };
    await cluster.registry.create(VolumeAttachmentKind, named<VolumeAttachment>(name, undefined, { spec }));
    const attached = { attached: true, attachmentMetadata: { at: "here" } };
    await cluster.registry.modify<VolumeAttachment>(VolumeAttachmentKind, undefined, name, (now) => ({ ...now, status: attached }), {
      subresource: "status",
    });
    expect(await failure(pod)).toMatchObject({ isExpected: true });
    const told = [{ name: uniqueName(source), devicePath: "" }];
    const tell = (now: Node): Node => ({ ...now, status: { ...now.status, volumesAttached: told } });
    await cluster.registry.modify<Node>(NodeKind, undefined, "n", tell, { subresource: "status" });
    await mounted(pod);
    expect(requestOf("NodeStageVolume")).toMatchObject({ publishContext: { at: "here" } });
    await volumes.unmount(pod);
    expect(node()?.status?.volumesInUse).toBeUndefined();
  });
});

describe("a pod's own volume", () => {
  const csi = { driver: DRIVER, volumeAttributes: { size: "1" }, readOnly: true };

  test("is made and removed with it, of a driver that is for such", async () => {
    await drives({}, { attachRequired: false, volumeLifecycleModes: ["Ephemeral"], podInfoOnMount: true });
    const pod = podOf({ csi });
    await mounted(pod);
    expect(requestOf("NodePublishVolume")).toMatchObject({
      volumeId: expect.stringMatching(/^csi-[0-9a-f]{64}$/),
      readonly: true,
      volumeContext: {
        size: "1",
        "csi.storage.k8s.io/pod.name": pod.metadata.name,
        "csi.storage.k8s.io/pod.namespace": "d",
        "csi.storage.k8s.io/pod.uid": pod.metadata.uid,
        "csi.storage.k8s.io/serviceAccount.name": "sa",
        "csi.storage.k8s.io/ephemeral": "true",
      },
    });
    await volumes.unmount(pod);
    expect(driver.methods()).toEqual(["NodePublishVolume", "NodeUnpublishVolume"]);
  });

  test("is refused where the driver is for others", async () => {
    await drives({}, { attachRequired: false, volumeLifecycleModes: ["Persistent"] });
    expect((await failure(podOf({ csi }))).message).toContain(
      'volume mode "Ephemeral" not supported by driver linking.csi.test (only supports ["Persistent"])',
    );
  });

  test("comes with tokens, and again with others where the driver wants it", async () => {
    const tokenRequests = [{ audience: "bank", expirationSeconds: 600 }];
    await drives(
      {},
      { attachRequired: false, volumeLifecycleModes: ["Ephemeral"], podInfoOnMount: true, tokenRequests, requiresRepublish: true },
    );
    const clock = virtualClock();
    await volumes.close();
    // The driver itself lives on the clock of the machine, and its answer is waited for by nobody's timer here.
    volumes = begun(clock);
    const pod = podOf({ csi });
    await mounted(pod);
    const tokens =
      (requestOf("NodePublishVolume").volumeContext as Record<string, string>)["csi.storage.k8s.io/serviceAccount.tokens"] ?? "";
    expect(JSON.parse(tokens)).toEqual({
      bank: { token: `${pod.metadata.name} for bank`, expirationTimestamp: expect.stringMatching(/Z$/) },
    });
    volumes.follow(pod, () => {});
    await clock.run(60_000);
    await expect.poll(() => driver.methods()).toEqual(["NodePublishVolume", "NodePublishVolume"]);
  });
});

describe("what goes wrong", () => {
  test("a driver that is not there is named, and found when it is", async () => {
    await drives();
    await claimed("data");
    await driver.end();
    const pod = podWith("data");
    expect(await failure(pod)).toMatchObject({
      retry_ms: 500,
      message:
        'MountVolume.MountDevice failed for volume "data" : kubernetes.io/csi: driver name linking.csi.test not found in the list of registered CSI drivers',
    });
    expect((await failure(pod)).retry_ms).toBe(1_000);
    await driver.begin(directories.registryOf("n"));
    await mounted(pod);
  });

  test("a driver that dies in a call may have done it, so it is undone with the pod", async () => {
    await drives();
    await claimed("data");
    driver.before.set("NodePublishVolume", () => driver.end());
    const pod = podWith("data");
    expect((await failure(pod)).message).toMatch(/^MountVolume.SetUp failed for volume "data" : rpc error: code = (Unavailable|Canceled) /);
    expect(await left()).toContain(`n/pods/${pod.metadata.uid}/volumes/kubernetes.io~csi/data/vol_data.json`);
    await expect(volumes.unmount(pod)).rejects.toThrow("not found in the list of registered CSI drivers");
    driver.before.clear();
    await driver.begin(directories.registryOf("n"));
    await volumes.unmount(pod);
    expect(driver.methods()).toEqual(["NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume"]);
    expect(await left()).toEqual([]);
  });

  test("a driver that takes too long is given up, and asked again", async () => {
    await drives();
    await claimed("data");
    await volumes.close();
    volumes = begun(systemClock(), 200);
    driver.before.set("NodeStageVolume", () => new Promise(() => {}));
    const pod = podWith("data");
    expect((await failure(pod)).message).toContain("code = DeadlineExceeded");
    driver.before.clear();
    await mounted(pod);
  });

  test("ABORTED is tried again, what is refused for certain leaves nothing", async () => {
    await drives();
    await claimed("data");
    const pod = podWith("data");
    for (const [code, name, stays] of [
      ["ABORTED", "Aborted", true],
      ["INTERNAL", "Internal", false],
    ] as const) {
      driver.before.set("NodeStageVolume", () => {
        throw new Refused(code, "it is busy");
      });
      const other = code === "ABORTED" ? pod : podWith("data");
      expect((await failure(other)).message).toBe(
        `MountVolume.MountDevice failed for volume "data" : rpc error: code = ${name} desc = it is busy`,
      );
      const record = `n/pods/${other.metadata.uid}/volumes/kubernetes.io~csi/data/vol_data.json`;
      expect((await left()).includes(record)).toBe(stays);
    }
    driver.before.clear();
    await mounted(pod);
  });

  test("what the driver knows no more is let go of", async () => {
    await drives();
    await claimed("data");
    const pod = podWith("data");
    await mounted(pod);
    for (const method of ["NodeUnpublishVolume", "NodeUnstageVolume"])
      driver.before.set(method, async () => {
        if (method === "NodeUnstageVolume") await rm(join(String(requestOf(method).stagingTargetPath), "staged"), { force: true });
        else await rm(String(requestOf(method).targetPath), { force: true });
        throw new Refused("NOT_FOUND", "no such volume");
      });
    await volumes.unmount(pod);
    expect(await left()).toEqual([]);
  });

  test("data that a driver has left in the place of a mount is never removed", async () => {
    await drives();
    await claimed("data");
    const pod = podWith("data");
    const path = await mounted(pod);
    driver.before.set("NodeUnpublishVolume", async () => {
      await rm(path, { force: true });
      await mkdir(path);
      await writeFile(join(path, "precious"), "1");
      throw new Refused("NOT_FOUND", "no such volume");
    });
    await expect(volumes.unmount(pod)).rejects.toThrow("not empty");
    expect(await readFile(join(path, "precious"), "utf8")).toBe("1");
  });

  test("a Troupe that was killed between staging and publishing goes on where it was, and lets go of what it had begun", async () => {
    await drives();
    await claimed("data");
    driver.before.set("NodePublishVolume", () => {
      throw new Refused("UNAVAILABLE", "as if the connection was lost with Troupe");
    });
    const [pod, gone] = [podWith("data"), podWith("data")];
    for (const each of [pod, gone]) await failure(each);
    await volumes.close();
    volumes = begun();
    driver.before.clear();
    await mounted(pod);
    // Nothing of it is in memory.
    await volumes.unmount(gone);
    expect(driver.methods()).not.toContain("NodeUnstageVolume");
    await volumes.unmount(pod);
    expect(driver.methods().at(-1)).toBe("NodeUnstageVolume");
    expect(await left()).toEqual([]);
  });
});

describe("a volume that grows", () => {
  const pending = (size: string) => async (): Promise<void> => {
    await cluster.registry.modify<PersistentVolume>(PersistentVolumeKind, undefined, "data", (now) => ({
      ...now,
      spec: { ...now.spec, capacity: { storage: size } },
    }));
    await status("data", (now) => ({
      ...now.status,
      allocatedResources: { storage: size },
      allocatedResourceStatuses: { storage: "NodeResizePending" },
      conditions: [{ type: "FileSystemResizePending", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
    }));
  };
  const claim = (): PersistentVolumeClaim | undefined => cluster.store.replica.get<PersistentVolumeClaim>("persistentvolumeclaims/d/data");

  test("does so while a pod uses it", async () => {
    await drives();
    await claimed("data");
    const pod = podWith("data");
    await mounted(pod);
    volumes.follow(pod, () => {});
    await pending("2Gi")();
    await expect
      .poll(() => claim()?.status)
      .toEqual({ phase: "Bound", capacity: { storage: "2Gi" }, allocatedResources: { storage: "2Gi" } });
    expect(requestOf("NodeExpandVolume")).toMatchObject({ volumeId: "data", capacityRange: { requiredBytes: 2 * GI } });
    expect(events).toEqual(
      ["Pod", "PersistentVolumeClaim"].map(
        (kind) => `${kind} FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "data" n`,
      ),
    );
  });

  test("does so before a pod begins, and says when it cannot", async () => {
    await drives();
    await claimed("data");
    await pending("2Gi")();
    driver.before.set("NodeExpandVolume", () => {
      throw new Refused("OUT_OF_RANGE", "too much");
    });
    await mounted(podWith("data"));
    const message = "Expander.NodeExpand failed to expand the volume : rpc error: code = OutOfRange desc = too much";
    expect(events).toEqual([`Pod VolumeResizeFailed: MountVolume.NodeExpandVolume failed for volume "data" : ${message}`]);
    expect(claim()?.status).toMatchObject({
      capacity: { storage: "1Gi" },
      allocatedResourceStatuses: { storage: "NodeResizeInfeasible" },
      conditions: expect.arrayContaining([expect.objectContaining({ type: "NodeResizeError", message })]),
    });
  });

  test("has nothing to do on nodes with a driver that knows no such", async () => {
    await drives({ nodeCapabilities: [1] });
    await claimed("data");
    await pending("2Gi")();
    await mounted(podWith("data"));
    expect(claim()?.status?.capacity).toEqual({ storage: "2Gi" });
    expect(driver.methods()).not.toContain("NodeExpandVolume");
  });
});
