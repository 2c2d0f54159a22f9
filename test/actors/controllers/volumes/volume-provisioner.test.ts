import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { volumeDirectoriesIn } from "../../../../actors/controllers/volumes/volume-directories.ts";
import { LOCAL_DIRECTORY, volumeProvisioner } from "../../../../actors/controllers/volumes/volume-provisioner.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../../actors/kinds/generated/types.ts";
import { StorageClassKind } from "../../../../actors/kinds/storage/storage-class.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";
import { Transcript } from "../transcript.ts";

const SELECTED = "volume.kubernetes.io/selected-node";
const ASKED = { "volume.kubernetes.io/storage-provisioner": LOCAL_DIRECTORY };
const CLAIM = "persistentvolumeclaims/d/c";
const VOLUME = "persistentvolumes/pvc-uid-c";

/** Directories that are names, and what was done to them. */
function played(fails?: string): { did: string[]; transcript: Transcript } {
  const did: string[] = [];
  const doing = async (what: string): Promise<void> => {
    if (fails !== undefined) throw new Error(fails);
    did.push(what);
  };
  const directories = {
    pathOf: (name: string) => `/v/${name}`,
    make: (name: string) => doing(`make ${name}`),
    remove: (name: string) => doing(`remove ${name}`),
    removeOther: (path: string) => doing(`remove other ${path}`),
  };
  const machines = {
    makeVolume: async (node: string, name: string) => {
      await doing(`make ${name} on ${node}`);
      return `/there/${name}`;
    },
    removeVolume: (node: string, name: string) => doing(`remove ${name} on ${node}`),
  };
  const transcript = new Transcript(volumeProvisioner(directories, machines))
    .put(NodeKind, { metadata: { name: "n", labels: { "kubernetes.io/hostname": "host-n" } } })
    .put(NodeKind, { metadata: { name: "far", labels: { "troupe.dev/machine": "process", "kubernetes.io/hostname": "host-far" } } })
    .put(NodeKind, { metadata: { name: "hollow", labels: { "troupe.dev/machine": "hollow" } } })
    .put(StorageClassKind, {
      metadata: { name: "local" },
      provisioner: LOCAL_DIRECTORY,
      volumeBindingMode: "WaitForFirstConsumer",
      reclaimPolicy: "Retain",
    })
    .put(StorageClassKind, {
      metadata: { name: "shared" },
      provisioner: LOCAL_DIRECTORY,
      parameters: { scope: "machine" },
      reclaimPolicy: "Delete",
    })
    .put(StorageClassKind, { metadata: { name: "odd" }, provisioner: LOCAL_DIRECTORY, parameters: { type: "ssd" } })
    .put(StorageClassKind, { metadata: { name: "other" }, provisioner: "example.com/disks" });
  return { did, transcript };
}

function claimOf(storageClassName: string, annotations: object, spec: object = {}, status: object = { phase: "Pending" }): object {
  const all = { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec };
  return { metadata: { name: "c", annotations: { ...ASKED, ...annotations } }, spec: all, status };
}

const BEGUN = 'event Normal Provisioning PersistentVolumeClaim/c: External provisioner is provisioning volume for claim "d/c"';
const failed = (name: string, why: string): string =>
  `event Warning ProvisioningFailed PersistentVolumeClaim/c: failed to provision volume with StorageClass "${name}": ${why}`;

describe("a claim", () => {
  test.each([
    ["for a chosen node", claimOf("local", { [SELECTED]: "n" }), [BEGUN, "create PersistentVolume/pvc-uid-c"]],
    ["that waits for its consumer", claimOf("local", {}), []],
    ["for many", claimOf("shared", {}, { accessModes: ["ReadWriteMany"] }), [BEGUN, "create PersistentVolume/pvc-uid-c"]],
    [
      "for many of a node's",
      claimOf("local", { [SELECTED]: "n" }, { accessModes: ["ReadWriteMany"] }),
      [failed("local", "access mode ReadWriteMany takes a class with the parameter scope: machine"), "requeue 60000"],
    ],
    [
      "for one pod",
      claimOf("local", { [SELECTED]: "n" }, { accessModes: ["ReadWriteOncePod"] }),
      [BEGUN, "create PersistentVolume/pvc-uid-c"],
    ],
    [
      "for a node that is gone",
      claimOf("local", { [SELECTED]: "gone" }),
      [failed("local", 'node "gone" not found'), `modify PersistentVolumeClaim/c {"metadata":{"annotations":{"${SELECTED}":null}}}`],
    ],
    [
      "for a hollow machine",
      claimOf("local", { [SELECTED]: "hollow" }),
      [
        failed("local", 'node "hollow" is hollow, and has no directories'),
        `modify PersistentVolumeClaim/c {"metadata":{"annotations":{"${SELECTED}":null}}}`,
      ],
    ],
    [
      "for a disk",
      claimOf("shared", {}, { volumeMode: "Block" }),
      [failed("shared", "volumes are directories, and none is of volumeMode Block"), "requeue 60000"],
    ],
    [
      "of a class with odd parameters",
      claimOf("odd", {}),
      [failed("odd", "the parameter type: ssd is not known, only scope: machine and with it nfsServer are"), "requeue 60000"],
    ],
    ["of a class of others", claimOf("other", {}), []],
    ["that is not told to us", claimOf("shared", { "volume.kubernetes.io/storage-provisioner": "example.com/disks" }), []],
    ["that has a volume", claimOf("shared", {}, { volumeName: "v" }), []],
  ])("%s", async (_what, claim, lines) => {
    const { transcript, did } = played();
    transcript.put(PersistentVolumeClaimKind, claim);
    expect(await transcript.lookAndWork(CLAIM)).toEqual(lines);
    expect(did).toEqual(lines.includes("create PersistentVolume/pvc-uid-c") ? ["make pvc-uid-c"] : []);
  });

  test("for a machine that has joined gets its directory there, and says where", async () => {
    const { transcript, did } = played();
    transcript.put(PersistentVolumeClaimKind, claimOf("local", { [SELECTED]: "far" }));
    expect(await transcript.lookAndWork(CLAIM)).toEqual([BEGUN, "create PersistentVolume/pvc-uid-c"]);
    expect(did).toEqual(["make pvc-uid-c on far"]);
  });

  test("whose directory cannot be made says why, and is tried again", async () => {
    const { transcript } = played("ENOSPC: no space left on device");
    transcript.put(PersistentVolumeClaimKind, claimOf("shared", {}));
    expect(await transcript.lookAndWork(CLAIM)).toEqual([BEGUN, failed("shared", "ENOSPC: no space left on device"), "requeue 60000"]);
  });

  test("that asks for more gets it", () => {
    const { transcript } = played();
    const bound = { phase: "Bound", capacity: { storage: "1Gi" } };
    transcript
      .put(PersistentVolumeKind, volumeOf({ phase: "Bound" }))
      .put(
        PersistentVolumeClaimKind,
        claimOf("shared", {}, { volumeName: "pvc-uid-c", resources: { requests: { storage: "3Gi" } } }, bound),
      );
    expect(transcript.look(CLAIM)).toEqual([
      "1: event Normal Resizing PersistentVolumeClaim/c: External resizer is resizing volume pvc-uid-c",
      '2: modify PersistentVolume/pvc-uid-c {"spec":{"capacity":{"storage":"3Gi"}}}',
      '3: modify PersistentVolumeClaim/c {"status":{"capacity":{"storage":"3Gi"}}}',
      "4: event Normal VolumeResizeSuccessful PersistentVolumeClaim/c: Resize volume succeeded",
    ]);
  });
});

const on = (hostname: string): object => ({
  local: { path: "/there/pvc-uid-c" },
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [hostname] }] }] },
  },
});

function volumeOf(status: object, spec: object = {}, metadata: object = {}): object {
  return {
    metadata: {
      name: "pvc-uid-c",
      annotations: { "pv.kubernetes.io/provisioned-by": LOCAL_DIRECTORY },
      finalizers: ["external-provisioner.volume.kubernetes.io/finalizer"],
      ...metadata,
    },
    spec: {
      capacity: { storage: "1Gi" },
      persistentVolumeReclaimPolicy: "Delete",
      local: { path: "/v/pvc-uid-c" },
      claimRef: { uid: "uid-c", name: "c", namespace: "d" },
      ...spec,
    },
    status,
  };
}

const GOING = { deletionTimestamp: "2026-01-01T00:00:00Z" };
const NO_FINALIZER = 'modify PersistentVolume/pvc-uid-c {"metadata":{"finalizers":[]}}';

describe("a volume", () => {
  test.each([
    ["whose claim is gone", volumeOf({ phase: "Released" }), ["1: delete PersistentVolume/pvc-uid-c", `2: ${NO_FINALIZER}`], true],
    ["that is bound", volumeOf({ phase: "Bound" }), [], false],
    ["that is deleted while it is bound", volumeOf({ phase: "Bound" }, {}, GOING), [], false],
    ["that was deleted while it was bound", volumeOf({ phase: "Released" }, {}, GOING), [`1: ${NO_FINALIZER}`], true],
    ["that is to be kept", volumeOf({ phase: "Released" }, { persistentVolumeReclaimPolicy: "Retain" }), [], false],
    [
      "that is to be kept, and deleted",
      volumeOf({ phase: "Released" }, { persistentVolumeReclaimPolicy: "Retain" }, GOING),
      [NO_FINALIZER],
      false,
    ],
    ["of somebody else", volumeOf({ phase: "Released" }, {}, { annotations: {} }), [], false],
    [
      "that says to be ours and lies elsewhere",
      volumeOf({ phase: "Released" }, { local: undefined, hostPath: { path: "/etc" } }),
      [
        "event Warning VolumeFailedDelete PersistentVolume/pvc-uid-c: /etc is not the directory of volume pvc-uid-c, which is /v/pvc-uid-c",
        "requeue 60000",
      ],
      false,
    ],
  ])("%s", async (_what, volume, lines, removed) => {
    const { transcript, did } = played();
    transcript.put(PersistentVolumeKind, volume);
    expect(await transcript.lookAndWork(VOLUME)).toEqual(lines);
    expect(did).toEqual(removed ? ["remove pvc-uid-c"] : []);
  });
});

test.each([
  ["of a machine that has joined is removed there", "host-far", ["remove pvc-uid-c on far"]],
  ["of a machine that has left went with it", "host-left", []],
])("a volume %s", async (_what, hostname, work) => {
  const { transcript, did } = played();
  transcript.put(PersistentVolumeKind, volumeOf({ phase: "Released" }, on(hostname)));
  expect(await transcript.lookAndWork(VOLUME)).toEqual(["1: delete PersistentVolume/pvc-uid-c", `2: ${NO_FINALIZER}`]);
  expect(did).toEqual(work);
});

test("where there are no directories, nothing is looked at", () => {
  const transcript = new Transcript(volumeProvisioner(undefined));
  expect(transcript.put(PersistentVolumeClaimKind, claimOf("shared", {})).decide()).toEqual([]);
});

describe("with those who bind", () => {
  let cluster: TestCluster;
  let directory: string;
  afterEach(async () => {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const claimNow = (): PersistentVolumeClaim | undefined => cluster.view.get<PersistentVolumeClaim>(CLAIM);

  test("a claim gets a directory, grows, and its directory goes with it", async () => {
    directory = await mkdtemp(join(tmpdir(), "troupe-volumes-"));
    cluster = await startCluster({ nodes: 1, volumeDirectories: volumeDirectoriesIn(directory) });
    const storageClass = { provisioner: LOCAL_DIRECTORY, volumeBindingMode: "WaitForFirstConsumer", allowVolumeExpansion: true };
    await cluster.registry.create(StorageClassKind, named<StorageClass>("local", undefined, storageClass));
    const spec = { storageClassName: "local", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
    await cluster.registry.create(PersistentVolumeClaimKind, named<PersistentVolumeClaim>("c", "d", { spec }));
    await cluster.clock.run(5_000);
    expect(claimNow()?.status?.phase).toBe("Pending");
    await cluster.registry.modify<PersistentVolumeClaim>(PersistentVolumeClaimKind, "d", "c", (now) => ({
      ...now,
      metadata: { ...now.metadata, annotations: { ...now.metadata.annotations, [SELECTED]: "n0" } },
    }));
    // Directories are made in real time.
    const soon = async (what: () => unknown): Promise<unknown> => {
      await cluster.clock.run(1_000);
      return what();
    };
    await expect.poll(() => soon(() => claimNow()?.status?.phase), { timeout: 5_000 }).toBe("Bound");
    const name = claimNow()?.spec.volumeName ?? "";
    const volume = cluster.view.get<PersistentVolume>(`persistentvolumes/${name}`);
    expect(volume?.spec?.local?.path).toBe(join(directory, name));
    expect(volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values).toEqual(["n0"]);
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o777);
    await writeFile(join(directory, name, "data"), "kept");
    await cluster.registry.modify<PersistentVolumeClaim>(PersistentVolumeClaimKind, "d", "c", (now) => ({
      ...now,
      spec: { ...now.spec, resources: { requests: { storage: "2Gi" } } },
    }));
    await cluster.until("more", () => claimNow()?.status?.capacity?.storage === "2Gi");
    expect(cluster.view.get<PersistentVolume>(`persistentvolumes/${name}`)?.spec?.capacity?.storage).toBe("2Gi");
    await cluster.registry.delete(PersistentVolumeClaimKind, "d", "c", {});
    await expect.poll(() => soon(() => cluster.view.count("persistentvolumes")), { timeout: 5_000 }).toBe(0);
    expect(await readdir(directory)).toEqual([]);
  });
});
