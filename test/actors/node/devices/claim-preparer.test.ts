import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NamespaceKind } from "../../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../../actors/kinds/core/service-account.ts";
import type {
  Namespace,
  Pod,
  ResourceResourceClaim as ResourceClaim,
  ResourceSlice,
  ServiceAccount,
} from "../../../../actors/kinds/generated/types.ts";
import { ResourceClaimKind } from "../../../../actors/kinds/resource/resource-claim.ts";
import { ResourceSliceKind } from "../../../../actors/kinds/resource/resource-slice.ts";
import { NodeDirectories } from "../../../../actors/node/csi/node-directories.ts";
import { PluginRegistry } from "../../../../actors/node/csi/plugin-registry.ts";
import { cdiEdits } from "../../../../actors/node/devices/cdi.ts";
import { ClaimPreparer } from "../../../../actors/node/devices/claim-preparer.ts";
import { DriverSlices } from "../../../../actors/node/devices/driver-slices.ts";
import { cdiDevicesOf, type PreparedClaims } from "../../../../actors/node/devices/pod-devices.ts";
import { type Logger, systemClock, virtualClock } from "../../../../runtime/mod.ts";
import { named, startRegistry, type TestRegistry } from "../../registry/harness.ts";
import { CountingDriver, type CountingOptions } from "./counting-driver.ts";

let cluster: TestRegistry;
let directory: string;
let directories: NodeDirectories;
let drivers: CountingDriver[];
const silent = new Proxy({}, { get: () => () => {} }) as Logger;

beforeEach(async () => {
  cluster = await startRegistry();
  directory = await mkdtemp(join(tmpdir(), "troupe-dra-"));
  directories = new NodeDirectories(join(directory, "nodes"));
  drivers = [];
  await cluster.registry.create(NamespaceKind, named<Namespace>("default", undefined, { spec: {} }));
  const unmounted = { automountServiceAccountToken: false };
  await cluster.registry.create(ServiceAccountKind, named<ServiceAccount>("default", "default", unmounted));
});
afterEach(async () => {
  for (const driver of drivers) await driver.end();
  await rm(directory, { recursive: true, force: true });
  await cluster.stop();
});

async function driver(options: CountingOptions = {}): Promise<CountingDriver> {
  const driver = new CountingDriver(join(directory, options.name ?? "driver"), options);
  drivers.push(driver);
  await driver.begin(directories.registryOf("n"), directories.cdiOf("n"));
  return driver;
}

const preparer = (): ClaimPreparer =>
  new ClaimPreparer({ view: cluster.store.replica, directories, cdiDirectories: [join(directory, "cdi")], clock: systemClock() });

/** A pod of the node, which claims these. */
async function pod(name: string, ...claims: readonly string[]): Promise<Pod> {
  const containers = [{ name: "c", image: "i" }];
  const resourceClaims = claims.map((claim) => ({ name: claim, resourceClaimName: claim }));
  await cluster.registry.create(PodKind, named<Pod>(name, "default", { spec: { nodeName: "n", containers, resourceClaims } }));
  return cluster.store.replica.get<Pod>(`pods/default/${name}`) as Pod;
}

/** A claim that was allocated to the pods. */
async function claim(name: string, driver: string, ...pods: readonly Pod[]): Promise<void> {
  const requests = [{ name: "r", exactly: { deviceClassName: "c", allocationMode: "ExactCount", count: 1 } }];
  await cluster.registry.create(ResourceClaimKind, named<ResourceClaim>(name, "default", { spec: { devices: { requests } } }));
  const allocation = { devices: { results: [{ request: "r", driver, pool: "p", device: "d" }] } };
  const reservedFor = pods.map(({ metadata }) => ({ resource: "pods", name: metadata.name, uid: metadata.uid }));
  const status = { allocation, reservedFor };
  await cluster.registry.modify(ResourceClaimKind, "default", name, (now) => ({ ...now, status }), { subresource: "status" });
}

describe("registration", () => {
  let plugins: PluginRegistry;
  afterEach(() => plugins.close());
  const begin = (): Promise<void> => {
    const { registry, store } = cluster;
    plugins = new PluginRegistry({ node: "n", view: store.replica, registry, directories, clock: systemClock(), log: silent });
    return plugins.begin();
  };

  test("a driver of devices is told that it is used, and is none of volumes", async () => {
    await begin();
    const counting = await driver();
    await expect.poll(() => counting.told).toEqual([{ pluginRegistered: true, error: "" }]);
    expect(cluster.store.replica.list("csinodes.storage.k8s.io")).toEqual([]);
  });

  test.each<[string, readonly string[], string]>([
    ["no service", [], "empty list of supported gRPC services (aka supported versions)"],
    [
      "another service",
      ["v1alpha3.DRAPlugin"],
      'none of services supported by the plugin (["v1alpha3.DRAPlugin"]) are supported by the kubelet (["v1.DRAPlugin" "v1beta1.DRAPlugin"])',
    ],
  ])("one of %s is refused, and told why", async (_, services, why) => {
    await begin();
    const refused = await driver({ services });
    await expect.poll(() => refused.told).toMatchObject([{ pluginRegistered: false, error: expect.stringContaining(why) }]);
  });
});

test("what a driver has said of a node's devices goes when it has been away for half a minute", async () => {
  const { registry, store } = cluster;
  for (const [name, nodeName] of [
    ["ours", "n"],
    ["others", "m"],
  ] as const) {
    const spec = { driver: "d.test", nodeName, pool: { name, generation: 1, resourceSliceCount: 1 }, devices: [] };
    await registry.create(ResourceSliceKind, named<ResourceSlice>(name, undefined, { spec }));
  }
  const left = (): readonly string[] => store.replica.list("resourceslices.resource.k8s.io").map(({ key }) => key.split("/")[1] ?? "");
  const clock = virtualClock();
  const slices = new DriverSlices({ node: "n", view: store.replica, registry, clock, log: silent });
  slices.gone("d.test");
  await clock.run(29_000);
  slices.back("d.test");
  await clock.run(60_000);
  expect(left()).toEqual(["others", "ours"]);
  slices.gone("d.test");
  await clock.run(31_000);
  await expect.poll(left).toEqual(["others"]);
});

describe.each([
  ["v1", { services: ["v1.DRAPlugin"] }],
  ["v1beta1, at a URL", { services: ["v1beta1.DRAPlugin"], endpoint: (socket: string) => `unix://${socket}` }],
])("drivers of version %s", (_, options) => {
  test("prepare what a pod claims, once, and let go of it", async () => {
    const counting = await driver(options);
    const p = await pod("p", "a", "b");
    await claim("a", counting.name, p);
    await claim("b", counting.name, p);
    const devices = preparer();
    const prepared = await devices.prepare(p);
    expect(await devices.prepare(p)).toBe(prepared);
    const [id = ""] = prepared.get("a")?.flatMap(({ cdiIds }) => cdiIds) ?? [];
    expect(id).toMatch(/^counting\.dra\.test\/claim=/);
    expect(await devices.edits(p, [id])).toEqual({ env: [{ name: "COUNTED", value: "a" }], mounts: [] });
    await devices.unprepare(p, true);
    expect(counting.calls).toEqual(["prepare a,b", "unprepare a,b"]);
  });
});

test("what another pod of the node uses is kept for it", async () => {
  const counting = await driver();
  const [p, q] = [await pod("p", "a"), await pod("q", "a")];
  await claim("a", counting.name, p, q);
  const devices = preparer();
  await devices.prepare(p);
  await devices.unprepare(p, true);
  expect(counting.calls).toEqual(["prepare a"]);
  await cluster.registry.delete(PodKind, "default", "p", { gracePeriodSeconds: 0 });
  await devices.unprepare(q, true);
  expect(counting.calls).toEqual(["prepare a", "unprepare a"]);
});

test("a pod that ran under another Troupe has its claims let go of, one that never ran needs no driver", async () => {
  const p = await pod("p", "a");
  await claim("a", "counting.dra.test", p);
  await preparer().unprepare(p, false);
  await expect(preparer().unprepare(p, true)).rejects.toThrow(
    "unprepare dynamic resources: DRA driver counting.dra.test is not registered",
  );
  const counting = await driver();
  await preparer().unprepare(p, true);
  expect(counting.calls).toEqual(["unprepare a"]);
});

describe("what is in the way is said as kubelet says it", () => {
  const why = (p: Pod): Promise<string> =>
    preparer()
      .prepare(p)
      .then(
        () => "nothing",
        (error: Error) => error.message,
      );

  test.each<[string, (p: Pod) => Promise<unknown>, RegExp]>([
    ["no claim", async () => {}, /fetch ResourceClaim a: resourceclaims\.resource\.k8s\.io "a" not found$/],
    ["a claim that others use", () => claim("a", "d.test"), /pod p \(.*\) is not allowed to use ResourceClaim a \(.*\)$/],
    ["no driver", (p) => claim("a", "d.test", p), /DRA driver d\.test is not registered$/],
  ])("%s", async (_, before, words) => {
    const p = await pod("p", "a");
    await before(p);
    expect(await why(p)).toMatch(words);
    expect(await why(p)).toMatch(/^Failed to prepare dynamic resources: prepare dynamic resources: /);
  });

  test("a driver that cannot, until it can", async () => {
    const counting = await driver();
    const p = await pod("p", "a");
    await claim("a", counting.name, p);
    counting.refused.set("a", "it is hot");
    expect(await why(p)).toContain("NodePrepareResources failed for ResourceClaim a: it is hot");
    counting.refused.clear();
    expect(await why(p)).toBe("nothing");
  });
});

test("a container gets the devices of the requests that it names", () => {
  const device = (request: string) => ({ requests: [request], cdiIds: [`v/c=${request}`] });
  const prepared: PreparedClaims = new Map([["claim", [device("one"), device("two/small")]]]);
  const of = (...claims: readonly { name: string; request?: string }[]): readonly string[] =>
    cdiDevicesOf({ name: "c", resources: { claims: [...claims] } }, prepared);
  expect(of({ name: "claim" })).toEqual(["v/c=one", "v/c=two/small"]);
  expect(of({ name: "claim", request: "two" })).toEqual(["v/c=two/small"]);
  expect(of()).toEqual([]);
});

describe("descriptions of devices", () => {
  const spec = async (place: string, text: string): Promise<string> => {
    await mkdir(join(directory, place), { recursive: true });
    await writeFile(join(directory, place, "spec.yaml"), text);
    return join(directory, place);
  };

  test("what all devices of a file take goes before what one takes, and later directories before earlier ones", async () => {
    const first = await spec("a", "kind: v/c\ncontainerEdits: {env: [ALL=old]}\ndevices: [{name: d}]");
    const later = await spec(
      "b",
      `kind: v/c\ncontainerEdits: {env: [ALL=1]}\ndevices:\n- name: d\n  containerEdits:\n    env: [ONE=2]\n    deviceNodes: [{path: /dev/x, hostPath: /dev/null}]\n    mounts: [{hostPath: ${first}, containerPath: /in, options: [ro, bind]}]`,
    );
    expect(await cdiEdits(["v/c=d"], [first, join(directory, "none"), later])).toMatchObject({
      env: [
        { name: "ALL", value: "1" },
        { name: "ONE", value: "2" },
      ],
      mounts: [
        { hostPath: "/dev/null", containerPath: "/dev/x", isDevice: true, readOnly: false },
        { hostPath: first, containerPath: "/in", readOnly: true },
      ],
    });
  });

  test("what nobody describes, and what is not on the machine, keeps a container from being made", async () => {
    const place = await spec("a", "kind: v/c\ndevices: [{name: d, containerEdits: {deviceNodes: [{path: /dev/no-such}]}}]");
    await writeFile(join(place, "broken.json"), "{");
    const why = (id: string): Promise<unknown> => cdiEdits([id], [place]).catch((error: unknown) => error);
    expect(await why("v/c=e")).toMatchObject({
      reason: "CreateContainerError",
      message: "CDI device injection failed: unresolvable CDI devices v/c=e",
    });
    expect(await why("v/c=d")).toMatchObject({ message: "CDI device injection failed: no such file or directory: /dev/no-such" });
  });
});
