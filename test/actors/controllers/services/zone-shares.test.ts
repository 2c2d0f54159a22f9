import { describe, expect, test } from "vitest";
import { endpointSliceController } from "../../../../actors/controllers/services/endpointslice.ts";
import { concernsShares, zoneShares, zonesByShare } from "../../../../actors/controllers/services/zone-shares.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { ServiceKind } from "../../../../actors/kinds/core/service.ts";
import { EndpointSliceKind } from "../../../../actors/kinds/discovery/endpoint-slice.ts";
import type { Endpoint, EndpointSlice, Node } from "../../../../actors/kinds/generated/types.ts";
import { Transcript } from "../transcript.ts";

const INSUFFICIENT = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";

interface Machine {
  readonly zone?: string;
  readonly cpu?: string;
  readonly ready?: string;
  readonly labels?: object;
}

const nodeOf = (name: string, { zone = "a", cpu = "4", ready = "True", labels = {} }: Machine): object => ({
  metadata: { name, labels: { ...(zone && { "topology.kubernetes.io/zone": zone }), ...labels } },
  spec: {},
  status: { conditions: [{ type: "Ready", status: ready }], ...(cpu && { allocatable: { cpu } }) },
});
const nodes = (...machines: readonly Machine[]): readonly Node[] => machines.map((machine, i) => nodeOf(`n${i}`, machine) as Node);
const shares = (parts: Readonly<Record<string, number>>): ReadonlyMap<string, number> => new Map(Object.entries(parts));
/** `aab`: two endpoints in zone a and one in b; a dot: in none. */
const endpoints = (zones: string): readonly Endpoint[] =>
  [...zones].map((zone) => ({ addresses: ["10.0.0.1"], conditions: { ready: true }, ...(zone === "." ? {} : { zone }) }));

describe("the shares of zones", () => {
  test.each<[string, readonly Machine[], object | string]>([
    ["by their processors", [{ cpu: "6" }, { zone: "b", cpu: "1500m" }, { zone: "b", cpu: "500m" }], { a: 0.75, b: 0.25 }],
    ["of nodes that are ready", [{}, { zone: "b" }, { zone: "c", ready: "Unknown" }], { a: 0.5, b: 0.5 }],
    [
      "without the control plane",
      [{}, { zone: "b" }, { zone: "c", labels: { "node-role.kubernetes.io/control-plane": "" } }],
      { a: 0.5, b: 0.5 },
    ],
    ["not with one zone alone", [{}, {}], INSUFFICIENT],
    ["not when a node is in none", [{}, { zone: "b" }, { zone: "" }], INSUFFICIENT],
    ["not when a node does not say what it has", [{}, { zone: "b", cpu: "" }], INSUFFICIENT],
    ["not without nodes", [], INSUFFICIENT],
  ])("%s", (_what, machines, expected) => {
    const found = zoneShares(nodes(...machines));
    expect(typeof found === "string" ? found : Object.fromEntries(found)).toEqual(expected);
  });

  test("are reckoned anew when a node changes what they rest on, and not with its heartbeat", () => {
    const [node, other, silent] = nodes({}, { cpu: "8" }, { ready: "Unknown" });
    expect([
      concernsShares(undefined, node),
      concernsShares(node, other),
      concernsShares(node, silent),
      concernsShares(node, undefined),
    ]).toEqual([true, true, true, true]);
    expect(concernsShares(node, { ...(node as Node), metadata: { ...(node as Node).metadata, resourceVersion: "9" } })).toBe(false);
  });
});

describe("endpoints by the shares of zones", () => {
  test.each<[string, Readonly<Record<string, number>>, string]>([
    ["aabb", { a: 0.5, b: 0.5 }, "aabb"],
    // What is off by less than half an endpoint stays.
    ["aabb", { a: 0.55, b: 0.45 }, "aabb"],
    ["aaaa", { a: 0.5, b: 0.5 }, "bbaa"],
    ["aaabbb", { a: 0.67, b: 0.33 }, "aaaabb"],
    ["aaaaaa", { a: 1 / 3, b: 1 / 3, c: 1 / 3 }, "bbccaa"],
    // Endpoints in zones without nodes that count stay for their own.
    ["aaabbbz", { a: 0.5, b: 0.5 }, "aaabbbz"],
  ])("%s with %j are for %s", (zones, parts, expected) => {
    const found = zonesByShare(endpoints(zones), shares(parts));
    expect(typeof found === "string" ? found : found.join("")).toBe(expected);
  });

  test.each<[string, ReturnType<typeof zoneShares>, string]>([
    ["a", shares({ a: 0.5, b: 0.5 }), "Insufficient number of endpoints (1 endpoints, 2 zones)"],
    [
      "abc",
      shares({ a: 0.8, b: 0.1, c: 0.1 }),
      "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)",
    ],
    [
      "aab",
      shares({ a: 0.5, b: 0.5 }),
      "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 2 zones)",
    ],
    ["aab.", shares({ a: 0.5, b: 0.5 }), "One or more endpoints do not have a zone specified"],
    ["ab", INSUFFICIENT, INSUFFICIENT],
  ])("%s cannot be shared out, and why", (zones, parts, why) => {
    expect(zonesByShare(endpoints(zones), parts)).toBe(why);
  });
});

describe("a service that wants its traffic shared out by zones", () => {
  const service = {
    metadata: { name: "s", annotations: { "service.kubernetes.io/topology-mode": "Auto" } },
    spec: { ports: [{ port: 80 }], selector: { app: "x" } },
  };
  const pod = (name: string, node: string): object => ({
    metadata: { name, labels: { app: "x" } },
    spec: { nodeName: node, containers: [{ name: "c" }] },
    status: { phase: "Running", podIP: "10.0.0.1", podIPs: [{ ip: "10.0.0.1" }], conditions: [{ type: "Ready", status: "True" }] },
  });
  const twoZones = (): Transcript =>
    new Transcript(endpointSliceController())
      .put(NodeKind, nodeOf("n1", {}))
      .put(NodeKind, nodeOf("n2", { zone: "b" }))
      .put(ServiceKind, service)
      .put(PodKind, pod("p1", "n1"))
      .put(PodKind, pod("p2", "n1"));

  test("has hints for both, and hears that it has", () => {
    const transcript = twoZones();
    expect(transcript.decide()).toEqual([
      "event Normal TopologyAwareHintsEnabled Service/s: Topology Aware Hints has been enabled, addressType: IPv4",
      "create EndpointSlice/s-*",
    ]);
    const created = transcript.actions("services/d/s").find((action) => action.do === "create");
    const slice = (created as { readonly object: unknown } | undefined)?.object as EndpointSlice;
    expect(slice.endpoints?.map(({ zone, hints }) => [zone, hints?.forZones?.[0]?.name])).toEqual([
      ["a", "b"],
      ["a", "a"],
    ]);
    transcript.put(EndpointSliceKind, { ...slice, metadata: { ...slice.metadata, name: "s-1" } });
    expect(transcript.decide()).toEqual([]);
  });

  test("loses them, and hears why, when a zone has no node that is ready any more", () => {
    const transcript = twoZones();
    const created = transcript.actions("services/d/s").find((action) => action.do === "create");
    const slice = (created as { readonly object: unknown } | undefined)?.object as EndpointSlice;
    transcript.put(EndpointSliceKind, { ...slice, metadata: { ...slice.metadata, name: "s-1" } });
    expect(transcript.decide()).toEqual([]);
    const lines = transcript.put(NodeKind, nodeOf("n2", { zone: "b", ready: "Unknown" })).decide();
    expect(lines[0]).toBe(`event Warning TopologyAwareHintsDisabled Service/s: ${INSUFFICIENT}, addressType: IPv4`);
    expect(lines[1]).toMatch(/^modify EndpointSlice\/s-1 /);
    expect(lines[1]).not.toContain("forZones");
  });

  test("hears of it when it wants that no more", () => {
    const transcript = twoZones();
    transcript.decide();
    const lines = transcript.put(ServiceKind, { ...service, metadata: { name: "s" } }).decide();
    expect(lines[0]).toBe("event Warning TopologyAwareHintsDisabled Service/s: Topology Aware Hints has been disabled, addressType: IPv4");
    expect(transcript.put(ServiceKind, { ...service, metadata: { name: "s" } }).decide()[0]).toBe("create EndpointSlice/s-*");
  });
});
