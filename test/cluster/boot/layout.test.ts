import { describe, expect, test } from "vitest";
import { planHosts, type Role, threadsFor } from "../../../cluster/boot/layout.ts";

describe("planHosts", () => {
  test.each([
    [1, 0],
    [2, 0],
    [2, 5_000],
    [3, 5_000],
    [4, 0],
    [5, 0],
    [16, 5_000],
  ])("%i threads, %i nodes: every role has a host, and gateway and store have one only", (threads, nodes) => {
    const plans = planHosts(threads, undefined, nodes);
    const hostsOf = (role: Role): number => plans.filter((plan) => plan.roles.includes(role)).length;
    expect(plans.length).toBe(threads);
    expect(new Set(plans.map((plan) => plan.name)).size).toBe(threads);
    expect([hostsOf("gateway"), hostsOf("store"), hostsOf("controllers"), hostsOf("scheduler")]).toEqual([1, 1, 1, 1]);
    expect(hostsOf("nodes")).toBeGreaterThanOrEqual(1);
  });

  test("with many nodes, these have the second of two threads to themselves", () => {
    expect(planHosts(2, undefined, 5_000).find(({ roles }) => roles.includes("nodes"))?.roles).toEqual(["nodes"]);
  });

  test.each([1, 2, 8])("--only api with %i threads has the gateway and the store alone", (threads) => {
    expect(new Set(planHosts(threads, "api").flatMap((plan) => plan.roles))).toEqual(new Set(["gateway", "store"]));
  });
});

test.each([
  [1, 0, 1],
  [1, 5_000, 1],
  [2, 1_000, 1],
  [2, 5_000, 2],
  [4, 0, 2],
  [8, 5_000, 3],
  [64, 0, 3],
])("%i cores with %i nodes get %i hosts", (cores, nodes, threads) => {
  expect(threadsFor(cores, nodes)).toBe(threads);
});
