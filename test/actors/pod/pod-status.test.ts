import { describe, expect, test } from "vitest";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { creatingStatus, readiness, runningStatus } from "../../../actors/pod/pod-status.ts";

const place = { hostIP: "172.16.1.0", podIP: "10.128.0.2" };
const at = (second: number): string => `2026-01-01T00:00:0${second}Z`;

function pod(spec: Partial<Pod["spec"]> = {}, status: Pod["status"] = { phase: "Pending" }): Pod {
  return {
    metadata: { name: "web", namespace: "default", uid: "u1", creationTimestamp: at(0), generation: 1 },
    spec: { containers: [{ name: "c", image: "nginx" }], ...spec },
    status,
  } as Pod;
}
const truths = (status: Pod["status"]): string[] => (status?.conditions ?? []).map((condition) => `${condition.type}=${condition.status}`);

describe("creatingStatus", () => {
  test("is Pending with its containers being created", () => {
    const status = creatingStatus(pod(), place, at(1));
    expect(status.phase).toBe("Pending");
    expect(status.hostIP).toBe(place.hostIP);
    expect(status.podIP).toBeUndefined();
    expect(status.containerStatuses?.map((container) => container.state)).toEqual([{ waiting: { reason: "ContainerCreating" } }]);
    expect(truths(status)).toEqual([
      "PodReadyToStartContainers=False",
      "Initialized=True",
      "Ready=False",
      "ContainersReady=False",
      "PodScheduled=True",
    ]);
    expect(status.conditions?.find((condition) => condition.type === "Ready")?.message).toBe("containers with unready status: [c]");
  });

  test("waits for init containers first", () => {
    const status = creatingStatus(pod({ initContainers: [{ name: "i", image: "init" }] }), place, at(1));
    expect(status.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: "PodInitializing" } });
    expect(truths(status)).toContain("Initialized=False");
  });
});

describe("runningStatus", () => {
  test("is Running and Ready, with an address", () => {
    const status = runningStatus(pod(), place, "hollow", at(2));
    expect([status.phase, status.podIP, status.podIPs]).toEqual(["Running", "10.128.0.2", [{ ip: "10.128.0.2" }]]);
    expect(status.containerStatuses?.[0]).toMatchObject({
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: at(2) } },
    });
    expect(truths(status)).toEqual([
      "PodReadyToStartContainers=True",
      "Initialized=True",
      "Ready=True",
      "ContainersReady=True",
      "PodScheduled=True",
    ]);
  });

  test("moves lastTransitionTime only where the status changed, and keeps what others own", () => {
    const creating = { ...creatingStatus(pod(), place, at(1)), qosClass: "BestEffort" };
    const withGate = { ...creating, conditions: [...(creating.conditions ?? []), { type: "example.com/gate", status: "True" }] };
    const status = runningStatus(pod({}, withGate as Pod["status"]), place, "hollow", at(2));
    const time = (type: string): string | undefined => status.conditions?.find((condition) => condition.type === type)?.lastTransitionTime;
    expect([time("PodScheduled"), time("Initialized"), time("Ready")]).toEqual([at(1), at(1), at(2)]);
    expect(truths(status)).toContain("example.com/gate=True");
    expect([status.qosClass, status.startTime]).toEqual(["BestEffort", at(1)]);
  });

  test("ends init containers and keeps sidecars running", () => {
    const inits = [
      { name: "once", image: "i" },
      { name: "sidecar", image: "s", restartPolicy: "Always" },
    ];
    const states = runningStatus(pod({ initContainers: inits }), place, "hollow", at(2)).initContainerStatuses?.map((status) =>
      Object.keys(status.state ?? {}),
    );
    expect(states).toEqual([["terminated"], ["running"]]);
  });
});

describe("readiness", () => {
  test("a readiness gate holds the pod unready until its condition is True", () => {
    const gate = { readinessGates: [{ conditionType: "example.com/gate" }] };
    expect(readiness(pod(gate))).toMatchObject({ status: "False", reason: "ReadinessGatesNotReady" });
    const open = { phase: "Running", conditions: [{ type: "example.com/gate", status: "True" }] } as Pod["status"];
    expect(readiness(pod(gate, open))).toEqual({ type: "Ready", status: "True" });
  });
});
