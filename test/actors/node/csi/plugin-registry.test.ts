import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import type { CSINode, Node } from "../../../../actors/kinds/generated/types.ts";
import { NodeDirectories } from "../../../../actors/node/csi/node-directories.ts";
import { PluginRegistry } from "../../../../actors/node/csi/plugin-registry.ts";
import { type Logger, systemClock } from "../../../../runtime/mod.ts";
import { named, startRegistry, type TestRegistry } from "../../registry/harness.ts";
import { Refused } from "../grpc/socket.ts";
import { type DriverOptions, LinkingDriver } from "./linking-driver.ts";

let cluster: TestRegistry;
let directory: string;
let directories: NodeDirectories;
let plugins: PluginRegistry;
let drivers: LinkingDriver[];

const silent = new Proxy({}, { get: () => () => {} }) as Logger;

beforeEach(async () => {
  cluster = await startRegistry();
  directory = await mkdtemp(join(tmpdir(), "troupe-csi-"));
  directories = new NodeDirectories(join(directory, "nodes"));
  drivers = [];
  await cluster.registry.create(NodeKind, named<Node>("n", undefined, { metadata: { labels: { zone: "a" } } }));
  plugins = await begun();
});
afterEach(async () => {
  await plugins.close();
  for (const driver of drivers) await driver.end();
  await rm(directory, { recursive: true, force: true });
  await cluster.stop();
});

async function begun(): Promise<PluginRegistry> {
  const { registry, store } = cluster;
  const plugins = new PluginRegistry({ node: "n", view: store.replica, registry, directories, clock: systemClock(), log: silent });
  await plugins.begin();
  return plugins;
}

async function driver(options: DriverOptions = {}): Promise<LinkingDriver> {
  const driver = new LinkingDriver(join(directory, options.name ?? "driver"), options);
  drivers.push(driver);
  await driver.begin(directories.registryOf("n"));
  return driver;
}

const csiNode = (): CSINode | undefined => cluster.store.replica.get<CSINode>("csinodes.storage.k8s.io/n");
const node = (): Node | undefined => cluster.store.replica.get<Node>("nodes/n");
const told = (driver: LinkingDriver) => expect.poll(() => driver.told);

test("a node has a CSINode, which goes with it", () => {
  expect(csiNode()).toMatchObject({
    spec: { drivers: [] },
    metadata: { ownerReferences: [{ kind: "Node", name: "n", uid: node()?.metadata.uid }] },
  });
});

test("a driver becomes known with its node's ID, its topology and how many volumes it takes", async () => {
  const linking = await driver({ volumesMax: 7, nodeId: "m", topology: { "linking.csi.test/machine": "m" } });
  await expect.poll(csiNode).toMatchObject({
    spec: { drivers: [{ name: linking.name, nodeID: "m", topologyKeys: ["linking.csi.test/machine"], allocatable: { count: 7 } }] },
  });
  await told(linking).toEqual([{ pluginRegistered: true, error: "" }]);
  expect(node()?.metadata.labels).toEqual({ zone: "a", "linking.csi.test/machine": "m" });
  expect(node()?.metadata.annotations?.["csi.volume.kubernetes.io/nodeid"]).toBe(`{"${linking.name}":"m"}`);
});

test("one whose socket goes is no more, and its labels stay", async () => {
  const gone = await driver({ topology: { machine: "m" } });
  await told(gone).toHaveLength(1);
  await gone.end();
  await expect.poll(() => csiNode()?.spec.drivers).toEqual([]);
  await expect.poll(() => node()?.metadata.annotations?.["csi.volume.kubernetes.io/nodeid"]).toBeUndefined();
  expect(node()?.metadata.labels?.machine).toBe("m");
});

test("one that went while no Troupe ran is no more, one that is still there is told again", async () => {
  const [gone, stays] = [await driver({ name: "gone.test" }), await driver({ name: "stays.test" })];
  await told(gone).toHaveLength(1);
  await told(stays).toHaveLength(1);
  await plugins.close();
  await gone.end();
  expect(csiNode()?.spec.drivers).toHaveLength(2);
  plugins = await begun();
  await expect.poll(() => csiNode()?.spec.drivers?.map(({ name }) => name)).toEqual(["stays.test"]);
  await told(stays).toHaveLength(2);
});

test("one that says something else of itself is known as what it says now", async () => {
  const before = await driver({ nodeId: "a" });
  await told(before).toHaveLength(1);
  await before.end();
  const after = await driver({ nodeId: "b", volumesMax: 3 });
  await told(after).toHaveLength(1);
  expect(csiNode()?.spec.drivers).toEqual([{ name: after.name, nodeID: "b", topologyKeys: [], allocatable: { count: 3 } }]);
});

describe("refused, and told why", () => {
  test.each<[string, DriverOptions, string]>([
    ["another major version", { versions: ["2.0.0"] }, "are supported"],
    ["no version", { versions: [] }, "are supported"],
    ["another type of plugin", { type: "DevicePlugin" }, "no handler registered for plugin type: DevicePlugin"],
    ["no ID of the node", { nodeId: "" }, "driverNodeID must not be empty"],
    ["a label that is another one", { topology: { zone: "b" } }, 'detected topology value collision: driver reported "zone":"b"'],
  ])("%s", async (_, options, why) => {
    const refused = await driver(options);
    await told(refused).toMatchObject([{ pluginRegistered: false, error: expect.stringContaining(why) }]);
    expect(csiNode()?.spec.drivers).toEqual([]);
  });
});

test("one that cannot answer yet is asked again", async () => {
  const slow = new LinkingDriver(join(directory, "slow"));
  drivers.push(slow);
  slow.before.set("NodeGetInfo", () => {
    if (slow.calls.filter(({ method }) => method === "NodeGetInfo").length === 1) throw new Refused("UNAVAILABLE", "not yet");
  });
  await slow.begin(directories.registryOf("n"));
  await told(slow).toMatchObject([{ pluginRegistered: false, error: expect.stringContaining("code = Unavailable desc = not yet") }]);
  await expect.poll(() => slow.told, { timeout: 5_000 }).toMatchObject([{ pluginRegistered: false }, { pluginRegistered: true }]);
  expect(csiNode()?.spec.drivers).toHaveLength(1);
});
