/** What claims on devices, their classes and slices are refused for: `field: message` of each error. Source: pkg/apis/resource/validation of 1.34. */
import { describe, expect, test } from "vitest";
import type {
  DeviceClass,
  ResourceResourceClaim as ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from "../../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../../actors/kinds/kind.ts";
import { shape } from "../../../../actors/kinds/machinery/shape.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { errorsInNew, errorsInUpdate } from "../../../../actors/kinds/object-rules.ts";
import { DeviceClassKind } from "../../../../actors/kinds/resource/device-class.ts";
import { ResourceClaimKind } from "../../../../actors/kinds/resource/resource-claim.ts";
import { ResourceClaimTemplateKind } from "../../../../actors/kinds/resource/resource-claim-template.ts";
import { ResourceSliceKind } from "../../../../actors/kinds/resource/resource-slice.ts";
import type { FieldError } from "../../../../actors/kinds/status.ts";

/** As the door makes it of what a client sends. */
function made<T extends KubeObject>(kind: Kind<T>, sent: object): T {
  const metadata = { name: "m", uid: "u", resourceVersion: "1", ...(kind.namespaced ? { namespace: "ns" } : {}) };
  const object = shape(kind.schema, structuredClone({ metadata, ...sent })).object as unknown as T;
  kind.applyDefaults?.(object);
  kind.prepareForCreate?.(object, { now_ms: 0 });
  return object;
}

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);
const refused = <T extends KubeObject>(kind: Kind<T>, sent: object): string[] => printed(errorsInNew(kind, made(kind, sent)));

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const REF = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
const selectors = (...expressions: string[]): object[] => expressions.map((expression) => ({ cel: { expression } }));
const request = (more: object = {}): object => ({ name: "r", exactly: { deviceClassName: "c", ...more } });
const claim = (devices: object): object => ({ spec: { devices: { requests: [request()], ...devices } } });

describe("claims", () => {
  test("may be as they are, and get a mode and a count", () => {
    const alternatives = [{ name: "a", deviceClassName: "c", allocationMode: "All" }];
    const sent = claim({ requests: [request(), { name: "s", firstAvailable: alternatives }] });
    const { spec, status } = made(ResourceClaimKind, sent);
    expect(spec.devices?.requests?.[0]?.exactly).toEqual({ deviceClassName: "c", allocationMode: "ExactCount", count: 1 });
    expect(spec.devices?.requests?.[1]?.firstAvailable).toEqual(alternatives);
    expect(status).toEqual({});
    expect(refused(ResourceClaimKind, sent)).toEqual([]);
  });

  test.each<[what: string, devices: object, errors: string[]]>([
    ["two of a name", { requests: [request(), request()] }, ['spec.devices.requests[1].name: Duplicate value: "r"']],
    [
      "a name that is none",
      { requests: [{ name: "R!", exactly: { deviceClassName: "c" } }] },
      [`spec.devices.requests[0].name: Invalid value: "R!": ${LABEL}`],
    ],
    [
      "nothing wanted",
      { requests: [{ name: "r" }] },
      ["spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"],
    ],
    [
      "both ways",
      { requests: [{ ...request(), firstAvailable: [{ name: "a", deviceClassName: "c" }] }] },
      [
        "spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
      ],
    ],
    ["no class", { requests: [request({ deviceClassName: "" })] }, ["spec.devices.requests[0].exactly.deviceClassName: Required value"]],
    [
      "a count of all",
      { requests: [request({ allocationMode: "All", count: 2 })] },
      ["spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"],
    ],
    [
      "less than one",
      { requests: [request({ count: -1 })] },
      ["spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero"],
    ],
    [
      "another mode",
      { requests: [request({ allocationMode: "Some" })] },
      ['spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"'],
    ],
    [
      "a selector of nothing",
      { requests: [request({ selectors: [{}] })] },
      ["spec.devices.requests[0].exactly.selectors[0].cel: Required value"],
    ],
    [
      "a selector without end",
      {
        requests: [
          request({
            selectors: selectors(
              "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, a > 0))))))",
            ),
          }),
        ],
      },
      ["spec.devices.requests[0].exactly.selectors[0].cel.expression: Forbidden: too complex, exceeds cost limit"],
    ],
    ["constraints on nothing", { constraints: [{}] }, ["spec.devices.constraints[0].matchAttribute: Required value"]],
    [
      "an attribute of nobody, for another request",
      { constraints: [{ requests: ["q"], matchAttribute: "model" }] },
      [
        `spec.devices.constraints[0].requests[0]: Invalid value: "q": ${REF}`,
        'spec.devices.constraints[0].matchAttribute: Invalid value: "model": must include a domain',
      ],
    ],
    ["configuration of nothing", { config: [{}] }, ["spec.devices.config[0].opaque: Required value"]],
    [
      "parameters that are no object",
      { config: [{ opaque: { driver: "d", parameters: [1] } }] },
      ['spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
    ],
    [
      "too much said to a driver",
      { config: [{ opaque: { driver: "d", parameters: { a: "x".repeat(10_240) } } }] },
      ["spec.devices.config[0].opaque.parameters: Too long: may not be more than 10240 bytes"],
    ],
    [
      "too many of them",
      { requests: Array.from({ length: 33 }, (_, index) => ({ name: `r${index}`, exactly: { deviceClassName: "c" } })) },
      ["spec.devices.requests: Too many: 33: must have at most 32 items"],
    ],
    [
      "tolerations that are none",
      { requests: [request({ tolerations: [{ operator: "Exists", value: "v" }, { operator: "Near", effect: "Now" }, {}] })] },
      [
        'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`',
        'spec.devices.requests[0].exactly.tolerations[1].operator: Unsupported value: "Near": supported values: "Equal", "Exists"',
        'spec.devices.requests[0].exactly.tolerations[1].effect: Unsupported value: "Now": supported values: "NoExecute", "NoSchedule"',
        "spec.devices.requests[0].exactly.tolerations[2].operator: Required value",
      ],
    ],
  ])("%s", (_what, devices, errors) => {
    expect(refused(ResourceClaimKind, claim(devices))).toEqual(errors);
  });

  test("stay as they were asked for, as templates do", () => {
    const [old, next] = [made(ResourceClaimKind, claim({})), made(ResourceClaimKind, claim({ requests: [request({ count: 2 })] }))];
    expect(printed(errorsInUpdate(ResourceClaimKind, next, old))).toEqual([
      'spec: Invalid value: {"Devices":{"Requests":[{"Name":"r","Exactly":{"DeviceClassName":"c","Selectors":null,"AllocationMode":"ExactCount","Count":2,"AdminAccess":null,"Tolerations":null,"Capacity":null},"FirstAvailable":null}],"Constraints":null,"Config":null}}: field is immutable',
    ]);
    const template = (count: number): ResourceClaimTemplate =>
      made(ResourceClaimTemplateKind, { spec: { spec: { devices: { requests: [request({ count })] } } } });
    expect(printed(errorsInUpdate(ResourceClaimTemplateKind, template(2), template(1)))).toEqual([
      expect.stringMatching(/^spec: .*: field is immutable$/),
    ]);
    const named = { spec: { metadata: { name: "n", labels: { "!": "" } }, spec: {} } };
    expect(refused(ResourceClaimTemplateKind, named)).toContainEqual("spec.metadata.name: Forbidden: cannot be set");
  });
});

describe("what a claim has got", () => {
  const DEVICE = { driver: "d", pool: "p", device: "g" };
  const ALLOCATION = { devices: { results: [{ request: "r", ...DEVICE }] } };
  const POD = { resource: "pods", name: "p", uid: "1" };
  const had = (status: object, metadata: object = {}): ResourceClaim => {
    const old = made(ResourceClaimKind, claim({}));
    return { ...old, metadata: { ...old.metadata, ...metadata }, status: structuredClone(status) };
  };
  const refusedAfter = (old: ResourceClaim, status: object): string[] => {
    const next = { ...old, status: structuredClone(status) };
    ResourceClaimKind.prepareForStatusUpdate?.(next, old, { now_ms: 0 });
    return printed(ResourceClaimKind.validateStatus?.(next, old) ?? []);
  };

  test("is of its requests, and used by somebody only while it is there", () => {
    expect(refusedAfter(had({}), { allocation: ALLOCATION, reservedFor: [POD] })).toEqual([]);
    expect(refusedAfter(had({}), { reservedFor: [POD] })).toEqual([
      "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
    ]);
    expect(refusedAfter(had({}), { allocation: { devices: { results: [{ request: "q", driver: "", pool: "", device: "" }] } } })).toEqual([
      `status.allocation.devices.results[0].request: Invalid value: "q": ${REF}`,
      "status.allocation.devices.results[0].driver: Required value",
      expect.stringMatching(/^status.allocation.devices.results\[0\].driver: Invalid value: ""/),
      "status.allocation.devices.results[0].pool: Required value",
      `status.allocation.devices.results[0].device: Invalid value: "": ${LABEL}`,
    ]);
  });

  test("is given up whole, and not given to anybody new when the claim goes", () => {
    const other = { devices: { results: [{ request: "r", ...DEVICE, device: "h" }] } };
    expect(refusedAfter(had({ allocation: ALLOCATION }), { allocation: other })).toEqual([
      expect.stringMatching(/^status.allocation: .*: field is immutable$/),
    ]);
    expect(refusedAfter(had({ allocation: ALLOCATION }), {})).toEqual([]);
    const going = had({ allocation: ALLOCATION }, { deletionTimestamp: "2026-01-01T00:00:00Z" });
    expect(refusedAfter(going, { allocation: ALLOCATION, reservedFor: [POD] })).toEqual([
      "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set",
    ]);
  });

  test("is told of by its driver, as long as it is there", () => {
    const status = { ...DEVICE, networkData: { ips: ["10.0.0.1", "10.0.0.2/24"] } };
    expect(
      refusedAfter(had({ allocation: ALLOCATION }), { allocation: ALLOCATION, devices: [status, { ...DEVICE, device: "h" }] }),
    ).toEqual([
      'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
      'status.devices[1]: Invalid value: {"Driver":{},"Pool":{},"Device":{},"ShareID":{}}: must be an allocated device in the claim',
    ]);
    const next = { ...had({}), status: { devices: [DEVICE] } };
    ResourceClaimKind.prepareForStatusUpdate?.(next, had({ allocation: ALLOCATION, devices: [DEVICE] }), { now_ms: 0 });
    expect(next.status).toEqual({});
  });

  test("is seen in the table", () => {
    const cells = (status: object, metadata: object = {}): unknown => ResourceClaimKind.cells(had(status, metadata), 0)[1];
    expect([cells({}), cells({ allocation: ALLOCATION }), cells({ allocation: ALLOCATION, reservedFor: [POD] })]).toEqual([
      "pending",
      "allocated",
      "allocated,reserved",
    ]);
    expect(cells({}, { deletionTimestamp: "2026-01-01T00:00:00Z" })).toBe("deleted");
  });
});

describe("slices", () => {
  const SPEC = { driver: "d.example.com", pool: { name: "p", generation: 1, resourceSliceCount: 1 }, nodeName: "n" };
  const NODES = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";

  test.each<[what: string, spec: object, errors: string[]]>([
    ["as it should be", { devices: [{ name: "a", attributes: { model: { string: "x" } }, capacity: { memory: { value: "1Gi" } } }] }, []],
    ["of no node", { nodeName: null }, [`spec: Required value: ${NODES}`]],
    [
      "of one and of all",
      { allNodes: true },
      [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${NODES}, but multiple fields are set`],
    ],
    [
      "a pool of none",
      { pool: { name: "p", generation: -1, resourceSliceCount: 0 } },
      [
        "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
        "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
      ],
    ],
    ["a device twice", { devices: [{ name: "a" }, { name: "a" }] }, ['spec.devices[1].name: Duplicate value: "a"']],
    [
      "an attribute of no value",
      { devices: [{ name: "a", attributes: { model: {} } }] },
      ["spec.devices[0].attributes[model]: Required value: exactly one value must be specified"],
    ],
    [
      "an attribute of two",
      { devices: [{ name: "a", attributes: { model: { string: "x", int: 1 } } }] },
      [
        'spec.devices[0].attributes[model]: Invalid value: {"IntValue":1,"BoolValue":null,"StringValue":"x","VersionValue":null}: exactly one value must be specified',
      ],
    ],
    [
      "a version that is none",
      { devices: [{ name: "a", attributes: { v: { version: "1.2" } } }] },
      ['spec.devices[0].attributes[v].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0'],
    ],
    [
      "a name without its domain",
      { devices: [{ name: "a", capacity: { "/x": { value: "1" } } }] },
      ["spec.devices[0].capacity[/x]: Required value: the domain must not be empty"],
    ],
    [
      "too much said",
      { devices: [{ name: "a", attributes: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, { int: index }])) }] },
      ["spec.devices[0]: Invalid value: 33: the total number of attributes and capacities must not exceed 32"],
    ],
  ])("%s", (_what, spec, errors) => {
    expect(refused(ResourceSliceKind, { spec: { ...SPEC, ...spec } })).toEqual(errors);
  });

  test("are whose they were, and lose what is behind closed gates", () => {
    const slice = (spec: object): ResourceSlice => made(ResourceSliceKind, { spec: { ...SPEC, ...spec } });
    expect(printed(errorsInUpdate(ResourceSliceKind, slice({ nodeName: "m" }), slice({})))).toEqual([
      'spec.nodeName: Invalid value: "m": field is immutable',
    ]);
    const gated = { name: "a", taints: [{ key: "k", effect: "NoExecute" }], allNodes: true, bindsToNode: true, consumesCounters: [] };
    expect(slice({ devices: [gated], sharedCounters: [{ name: "c", counters: {} }] }).spec).toEqual({ ...SPEC, devices: [{ name: "a" }] });
    expect(Object.keys(ResourceSliceKind.selectableFields)).toEqual(["spec.nodeName", "spec.driver"]);
  });
});

test("classes choose devices and configure them", () => {
  const known: DeviceClass = made(DeviceClassKind, {
    spec: { selectors: selectors("device.driver == 'd'"), extendedResourceName: "example.com/gpu" },
  });
  expect(printed(errorsInNew(DeviceClassKind, known))).toEqual([]);
  expect(known.spec.extendedResourceName).toBeUndefined();
  expect(refused(DeviceClassKind, { spec: { selectors: selectors("1"), config: [{}] } })).toEqual([
    'spec.selectors[0].cel.expression: Invalid value: "1": must evaluate to bool or the unknown type, not int',
    "spec.config[0].opaque: Required value",
  ]);
});
