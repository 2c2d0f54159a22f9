import { beforeEach, expect, test } from "vitest";
import { csiCapacity } from "../../../../actors/controllers/csi/csi-capacity.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import type { CSIStorageCapacity } from "../../../../actors/kinds/generated/types.ts";
import { CSIDriverKind } from "../../../../actors/kinds/storage/csi-driver.ts";
import { CSINodeKind } from "../../../../actors/kinds/storage/csi-node.ts";
import { CSIStorageCapacityKind } from "../../../../actors/kinds/storage/csi-storage-capacity.ts";
import { StorageClassKind } from "../../../../actors/kinds/storage/storage-class.ts";
import { type Asked, asked, DRIVER } from "./plugin.ts";

const CLASS = "storageclasses.storage.k8s.io/fast";
const ZONE = "example/zone";
const CAPABILITIES = new Set([1, 4]);

let driver: Asked;
beforeEach(() => {
  driver = playing();
});

function playing({
  spec = { storageCapacity: true },
  plugin = {},
  storageClass = {},
  keys = [ZONE],
}: {
  readonly spec?: object;
  readonly plugin?: object;
  readonly storageClass?: object;
  readonly keys?: readonly string[];
} = {}): Asked {
  const answers = { GetCapacity: { availableCapacity: 2 ** 30, maximumVolumeSize: { value: 2 ** 20 } } };
  const made = asked(csiCapacity, { capabilities: CAPABILITIES, ...plugin }, answers);
  made.transcript.put(CSIDriverKind, { metadata: { name: DRIVER }, spec }).put(StorageClassKind, {
    metadata: { name: "fast" },
    provisioner: DRIVER,
    parameters: { type: "ssd", "csi.storage.k8s.io/fstype": "xfs" },
    volumeBindingMode: "WaitForFirstConsumer",
    ...storageClass,
  });
  for (const [name, zone] of [
    ["a", "one"],
    ["b", "two"],
    ["c", "two"],
  ]) {
    made.transcript
      .put(NodeKind, { metadata: { name, labels: { [ZONE]: zone } } })
      .put(CSINodeKind, { metadata: { name }, spec: { drivers: [{ name: DRIVER, nodeID: name, topologyKeys: keys }] } });
  }
  return made;
}

/** What it writes; the store has it then. */
async function written(of: Asked): Promise<readonly CSIStorageCapacity[]> {
  const [work] = of.transcript.actions(CLASS);
  const actions = work?.do === "work" ? await work.work() : [];
  const objects = actions.flatMap((action) => (action.do === "create" ? [action.object as CSIStorageCapacity] : []));
  for (const object of objects) of.transcript.put(CSIStorageCapacityKind, object);
  return objects;
}

test("each place of a driver has what is free there, for each class that waits for its pods", async () => {
  const objects = await written(driver);
  expect(driver.calls.map(({ method, request }) => [method, request])).toEqual(
    ["one", "two"].map((zone) => ["GetCapacity", { parameters: { type: "ssd" }, accessibleTopology: { segments: { [ZONE]: zone } } }]),
  );
  expect(objects).toMatchObject(
    ["one", "two"].map((zone) => ({
      metadata: { namespace: "kube-system", labels: { "csi.storage.k8s.io/drivername": DRIVER }, ownerReferences: [{ name: "fast" }] },
      storageClassName: "fast",
      nodeTopology: { matchLabels: { [ZONE]: zone } },
      capacity: "1Gi",
      maximumVolumeSize: "1Mi",
    })),
  );
  expect(await driver.transcript.lookAndWork(CLASS)).toEqual([]);
});

test("a driver that tells no places apart has one that is everywhere", async () => {
  driver = playing({ keys: [] });
  expect((await written(driver)).map(({ nodeTopology }) => nodeTopology)).toEqual([{ matchLabels: {} }]);
});

test("follows what is free and where the driver is, and leaves alone what others wrote", async () => {
  const [one, two] = await written(driver);
  driver.transcript
    .put(CSIStorageCapacityKind, { ...one, capacity: "2Gi" })
    .put(CSIStorageCapacityKind, { ...two, metadata: { ...two?.metadata, name: "theirs", labels: {} } })
    .remove(CSINodeKind, "b")
    .remove(CSINodeKind, "c");
  expect(await driver.transcript.lookAndWork(CLASS)).toEqual([
    `delete CSIStorageCapacity/${two?.metadata.name}`,
    `modify CSIStorageCapacity/${one?.metadata.name} {"capacity":"1Gi"}`,
  ]);
  driver.transcript.remove(StorageClassKind, "fast");
  const names = [one, two].map((of) => `delete CSIStorageCapacity/${of?.metadata.name}`);
  expect(driver.transcript.look(CLASS).toSorted()).toEqual(names.toSorted());
});

test.each([
  ["whose CSIDriver does not say so", { spec: {} }],
  ["that does not know how much there is", { plugin: { capabilities: new Set([1]) } }],
  ["for classes whose volumes are made at once", { storageClass: { volumeBindingMode: "Immediate" } }],
  ["for classes of others", { storageClass: { provisioner: "another.example" } }],
])("nothing is asked of a driver %s", async (_what, options) => {
  driver = playing(options);
  expect([driver.transcript.look(CLASS), driver.calls]).toEqual([[], []]);
});

test("a driver that fails is asked again, and what was known stays", async () => {
  await written(driver);
  driver.fails = 13;
  expect(await driver.transcript.lookAndWork(CLASS)).toEqual(["requeue 1000"]);
  expect(driver.transcript.look(CLASS)).toEqual(["requeue 1000"]);
  driver.fails = undefined;
  driver.transcript.after(1_000);
  expect(await driver.transcript.lookAndWork(CLASS)).toEqual([]);
});
