import { expect, test } from "vitest";
import type { Node, Pod, PodCondition } from "../../../../actors/kinds/generated/types.ts";
import { Allocations } from "../../../../actors/node/allocation/allocations.ts";
import { SysctlAllowlist } from "../../../../actors/node/allocation/sysctl-allowlist.ts";

const NODE = {
  metadata: { name: "n", uid: "n", creationTimestamp: "" },
  status: { allocatable: { cpu: "4", memory: "8Gi", pods: "10" } },
} as unknown as Node;

interface Wanted {
  readonly cpu: string;
  readonly priority?: number;
  readonly limits?: boolean;
  readonly status?: Pod["status"];
}

function pod(uid: string, { cpu, priority, limits = false, status }: Wanted): Pod {
  const requests = { cpu, memory: "1Gi" };
  const resources = limits ? { requests, limits: requests } : { requests };
  const spec = { containers: [{ name: "c", resources }], ...(priority === undefined ? {} : { priority }) };
  return { metadata: { name: uid, namespace: "d", uid, creationTimestamp: "" }, spec, ...(status === undefined ? {} : { status }) } as Pod;
}

const running = (cpu: string, conditions: PodCondition[] = []): Pod["status"] => ({
  phase: "Running",
  startTime: "2026-01-01T00:00:00Z",
  conditions,
  containerStatuses: [
    { name: "c", image: "", imageID: "", ready: true, restartCount: 0, resources: { requests: { cpu, memory: "1Gi" } } },
  ] as NonNullable<Pod["status"]>["containerStatuses"] & object,
});

function begun(): Allocations {
  const allocations = new Allocations(() => NODE, new SysctlAllowlist([]));
  allocations.complete();
  return allocations;
}

const cpuOf = (allocations: Allocations, uid: string): string | undefined => allocations.of(uid)?.resources.c?.requests?.cpu;

test("a pod that comes is let in, or rejected when the others leave no room", () => {
  const allocations = begun();
  allocations.see(pod("a", { cpu: "3" }));
  allocations.see(pod("b", { cpu: "2" }));
  expect(allocations.of("a")?.rejected).toBeUndefined();
  expect(allocations.of("b")?.rejected).toEqual({
    reason: "OutOfcpu",
    message: "Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
  });
  // What was rejected takes nothing.
  allocations.see(pod("c", { cpu: "1" }));
  expect(allocations.of("c")?.rejected).toBeUndefined();
});

test("a resize is granted where there is room, waits where there is none now, and is never where there never is", () => {
  const allocations = begun();
  allocations.see(pod("a", { cpu: "1" }));
  allocations.see(pod("b", { cpu: "2" }));
  expect([...allocations.see(pod("a", { cpu: "2" }))]).toEqual(["a"]);
  expect([cpuOf(allocations, "a"), allocations.of("a")?.pending]).toEqual(["2", undefined]);
  allocations.see(pod("a", { cpu: "3" }));
  expect(cpuOf(allocations, "a")).toBe("2");
  expect(allocations.of("a")?.pending).toEqual({
    reason: "Deferred",
    message: "Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000",
  });
  allocations.see(pod("a", { cpu: "5" }));
  expect(allocations.of("a")?.pending).toEqual({
    reason: "Infeasible",
    message: "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000",
  });
  expect(cpuOf(allocations, "a")).toBe("2");
  allocations.see(pod("a", { cpu: "2" }));
  expect(allocations.of("a")?.pending).toBeUndefined();
});

test("those that wait get what others give back: the most important first, then the guaranteed ones, then who has waited longest", () => {
  const allocations = begun();
  const waits = (since: string): Pod["status"] =>
    running("500m", [{ type: "PodResizePending", status: "True", reason: "Deferred", lastTransitionTime: since }]);
  for (const uid of ["late", "early", "sure", "important"]) allocations.see(pod(uid, { cpu: "500m", limits: uid === "sure" }));
  allocations.see(pod("large", { cpu: "2" }));
  const more = { cpu: "1500m" };
  allocations.see(pod("late", { ...more, status: waits("2026-01-02T00:00:00Z") }));
  allocations.see(pod("early", { ...more, status: waits("2026-01-01T00:00:00Z") }));
  allocations.see(pod("sure", { ...more, limits: true }));
  allocations.see(pod("important", { ...more, priority: 1_000 }));
  const granted = (): readonly string[] => ["late", "early", "sure", "important"].filter((uid) => cpuOf(allocations, uid) === "1500m");
  expect(granted()).toEqual([]);
  // A smaller one is no burden, so it is granted at once, and what it gives back goes to the first in the row.
  expect([...allocations.see(pod("large", { cpu: "1" }))]).toEqual(expect.arrayContaining(["large", "important"]));
  expect(granted()).toEqual(["important"]);
  allocations.gone("large");
  expect(granted()).toEqual(["sure", "important"]);
  allocations.gone("important");
  expect(granted()).toEqual(["early", "sure"]);
});

test("after a restart it goes by what statuses say, and grants nobody more before all are known", () => {
  const allocations = new Allocations(() => NODE, new SysctlAllowlist([]));
  allocations.see(pod("a", { cpu: "3", status: running("1") }));
  expect([cpuOf(allocations, "a"), allocations.of("a")?.rejected]).toEqual(["1", undefined]);
  allocations.see(pod("b", { cpu: "2", status: running("2") }));
  expect([...allocations.complete()]).toEqual(["a"]);
  expect([cpuOf(allocations, "a"), allocations.of("a")?.pending?.reason]).toEqual(["1", "Deferred"]);
  expect([...allocations.gone("b")]).toEqual(["a"]);
  expect(cpuOf(allocations, "a")).toBe("3");
});

test("static pods are let in whatever the others take, and are not resized", () => {
  const allocations = begun();
  allocations.see(pod("a", { cpu: "4" }));
  allocations.see(pod("s", { cpu: "1" }), true);
  expect(allocations.of("s")?.rejected).toBeUndefined();
  allocations.see(pod("s", { cpu: "2" }), true);
  expect(allocations.of("s")?.pending?.message).toBe("In-place resize of static-pods is not supported");
});
