import { describe, expect, test } from "vitest";
import type {
  AllocationResult,
  Device,
  DeviceClass,
  ResourceResourceClaim as ResourceClaim,
  ResourceSlice,
  ResourceSliceSpec,
} from "../../../../actors/kinds/generated/types.ts";
import { DeviceSelectorProgram } from "../../../../actors/kinds/resource/device-selector.ts";
import { AllocationError, allocate, SearchExhausted } from "../../../../actors/scheduler/devices/allocator.ts";
import { SliceDirectory } from "../../../../actors/scheduler/devices/device-pools.ts";

const NODE = { name: "n", labels: { zone: "z" } };
const gpu = (name: string, model = name, more: Partial<Device> = {}): Device => ({
  name,
  attributes: { model: { string: model } },
  ...more,
});

/** A slice that is a pool by itself, on the node unless it says otherwise. */
function slice(pool: string, devices: readonly Device[], spec: Partial<ResourceSliceSpec> = { nodeName: "n" }): ResourceSlice {
  const whole = { name: pool, generation: 1, resourceSliceCount: 1 };
  return { metadata: { name: pool }, spec: { driver: "d", pool: whole, devices: [...devices], ...spec } } as unknown as ResourceSlice;
}

const wanted = (count = 1, more: object = {}): object => ({ deviceClassName: "c", allocationMode: "ExactCount", count, ...more });
const all = (more: object = {}): object => ({ deviceClassName: "c", allocationMode: "All", ...more });
const named = (expression: string): object => ({ selectors: [{ cel: { expression } }] });

function claim(devices: object, name = "k"): ResourceClaim {
  return { metadata: { name, namespace: "ns", uid: name }, spec: { devices } } as unknown as ResourceClaim;
}

interface World {
  readonly slices: readonly ResourceSlice[];
  readonly inUse?: readonly string[];
  readonly spec?: DeviceClass["spec"];
}

function allocated({ slices, inUse = [], spec = {} }: World, ...claims: readonly ResourceClaim[]): AllocationResult[] | undefined {
  const deviceClass = { metadata: { name: "c" }, spec } as unknown as DeviceClass;
  const world = {
    slices: new SliceDirectory(slices),
    isInUse: (device: string) => inUse.includes(device),
    classOf: (name: string) => (name === "c" ? deviceClass : undefined),
    matches: (expression: string, driver: string, device: Device) => new DeviceSelectorProgram(expression).matches(driver, device),
  };
  return allocate(world, NODE, claims);
}

/** `request=device` of each device that claims get. */
function given(world: World, ...claims: readonly ResourceClaim[]): string[] | undefined {
  return allocated(world, ...claims)?.flatMap(
    ({ devices }) => devices?.results?.map(({ request, device }) => `${request}=${device}`) ?? [],
  );
}

const request = (name: string, exactly: object): object => ({ name, exactly });

describe("claims get", () => {
  test("the first devices that are free, each one only", () => {
    const slices = [slice("p", [gpu("a"), gpu("b"), gpu("c")])];
    const two = claim({ requests: [request("r", wanted(2))] });
    expect(given({ slices }, two)).toEqual(["r=a", "r=b"]);
    expect(given({ slices, inUse: ["d/p/a"] }, two)).toEqual(["r=b", "r=c"]);
    expect(given({ slices, inUse: ["d/p/a", "d/p/c"] }, two)).toBeUndefined();
    expect(given({ slices }, two, claim({ requests: [request("s", wanted())] }, "l"))).toEqual(["r=a", "r=b", "s=c"]);
    expect(given({ slices }, two, claim({ requests: [request("s", wanted(2))] }, "l"))).toBeUndefined();
  });

  test("what selectors of class and request mean", () => {
    const slices = [slice("p", [gpu("a"), gpu("b", "big"), gpu("c", "big")])];
    const world = { slices, spec: { selectors: [{ cel: { expression: 'device.attributes["d"].model == "big"' } }] } };
    expect(given(world, claim({ requests: [request("r", wanted(1, named('device.driver == "d"')))] }))).toEqual(["r=b"]);
    expect(given(world, claim({ requests: [request("r", wanted(1, named('device.driver == "e"')))] }))).toBeUndefined();
  });

  test("devices that have an attribute in common, even if the first choice was another", () => {
    const slices = [slice("p", [gpu("a", "x"), gpu("b", "y"), gpu("c", "z"), gpu("d", "y"), { name: "e" }])];
    const both = [request("r", wanted(1)), request("s", wanted(1))];
    expect(given({ slices }, claim({ requests: both, constraints: [{ matchAttribute: "d/model" }] }))).toEqual(["r=b", "s=d"]);
    const three = claim({ requests: [request("r", wanted(3))], constraints: [{ requests: ["r"], matchAttribute: "d/model" }] });
    expect(given({ slices }, three)).toBeUndefined();
    const apart = claim({ requests: [request("r", wanted(3))], constraints: [{ distinctAttribute: "d/model" }] });
    expect(given({ slices: [slice("p", [gpu("a", "x"), gpu("b", "x"), gpu("c", "y"), gpu("d", "z")])] }, apart)).toEqual([
      "r=a",
      "r=c",
      "r=d",
    ]);
  });

  test("the first alternative that can be had", () => {
    const slices = [slice("p", [gpu("a"), gpu("b")])];
    const alternatives = [
      { name: "many", ...wanted(3) },
      { name: "few", ...wanted(2) },
      { name: "one", ...wanted(1) },
    ];
    const requests = [{ name: "r", firstAvailable: alternatives }];
    expect(given({ slices }, claim({ requests }))).toEqual(["r/few=a", "r/few=b"]);
    // The next request has a say in it.
    expect(given({ slices }, claim({ requests: [...requests, request("s", wanted(1))] }))).toEqual(["r/one=a", "s=b"]);
  });

  test("all that there are, or nothing", () => {
    const slices = [slice("p", [gpu("a"), gpu("b")]), slice("q", [gpu("c")])];
    const every = claim({ requests: [request("r", all())] });
    expect(given({ slices }, every)).toEqual(["r=a", "r=b", "r=c"]);
    expect(given({ slices, inUse: ["d/q/c"] }, every)).toBeUndefined();
    expect(given({ slices: [] }, every)).toBeUndefined();
    const many = Array.from({ length: 33 }, (_, index) => gpu(`g${index}`));
    expect(() => given({ slices: [slice("p", many)] }, every)).toThrow(
      new AllocationError("claim ns/k: number of requested devices 33 exceeds the claim limit of 32"),
    );
    const part = slice("p", [gpu("a")], { nodeName: "n", pool: { name: "p", generation: 1, resourceSliceCount: 2 } });
    expect(() => given({ slices: [part] }, every)).toThrow("asks for all devices, but resource pool d/p is currently being updated");
    expect(given({ slices: [part] }, claim({ requests: [request("r", wanted())] }))).toEqual(["r=a"]);
  });

  test("to look on at what others have", () => {
    const slices = [slice("p", [gpu("a")])];
    const watching = claim({ requests: [request("r", wanted(1, { adminAccess: true }))] });
    const results = allocated({ slices, inUse: ["d/p/a"] }, watching)?.[0]?.devices?.results;
    expect(results).toEqual([{ request: "r", driver: "d", pool: "p", device: "a", adminAccess: true }]);
    expect(given({ slices }, claim({ requests: [request("r", wanted(2, { adminAccess: true }))] }))).toBeUndefined();
  });

  test("what their classes and they themselves say to drivers", () => {
    const opaque = (a: number): object => ({ opaque: { driver: "d", parameters: { a } } });
    const requests = [request("r", wanted()), { name: "s", firstAvailable: [{ name: "t", ...wanted() }] }];
    const config = [opaque(2), { requests: ["s/t"], ...opaque(3) }, { requests: ["none"], ...opaque(4) }];
    const world = { slices: [slice("p", [gpu("a"), gpu("b")])], spec: { config: [opaque(1)] } };
    expect(allocated(world, claim({ requests, config }))?.[0]?.devices?.config).toEqual([
      { source: "FromClass", requests: ["r", "s/t"], ...opaque(1) },
      { source: "FromClaim", ...opaque(2) },
      { source: "FromClaim", requests: ["s/t"], ...opaque(3) },
    ]);
  });
});

describe("from a node are reached", () => {
  const one = claim({ requests: [request("r", wanted(2))] });
  const zone = (...values: string[]): object => ({ key: "zone", operator: "In", values });
  const selecting = (requirement: object): Partial<ResourceSliceSpec> =>
    ({ nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } }) as Partial<ResourceSliceSpec>;

  test("its own devices, those of all nodes, and those that its labels lead to; what a claim gets says from where it can be reached", () => {
    const everywhere = slice("q", [gpu("b")], { allNodes: true });
    const [local] = allocated({ slices: [slice("other", [gpu("z")], { nodeName: "m" }), slice("p", [gpu("a")]), everywhere] }, one) ?? [];
    expect(local?.nodeSelector).toEqual({
      nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n"] }] }],
    });
    const near = [
      slice("p", [gpu("a")], selecting(zone("z"))),
      slice("q", [gpu("b")], selecting(zone("z"))),
      slice("r", [gpu("c")], selecting(zone("y"))),
    ];
    const [shared] = allocated({ slices: near }, one) ?? [];
    expect(shared?.nodeSelector).toEqual({ nodeSelectorTerms: [{ matchExpressions: [zone("z")] }] });
    const [anywhere] = allocated({ slices: [slice("p", [gpu("a"), gpu("b")], { allNodes: true })] }, one) ?? [];
    expect(anywhere).not.toHaveProperty("nodeSelector");
  });

  test("the latest generation of a pool, if no device is there twice", () => {
    const pool = (generation: number): Partial<ResourceSliceSpec> => ({
      nodeName: "n",
      pool: { name: "p", generation, resourceSliceCount: 1 },
    });
    const slices = [slice("new", [gpu("a"), gpu("b")], pool(2)), slice("old", [gpu("x"), gpu("y")], pool(1))];
    expect(given({ slices }, one)).toEqual(["r=a", "r=b"]);
    const twice = { nodeName: "n", pool: { name: "p", generation: 1, resourceSliceCount: 2 } };
    expect(() => given({ slices: [slice("s", [gpu("a")], twice), slice("t", [gpu("a")], twice)] }, one)).toThrow(
      "pool p is invalid: duplicate device name a",
    );
  });

  test("a search that has no end is given up", () => {
    const devices = Array.from({ length: 24 }, (_, index) => gpu(`g${index}`, `m${index}`));
    const requests = Array.from({ length: 12 }, (_, index) =>
      request(`r${index}`, wanted(1, named(`device.attributes["d"].model != "m${index}"`))),
    );
    const constraints = [{ requests: ["r10", "r11"], matchAttribute: "d/model" }];
    expect(() => given({ slices: [slice("p", devices)] }, claim({ requests, constraints }))).toThrow(SearchExhausted);
  });
});
