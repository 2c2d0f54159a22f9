import { expect, test } from "vitest";
import { hintsFor } from "../../../../actors/controllers/services/traffic-hints.ts";
import type { Endpoint, Service } from "../../../../actors/kinds/generated/types.ts";
import { named } from "../harness.ts";

const ready: Endpoint = { addresses: ["10.0.0.1"], conditions: { ready: true }, zone: "z", nodeName: "n" };
const nowhere: Endpoint = { addresses: ["10.0.0.1"], conditions: { ready: true } };
const forZones = [{ name: "z" }];
const forNodes = [{ name: "n" }];
const AUTO = { "service.kubernetes.io/topology-mode": "Auto" };

test.each([
  [undefined, {}, ready, undefined],
  ["PreferClose", {}, ready, { forZones }],
  ["PreferSameZone", {}, ready, { forZones }],
  ["PreferSameNode", {}, ready, { forNodes, forZones }],
  ["PreferSameNode", {}, { ...ready, zone: undefined }, { forNodes }],
  ["PreferClose", {}, nowhere, undefined],
  ["PreferSameNode", {}, nowhere, undefined],
  ["PreferClose", {}, { ...ready, conditions: { ready: false } }, undefined],
  // The older annotation goes before it.
  ["PreferClose", AUTO, ready, undefined],
  ["PreferClose", { "service.kubernetes.io/topology-mode": "Disabled" }, ready, { forZones }],
])("%s with %j", (trafficDistribution, annotations, endpoint, expected) => {
  const spec = trafficDistribution === undefined ? {} : { trafficDistribution };
  const service = named<Service>("s", "d", { metadata: { annotations }, spec });
  expect(hintsFor(service, JSON.parse(JSON.stringify(endpoint)) as Endpoint)).toEqual(expected);
});
