import { describe, expect, test } from "vitest";
import { csiAttacher } from "../../../../actors/controllers/csi/csi-attacher.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { CSINodeKind } from "../../../../actors/kinds/storage/csi-node.ts";
import { VolumeAttachmentKind } from "../../../../actors/kinds/storage/volume-attachment.ts";
import { type Asked, asked, DRIVER } from "./plugin.ts";

const KEY = "volumeattachments.storage.k8s.io/a";
const FINALIZER = "external-attacher/disks-example";
const HELD = { finalizers: [FINALIZER], annotations: { "csi.alpha.kubernetes.io/node-id": "id-of-n" } };
const GOING = { ...HELD, deletionTimestamp: "2026-01-01T12:00:00Z" };

function playing({
  metadata = {},
  status = {},
  volume = HELD,
  node = true,
  plugin = {},
}: Readonly<Record<string, object | boolean>> = {}): Asked {
  const driver = asked(csiAttacher, plugin as object);
  driver.transcript
    .put(PersistentVolumeKind, {
      metadata: { name: "v", ...(volume as object) },
      spec: { accessModes: ["ReadWriteOnce"], csi: { driver: DRIVER, volumeHandle: "h", volumeAttributes: { a: "1" }, readOnly: true } },
    })
    .put(VolumeAttachmentKind, {
      metadata: { name: "a", ...(metadata as object) },
      spec: { attacher: DRIVER, nodeName: "n", source: { persistentVolumeName: "v" } },
      status: { attached: false, ...(status as object) },
    });
  if (node === true)
    driver.transcript.put(CSINodeKind, { metadata: { name: "n" }, spec: { drivers: [{ name: DRIVER, nodeID: "id-of-n" }] } });
  return driver;
}

describe("attaching", () => {
  test("is written down before it is begun", () => {
    expect(playing({ volume: {} }).transcript.look(KEY)).toEqual([
      `1: modify PersistentVolume/v {"metadata":{"finalizers":["${FINALIZER}"]}}`,
      `2: modify VolumeAttachment/a {"metadata":{"finalizers":["${FINALIZER}"],"annotations":{"csi.alpha.kubernetes.io/node-id":"id-of-n"}}}`,
    ]);
  });

  test("is the driver's, who says how it went", async () => {
    const driver = playing({ metadata: HELD });
    expect(await driver.transcript.lookAndWork(KEY)).toEqual([
      'modify VolumeAttachment/a {"status":{"attached":true,"attachmentMetadata":{"device":"/dev/x"}}}',
    ]);
    expect(driver.calls).toEqual([
      {
        method: "ControllerPublishVolume",
        request: {
          volumeId: "h",
          nodeId: "id-of-n",
          volumeCapability: { mount: { fsType: "", mountFlags: [] }, accessMode: { mode: 1 } },
          readonly: false,
          secrets: {},
          volumeContext: { a: "1" },
        },
      },
    ]);
  });

  test("that fails is told once, and tried again later", async () => {
    const driver = playing({ metadata: HELD });
    driver.fails = 10;
    expect(await driver.transcript.lookAndWork(KEY)).toEqual([
      'modify VolumeAttachment/a {"status":{"attachError":{"message":"rpc error: code = Aborted desc = no","time":"<now>"}}}',
      "requeue 1000",
    ]);
    // What was told is a change, and it is not tried for that.
    expect(driver.transcript.look(KEY)).toEqual(["requeue 1000"]);
  });

  test("to a node without the driver says so", () => {
    expect(playing({ node: false }).transcript.look(KEY)).toEqual([
      `modify VolumeAttachment/a {"status":{"attachError":{"message":"CSINode n does not contain driver ${DRIVER}","time":"<now>"}}}`,
      "requeue 1000",
    ]);
  });

  test("is done at once by a driver that attaches nothing", () => {
    const driver = playing({ plugin: { capabilities: new Set([1]) } });
    expect(driver.transcript.look(KEY)).toEqual(['modify VolumeAttachment/a {"status":{"attached":true}}']);
  });

  test("of other drivers is theirs", () => {
    expect(playing({ plugin: { driver: "other" } }).transcript.look(KEY)).toEqual([]);
  });
});

describe("detaching", () => {
  test("goes before the attachment", async () => {
    const driver = playing({ metadata: GOING, status: { attached: true } });
    expect(await driver.transcript.lookAndWork(KEY)).toEqual(['modify VolumeAttachment/a {"metadata":{"finalizers":[]}}']);
    expect(driver.calls).toEqual([{ method: "ControllerUnpublishVolume", request: { volumeId: "h", nodeId: "id-of-n", secrets: {} } }]);
  });

  test("from a node that is gone goes by the ID that it had", async () => {
    const driver = playing({ metadata: GOING, node: false });
    await driver.transcript.lookAndWork(KEY);
    expect(driver.calls).toMatchObject([{ request: { nodeId: "id-of-n" } }]);
  });

  test("that fails keeps it", async () => {
    const driver = playing({ metadata: GOING, status: { attached: true } });
    driver.fails = 14;
    expect(await driver.transcript.lookAndWork(KEY)).toEqual([
      'modify VolumeAttachment/a {"status":{"detachError":{"message":"rpc error: code = Unavailable desc = no","time":"<now>"}}}',
      "requeue 1000",
    ]);
  });
});

test("a volume that is to go may when it is attached nowhere", () => {
  const driver = playing({ volume: GOING });
  expect(driver.transcript.look("persistentvolumes/v")).toEqual([]);
  driver.transcript.remove(VolumeAttachmentKind, "a");
  expect(driver.transcript.look("persistentvolumes/v")).toEqual(['modify PersistentVolume/v {"metadata":{"finalizers":[]}}']);
});
