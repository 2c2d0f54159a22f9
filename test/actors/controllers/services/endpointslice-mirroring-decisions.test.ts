import { expect, test } from "vitest";
import { endpointSliceMirroringController } from "../../../../actors/controllers/services/endpointslice-mirroring.ts";
import { EndpointsKind } from "../../../../actors/kinds/core/endpoints.ts";
import { ServiceKind } from "../../../../actors/kinds/core/service.ts";
import { EndpointSliceKind } from "../../../../actors/kinds/discovery/endpoint-slice.ts";
import type { EndpointSlice } from "../../../../actors/kinds/generated/types.ts";
import { Transcript } from "../transcript.ts";

const HTTP = [{ name: "http", port: 80, protocol: "TCP" }];
const service = (selector?: object): object => ({
  metadata: { name: "s" },
  spec: { ports: [{ port: 80 }], ...(selector && { selector }) },
});
const endpoints = (subsets: readonly object[], metadata: object = {}): object => ({ metadata: { name: "s", ...metadata }, subsets });
const subset = (...ips: readonly string[]): object => ({ addresses: ips.map((ip) => ({ ip })), ports: HTTP });
const slice = (name: string, ips: readonly string[], labels: object = {}): object => ({
  metadata: {
    name,
    labels: {
      "kubernetes.io/service-name": "s",
      "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
      ...labels,
    },
  },
  addressType: "IPv4",
  ports: HTTP,
  endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
});
const OF_ENDPOINTS = [{ apiVersion: "v1", kind: "Endpoints", name: "s", uid: "uid-s", controller: true, blockOwnerDeletion: true }];
const started = (): Transcript => new Transcript(endpointSliceMirroringController);

test.each<[string, readonly object[], readonly string[]]>([
  ["one family on one set of ports", [subset("10.0.0.1", "10.0.0.2")], ["create EndpointSlice/s-*"]],
  ["both families", [subset("10.0.0.1", "fd00::1")], ["create EndpointSlice/s-*", "create EndpointSlice/s-*"]],
  [
    "other ports",
    [subset("10.0.0.1"), { ...subset("10.0.0.2"), ports: [{ port: 81 }] }],
    ["create EndpointSlice/s-*", "create EndpointSlice/s-*"],
  ],
  ["the same ports twice", [subset("10.0.0.1"), subset("10.0.0.2")], ["create EndpointSlice/s-*"]],
  [
    "the same addresses on other ports",
    [subset("10.0.0.1"), { ...subset("10.0.0.1"), ports: [{ port: 81 }] }],
    ["create EndpointSlice/s-*"],
  ],
  ["nothing", [], []],
])("endpoints of %s", (_what, subsets, lines) => {
  expect(started().put(ServiceKind, service()).put(EndpointsKind, endpoints(subsets)).decide()).toEqual(lines);
});

test.each<[string, object, object]>([
  ["of a service with a selector", service({ a: "b" }), endpoints([subset("10.0.0.1")])],
  [
    "that are not to be mirrored",
    service(),
    endpoints([subset("10.0.0.1")], { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }),
  ],
  [
    "of who elects a leader",
    service(),
    endpoints([subset("10.0.0.1")], { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } }),
  ],
])("endpoints %s have no slices, and lose those that they have", (_what, of, all) => {
  expect(started().put(ServiceKind, of).put(EndpointsKind, all).decide()).toEqual([]);
  const had = started()
    .put(EndpointSliceKind, slice("s-1", ["10.0.0.1"]))
    .put(ServiceKind, of)
    .put(EndpointsKind, all);
  expect(had.decide()).toEqual(["delete EndpointSlice/s-1"]);
});

test("a slice follows what it shows, one that shows nothing goes, and others' are left alone", () => {
  const transcript = started()
    .put(EndpointSliceKind, slice("s-1", ["10.0.0.1"]))
    .put(EndpointSliceKind, slice("s-2", ["10.0.0.9"]))
    .put(EndpointSliceKind, slice("mine", ["10.0.0.5"], { "endpointslice.kubernetes.io/managed-by": "me" }))
    .put(ServiceKind, service())
    .put(EndpointsKind, endpoints([subset("10.0.0.1", "10.0.0.2")]));
  const both = ["10.0.0.1", "10.0.0.2"].map((ip) => ({ addresses: [ip], conditions: { ready: true } }));
  expect(transcript.decide()).toEqual([
    `modify EndpointSlice/s-1 ${JSON.stringify({ metadata: { annotations: {}, ownerReferences: OF_ENDPOINTS }, endpoints: both })}`,
    "delete EndpointSlice/s-2",
  ]);
  expect(transcript.remove(EndpointsKind, "s").decide()).toEqual(["delete EndpointSlice/s-1", "delete EndpointSlice/s-2"]);
});

test("a slice whose ports are no more becomes one of its family that would be made", () => {
  const other = { ...subset("10.0.0.1", "fd00::1"), ports: [{ name: "other", port: 81, protocol: "TCP" }] };
  const transcript = started()
    .put(EndpointSliceKind, slice("s-1", ["10.0.0.1"]))
    .put(EndpointSliceKind, slice("s-2", ["10.0.0.1"]))
    .put(ServiceKind, service())
    .put(EndpointsKind, endpoints([other]));
  expect(transcript.decide()).toEqual([
    expect.stringMatching(/^modify EndpointSlice\/s-1 .*"ports":\[{"name":"other"/),
    "create EndpointSlice/s-*",
    "delete EndpointSlice/s-2",
  ]);
});

test("more than a thousand addresses of a subset are not shown, and the Endpoints hear of it", () => {
  const many = Array.from({ length: 1_002 }, (_, i) => `10.0.${Math.floor(i / 250)}.${(i % 250) + 1}`);
  expect(
    started()
      .put(ServiceKind, service())
      .put(EndpointsKind, endpoints([subset(...many)]))
      .decide(),
  ).toEqual([
    "event Warning TooManyAddressesToMirror Endpoints/s: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped",
    "create EndpointSlice/s-*",
  ]);
});

/** The only slice that it makes of these subsets. */
function mirrored(...subsets: readonly object[]): EndpointSlice | undefined {
  const [action] = started().put(ServiceKind, service()).put(EndpointsKind, endpoints(subsets)).actions("endpoints/d/s");
  return action?.do === "create" ? (action.object as EndpointSlice) : undefined;
}

test("an address that is once not ready is not, and one with no ports has none", () => {
  const twice = mirrored(subset("10.0.0.1"), { notReadyAddresses: [{ ip: "10.0.0.1" }], ports: HTTP });
  expect(twice?.endpoints).toEqual([{ addresses: ["10.0.0.1"], conditions: { ready: false } }]);
  expect(mirrored({ addresses: [{ ip: "10.0.0.1" }] })?.ports).toBeNull();
});

test.each([
  ["10.00.0.1", "10.0.0.1", "IPv4"],
  ["::ffff:10.0.0.1", "10.0.0.1", "IPv4"],
  ["fd00:0::01", "fd00::1", "IPv6"],
])("%s is shown as %s", (written, shown, addressType) => {
  const only = mirrored(subset(written));
  expect([only?.endpoints[0]?.addresses, only?.addressType]).toEqual([[shown], addressType]);
});

test("slices of Endpoints of the name that are gone become those of these", () => {
  const former = { ...OF_ENDPOINTS[0], uid: "uid-former" };
  const metadata = { ...(slice("s-1", []) as EndpointSlice).metadata, ownerReferences: [former] };
  const transcript = started()
    .put(EndpointSliceKind, { ...slice("s-1", ["10.0.0.1"]), metadata })
    .put(ServiceKind, service())
    .put(EndpointsKind, endpoints([subset("10.0.0.1")]));
  expect(transcript.decide()).toEqual([expect.stringMatching(/^modify EndpointSlice\/s-1 .*"uid":"uid-s"/)]);
});
