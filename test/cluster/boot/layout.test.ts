import { describe, expect, test } from "vitest";
import { planHosts, type Role, threadsFor } from "../../../cluster/boot/layout.ts";

describe("planHosts", () => {
  test.each([1, 2, 3, 4, 5, 16])("%i threads: every role has a host, and gateway and store have one only", (threads) => {
    const plans = planHosts(threads, undefined);
    const hostsOf = (role: Role): number => plans.filter((plan) => plan.roles.includes(role)).length;
    expect(plans.length).toBe(threads);
    expect(new Set(plans.map((plan) => plan.name)).size).toBe(threads);
    expect([hostsOf("gateway"), hostsOf("store"), hostsOf("controllers"), hostsOf("scheduler")]).toEqual([1, 1, 1, 1]);
    expect(hostsOf("nodes")).toBeGreaterThanOrEqual(1);
  });

  test.each([1, 2, 8])("--only api with %i threads has the gateway and the store alone", (threads) => {
    expect(new Set(planHosts(threads, "api").flatMap((plan) => plan.roles))).toEqual(new Set(["gateway", "store"]));
  });
});

test.each([
  [1, 1],
  [2, 1],
  [4, 2],
  [8, 3],
  [64, 3],
])("%i cores get %i hosts", (cores, threads) => {
  expect(threadsFor(cores)).toBe(threads);
});
