import { describe, expect, test } from "vitest";
import { csiProvisioner } from "../../../../actors/controllers/csi/csi-provisioner.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { SecretKind } from "../../../../actors/kinds/core/secret.ts";
import type { PersistentVolume } from "../../../../actors/kinds/generated/types.ts";
import { CSINodeKind } from "../../../../actors/kinds/storage/csi-node.ts";
import { StorageClassKind } from "../../../../actors/kinds/storage/storage-class.ts";
import { VolumeAttachmentKind } from "../../../../actors/kinds/storage/volume-attachment.ts";
import type { Transcript } from "../transcript.ts";
import { type Asked, asked, DRIVER } from "./plugin.ts";

const CLAIM = "persistentvolumeclaims/d/c";
const VOLUME = "persistentvolumes/pvc-uid-c";
const BEGUN = 'event Normal Provisioning PersistentVolumeClaim/c: External provisioner is provisioning volume for claim "d/c"';
const FAILED = 'event Warning ProvisioningFailed PersistentVolumeClaim/c: failed to provision volume with StorageClass "fast": ';
const SELECTED = "volume.kubernetes.io/selected-node";

function playing(
  parameters: object = {},
  { annotations = {}, spec = {}, plugin = {}, answers = {}, storageClass = {} }: Readonly<Record<string, object>> = {},
): Asked {
  const driver = asked(csiProvisioner, plugin, answers as never);
  driver.transcript
    .put(StorageClassKind, { metadata: { name: "fast" }, provisioner: DRIVER, parameters, mountOptions: ["noatime"], ...storageClass })
    .put(PersistentVolumeClaimKind, {
      metadata: { name: "c", annotations: { "volume.kubernetes.io/storage-provisioner": DRIVER, ...annotations } },
      spec: { storageClassName: "fast", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
      status: { phase: "Pending" },
    });
  return driver;
}

/** The volume that is made. */
async function made({ transcript }: Asked): Promise<PersistentVolume> {
  const [, work] = transcript.actions(CLAIM);
  const [action] = work?.do === "work" ? await work.work() : [];
  return action?.do === "create" ? (action.object as PersistentVolume) : expect.fail(JSON.stringify(action));
}

describe("a claim", () => {
  test("gets a volume under its own name, with what its class says to Kubernetes and not to the driver", async () => {
    const secret = {
      "csi.storage.k8s.io/provisioner-secret-name": `\${pvc.name}-key`,
      "csi.storage.k8s.io/provisioner-secret-namespace": `\${pvc.namespace}`,
    };
    const stage = { "csi.storage.k8s.io/node-stage-secret-name": "s", "csi.storage.k8s.io/node-stage-secret-namespace": "d" };
    const driver = playing({ type: "ssd", "csi.storage.k8s.io/fstype": "xfs", ...secret, ...stage });
    driver.transcript.put(SecretKind, { metadata: { name: "c-key" }, data: { user: Buffer.from("me").toString("base64") } });
    expect(await made(driver)).toMatchObject({
      metadata: {
        name: "pvc-uid-c",
        annotations: {
          "pv.kubernetes.io/provisioned-by": DRIVER,
          "volume.kubernetes.io/provisioner-deletion-secret-name": "c-key",
          "volume.kubernetes.io/provisioner-deletion-secret-namespace": "d",
        },
        finalizers: ["external-provisioner.volume.kubernetes.io/finalizer"],
      },
      spec: {
        capacity: { storage: "2Gi" },
        mountOptions: ["noatime"],
        claimRef: { namespace: "d", name: "c", uid: "uid-c" },
        csi: {
          driver: DRIVER,
          volumeHandle: "h",
          fsType: "xfs",
          volumeAttributes: { at: "x" },
          nodeStageSecretRef: { name: "s", namespace: "d" },
        },
      },
    });
    expect(driver.calls).toEqual([
      {
        method: "CreateVolume",
        request: {
          name: "pvc-uid-c",
          capacityRange: { requiredBytes: 2 ** 30, limitBytes: 0 },
          volumeCapabilities: [{ mount: { fsType: "xfs", mountFlags: ["noatime"] }, accessMode: { mode: 1 } }],
          parameters: { type: "ssd" },
          secrets: { user: "me" },
          accessibilityRequirements: undefined,
        },
      },
    ]);
  });

  test.each<[string, object, object, string]>([
    [
      "an unknown parameter of Kubernetes",
      { "csi.storage.k8s.io/colour": "red" },
      {},
      'found unknown parameter key "csi.storage.k8s.io/colour" with reserved namespace csi.storage.k8s.io/',
    ],
    [
      "half a secret",
      { "csi.storage.k8s.io/node-stage-secret-name": "s" },
      {},
      "only one of csi.storage.k8s.io/node-stage-secret-name and csi.storage.k8s.io/node-stage-secret-namespace is specified, both must be",
    ],
    [
      "a secret in a namespace of the claim's choice",
      { "csi.storage.k8s.io/node-stage-secret-name": "s", "csi.storage.k8s.io/node-stage-secret-namespace": `\${pvc.annotations['ns']}` },
      {},
      `error resolving value "\${pvc.annotations['ns']}": invalid tokens: ["pvc.annotations['ns']"]`,
    ],
    ["a selector", {}, { selector: {} }, "claim Selector is not supported"],
  ])("with %s is refused", async (_, parameters, spec, why) => {
    const driver = playing(parameters, { spec });
    expect(await driver.transcript.lookAndWork(CLAIM)).toEqual([BEGUN, FAILED + why, "requeue 1000"]);
    expect(driver.calls).toEqual([]);
  });

  test("whose driver fails waits longer each time", async () => {
    const driver = playing();
    driver.fails = 13;
    const no = `${FAILED}rpc error: code = Internal desc = no`;
    expect(await driver.transcript.lookAndWork(CLAIM)).toEqual([BEGUN, no, "requeue 1000"]);
    expect(driver.transcript.look(CLAIM)).toEqual(["requeue 1000"]);
    driver.transcript.after(1_000);
    expect(await driver.transcript.lookAndWork(CLAIM)).toEqual([BEGUN, no, "requeue 2000"]);
  });

  test("for which there is no room on its node is for another node", async () => {
    const driver = playing({}, { annotations: { [SELECTED]: "n" } });
    driver.transcript.put(NodeKind, { metadata: { name: "n" } });
    driver.fails = 8;
    expect(await driver.transcript.lookAndWork(CLAIM)).toEqual([
      BEGUN,
      `${FAILED}rpc error: code = ResourceExhausted desc = no`,
      `modify PersistentVolumeClaim/c {"metadata":{"annotations":{"${SELECTED}":null}}}`,
    ]);
  });

  test("that waits for its consumer waits, and so does one of a driver that makes nothing", () => {
    expect(playing({}, { storageClass: { volumeBindingMode: "WaitForFirstConsumer" } }).transcript.look(CLAIM)).toEqual([]);
    expect(playing({}, { plugin: { capabilities: new Set() } }).transcript.look(CLAIM)).toEqual([]);
  });
});

describe("places", () => {
  const zoned = (transcript: Transcript): Transcript => {
    for (const [name, zone] of [
      ["a1", "a"],
      ["b1", "b"],
      ["b2", "b"],
    ] as const)
      transcript
        .put(NodeKind, { metadata: { name, labels: { zone } } })
        .put(CSINodeKind, { metadata: { name }, spec: { drivers: [{ name: DRIVER, nodeID: name, topologyKeys: ["zone"] }] } });
    return transcript;
  };
  const segments = (...zones: readonly string[]): object => zones.map((zone) => ({ segments: { zone } }));
  const wantedOf = async (driver: Asked): Promise<unknown> => {
    zoned(driver.transcript);
    await driver.transcript.lookAndWork(CLAIM);
    return driver.calls[0]?.request.accessibilityRequirements;
  };

  test.each<[string, Readonly<Record<string, object>>, object | undefined]>([
    ["of a driver that knows none", {}, undefined],
    ["all that there are", { plugin: { hasTopology: true } }, segments("a", "b")],
    ["that of the chosen node first", { plugin: { hasTopology: true }, annotations: { [SELECTED]: "b2" } }, segments("b", "a")],
    [
      "those that the class allows",
      {
        plugin: { hasTopology: true },
        storageClass: { allowedTopologies: [{ matchLabelExpressions: [{ key: "zone", values: ["b", "c"] }] }] },
      },
      segments("b", "c"),
    ],
  ])("%s", async (_, options, places) => {
    expect(await wantedOf(playing({}, options))).toEqual(places === undefined ? undefined : { requisite: places, preferred: places });
  });

  test("a volume is for the nodes of its place", async () => {
    const volume = { volumeId: "h", capacityBytes: 0, volumeContext: {}, accessibleTopology: [{ segments: { zone: "b" } }] };
    const driver = playing({}, { plugin: { hasTopology: true }, answers: { CreateVolume: { volume } } });
    zoned(driver.transcript);
    expect((await made(driver)).spec).toMatchObject({
      capacity: { storage: "1Gi" },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["b"] }] }] } },
    });
  });
});

describe("a volume whose claim is gone", () => {
  const released = (policy: string, csi: object = {}): Asked => {
    const driver = asked(csiProvisioner);
    driver.transcript.put(PersistentVolumeKind, {
      metadata: {
        name: "pvc-uid-c",
        annotations: { "pv.kubernetes.io/provisioned-by": DRIVER },
        finalizers: ["external-provisioner.volume.kubernetes.io/finalizer"],
      },
      spec: { persistentVolumeReclaimPolicy: policy, csi: { driver: DRIVER, volumeHandle: "h", ...csi } },
      status: { phase: "Released" },
    });
    return driver;
  };

  test("goes where it is to, and its storage before it", async () => {
    const driver = released("Delete");
    expect(await driver.transcript.lookAndWork(VOLUME)).toEqual([
      "1: delete PersistentVolume/pvc-uid-c",
      '2: modify PersistentVolume/pvc-uid-c {"metadata":{"finalizers":[]}}',
    ]);
    expect(driver.calls).toEqual([{ method: "DeleteVolume", request: { volumeId: "h", secrets: {} } }]);
  });

  test("stays where it is to", () => {
    expect(released("Retain").transcript.look(VOLUME)).toEqual([]);
  });

  test("waits until it is attached nowhere", () => {
    const driver = released("Delete");
    driver.transcript.put(VolumeAttachmentKind, {
      metadata: { name: "a" },
      spec: { attacher: DRIVER, nodeName: "n", source: { persistentVolumeName: "pvc-uid-c" } },
    });
    expect(driver.transcript.look(VOLUME)).toEqual([]);
  });

  test("stays when the driver fails, and when it is another one's", async () => {
    const driver = released("Delete");
    driver.fails = 9;
    expect(await driver.transcript.lookAndWork(VOLUME)).toEqual([
      "event Warning VolumeFailedDelete PersistentVolume/pvc-uid-c: rpc error: code = FailedPrecondition desc = no",
      "requeue 1000",
    ]);
    expect(released("Delete", { driver: "other" }).transcript.look(VOLUME)).toEqual([
      `event Warning VolumeFailedDelete PersistentVolume/pvc-uid-c: the volume is none of the driver ${DRIVER}, though it says that it was made by it`,
      "requeue 1000",
    ]);
  });
});
