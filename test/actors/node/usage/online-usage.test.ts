import { expect, test } from "vitest";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { onlineUsage } from "../../../../actors/node/usage/online-usage.ts";
import { named } from "../../registry/harness.ts";

const ALLOCATABLE = { cpu: "10", memory: "1000" };
const using = (milli: number, memory_bytes: number, labels: Record<string, string> = {}) => ({
  pod: named<Pod>("p", "d", { metadata: { labels } }),
  containers: [{ name: "c", cpu_nanocores: milli * 1e6, memory_bytes }],
});

test.each([
  ["nobody", [], { cpu: "0m", memory: "0" }],
  ["all that are there, rounded up to a percent of the node", [using(101, 11), using(99, 0)], { cpu: "200m", memory: "20" }],
  ["a little", [using(1, 1)], { cpu: "100m", memory: "10" }],
  ["offline pods not", [using(100, 10), using(5_000, 500, { "scheduling.troupe.dev/class": "offline" })], { cpu: "100m", memory: "10" }],
])("counts %s", (_, pods, used) => {
  expect(JSON.parse(onlineUsage(pods, ALLOCATABLE))).toEqual(used);
});

test("without what the node has it is told to the unit", () => {
  expect(JSON.parse(onlineUsage([using(3, 7)], undefined))).toEqual({ cpu: "3m", memory: "7" });
});
