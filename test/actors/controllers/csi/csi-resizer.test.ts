import { expect, test } from "vitest";
import { csiResizer } from "../../../../actors/controllers/csi/csi-resizer.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { type Asked, asked, DRIVER } from "./plugin.ts";

const CLAIM = "persistentvolumeclaims/d/c";
const ASKED = { allocatedResources: { storage: "4Gi" }, allocatedResourceStatuses: { storage: "ControllerResizeInProgress" } };

function playing(status: object = {}, plugin: object = {}, answers: Readonly<Record<string, object>> = {}): Asked {
  const driver = asked(csiResizer, plugin, answers);
  driver.transcript
    .put(PersistentVolumeKind, {
      metadata: { name: "v" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        csi: { driver: DRIVER, volumeHandle: "h" },
        claimRef: { namespace: "d", name: "c", uid: "uid-c" },
      },
    })
    .put(PersistentVolumeClaimKind, {
      metadata: { name: "c" },
      spec: { volumeName: "v", resources: { requests: { storage: "4Gi" } } },
      status: { phase: "Bound", capacity: { storage: "1Gi" }, ...status },
    });
  return driver;
}

test("that a claim is to grow is written down first", () => {
  const driver = playing();
  expect(driver.transcript.look(CLAIM)).toEqual([
    "event Normal Resizing PersistentVolumeClaim/c: External resizer is resizing volume v",
    'modify PersistentVolumeClaim/c {"status":{"allocatedResources":{"storage":"4Gi"},"conditions":[{"type":"Resizing","status":"True","lastTransitionTime":"<now>"}],"allocatedResourceStatuses":{"storage":"ControllerResizeInProgress"}}}',
  ]);
  expect(driver.calls).toEqual([]);
});

test("then its driver gives it room, and the rest is for its node", async () => {
  const driver = playing(ASKED);
  const pending = { type: "FileSystemResizePending", status: "True", lastTransitionTime: "<now>" };
  const message = "Waiting for user to (re-)start a pod to finish file system resize of volume on node.";
  const status = { allocatedResourceStatuses: { storage: "NodeResizePending" }, conditions: [{ ...pending, message }] };
  expect(await driver.transcript.lookAndWork(CLAIM)).toEqual([
    '1: modify PersistentVolume/v {"spec":{"capacity":{"storage":"4Gi"}}}',
    `2: modify PersistentVolumeClaim/c ${JSON.stringify({ status })}`,
    "3: event Normal FileSystemResizeRequired PersistentVolumeClaim/c: Require file system resize of volume on node",
  ]);
  expect(driver.calls).toMatchObject([
    { method: "ControllerExpandVolume", request: { volumeId: "h", capacityRange: { requiredBytes: 2 ** 32 } } },
  ]);
});

test("a driver that has done all of it has", async () => {
  const driver = playing(ASKED, {}, { ControllerExpandVolume: { nodeExpansionRequired: false } });
  expect((await driver.transcript.lookAndWork(CLAIM)).slice(1)).toEqual([
    '2: modify PersistentVolumeClaim/c {"status":{"capacity":{"storage":"4Gi"},"allocatedResourceStatuses":null}}',
    "3: event Normal VolumeResizeSuccessful PersistentVolumeClaim/c: Resize volume succeeded",
  ]);
});

test("a driver whose nodes do all of it is not asked", async () => {
  const driver = playing(ASKED, { capabilities: new Set([1]) });
  expect((await driver.transcript.lookAndWork(CLAIM)).at(0)).toBe('1: modify PersistentVolume/v {"spec":{"capacity":{"storage":"4Gi"}}}');
  expect(driver.calls).toEqual([]);
});

test.each<[string, number, readonly string[]]>([
  ["is tried again", 14, ["requeue 1000"]],
  ["for certain is told, and tried again", 13, ["ControllerResizeError", "requeue 1000"]],
  ["for ever is told, and not tried again", 11, ["ControllerResizeInfeasible"]],
])("what fails %s", async (_, code, told) => {
  const driver = playing(ASKED);
  driver.fails = code;
  const lines = await driver.transcript.lookAndWork(CLAIM);
  expect(lines[0]).toMatch(
    /^event Warning VolumeResizeFailed PersistentVolumeClaim\/c: resize volume "v" by resizer "disks.example" failed: rpc error/,
  );
  expect(lines).toHaveLength(1 + told.length);
  for (const [index, text] of told.entries()) expect(lines[index + 1]).toContain(text);
});

test.each([
  ["has what it asks for", { capacity: { storage: "4Gi" } }, {}],
  ["waits for its node", { ...ASKED, allocatedResourceStatuses: { storage: "NodeResizePending" } }, {}],
  ["cannot have so much", { ...ASKED, allocatedResourceStatuses: { storage: "ControllerResizeInfeasible" } }, {}],
  ["is of another driver", {}, { driver: "other" }],
  ["is of a driver that cannot", {}, { capabilities: new Set([1]), growsOnNodes: false }],
])("a claim that %s is left alone", (_, status, plugin) => {
  expect(playing(status, plugin).transcript.look(CLAIM)).toEqual([]);
});
