import { expect, test } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { ContainerStatus, Pod, PodSpec, PodStatus } from "../../../actors/kinds/generated/types.ts";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const container = (name: string): PodSpec["containers"][number] => ({ name, image: "i" });

interface Case {
  readonly name: string;
  readonly spec?: Partial<PodSpec>;
  readonly status: PodStatus;
  readonly deleted?: boolean;
  /** Ready, Status, Restarts. */
  readonly prints: readonly [string, string, string];
}

function ran(state: ContainerStatus["state"], more: Partial<ContainerStatus> = {}): ContainerStatus {
  const status: ContainerStatus = { name: "c", image: "i", imageID: "", ready: false, restartCount: 0, ...more };
  if (state !== undefined) status.state = state;
  return status;
}

const RUNNING = { running: { startedAt: "2026-01-01T00:00:00Z" } };
const crashed = { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:05:00Z" } };

const CASES: readonly Case[] = [
  { name: "pending", status: { phase: "Pending" }, prints: ["0/1", "Pending", "0"] },
  {
    name: "gated",
    status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] },
    prints: ["0/1", "SchedulingGated", "0"],
  },
  {
    name: "creating",
    status: { phase: "Pending", containerStatuses: [ran({ waiting: { reason: "ContainerCreating" } })] },
    prints: ["0/1", "ContainerCreating", "0"],
  },
  { name: "running", status: { phase: "Running", containerStatuses: [ran(RUNNING, { ready: true })] }, prints: ["1/1", "Running", "0"] },
  { name: "terminating", deleted: true, status: { phase: "Running" }, prints: ["0/1", "Terminating", "0"] },
  { name: "deleted but done", deleted: true, status: { phase: "Succeeded" }, prints: ["0/1", "Succeeded", "0"] },
  { name: "lost with its node", deleted: true, status: { phase: "Running", reason: "NodeLost" }, prints: ["0/1", "Unknown", "0"] },
  { name: "evicted", status: { phase: "Failed", reason: "Evicted" }, prints: ["0/1", "Evicted", "0"] },
  {
    name: "crash loop",
    status: {
      phase: "Running",
      containerStatuses: [ran({ waiting: { reason: "CrashLoopBackOff" } }, { restartCount: 3, lastState: crashed })],
    },
    prints: ["0/1", "CrashLoopBackOff", "3 (5m ago)"],
  },
  {
    name: "completed",
    status: { phase: "Succeeded", containerStatuses: [ran({ terminated: { exitCode: 0, reason: "Completed" } })] },
    prints: ["0/1", "Completed", "0"],
  },
  {
    name: "exit code without a reason",
    status: { phase: "Failed", containerStatuses: [ran({ terminated: { exitCode: 3 } })] },
    prints: ["0/1", "ExitCode:3", "0"],
  },
  {
    name: "killed by a signal",
    status: { phase: "Failed", containerStatuses: [ran({ terminated: { exitCode: 137, signal: 9 } })] },
    prints: ["0/1", "Signal:9", "0"],
  },
  {
    name: "one of two done, not ready",
    spec: { containers: [container("a"), container("b")] },
    status: {
      phase: "Running",
      containerStatuses: [
        ran({ terminated: { exitCode: 0, reason: "Completed" } }, { name: "a" }),
        ran(RUNNING, { name: "b", ready: true }),
      ],
    },
    prints: ["1/2", "NotReady", "0"],
  },
  {
    name: "initializing",
    spec: { initContainers: [container("i1"), container("i2")] },
    status: {
      phase: "Pending",
      initContainerStatuses: [ran({ terminated: { exitCode: 0, reason: "Completed" } }, { name: "i1" }), ran(RUNNING, { name: "i2" })],
    },
    prints: ["0/1", "Init:1/2", "0"],
  },
  {
    name: "initialization failed",
    spec: { initContainers: [container("i1")] },
    status: {
      phase: "Pending",
      initContainerStatuses: [ran({ terminated: { exitCode: 1, reason: "Error" } }, { name: "i1", restartCount: 2 })],
    },
    prints: ["0/1", "Init:Error", "2"],
  },
  {
    name: "initialization keeps failing",
    spec: { initContainers: [container("i1")] },
    status: { phase: "Pending", initContainerStatuses: [ran({ waiting: { reason: "CrashLoopBackOff" } }, { name: "i1" })] },
    prints: ["0/1", "Init:CrashLoopBackOff", "0"],
  },
  {
    name: "with a sidecar",
    spec: { initContainers: [{ ...container("s"), restartPolicy: "Always" }] },
    status: {
      phase: "Running",
      initContainerStatuses: [ran(RUNNING, { name: "s", started: true, ready: true, restartCount: 1 })],
      containerStatuses: [ran(RUNNING, { ready: true, restartCount: 1 })],
    },
    prints: ["2/2", "Running", "2"],
  },
];

test.each(CASES.map((one) => [one.name, one] as const))("%s", (_, { spec, status, deleted, prints }) => {
  const pod: Pod = {
    metadata: {
      name: "p",
      uid: "u",
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...(deleted ? { deletionTimestamp: "2026-01-01T00:09:00Z" } : {}),
    },
    spec: { containers: [container("c")], ...spec },
    status,
  };
  expect(PodKind.cells(pod, NOW_MS).slice(1, 5)).toEqual([...prints, "10m"]);
});

test("wide cells show addresses, nodes and gates", () => {
  const pod: Pod = {
    metadata: { name: "p", uid: "u", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { containers: [container("c")], nodeName: "n1", readinessGates: [{ conditionType: "a/b" }, { conditionType: "c/d" }] },
    status: { podIPs: [{ ip: "10.0.0.9" }], nominatedNodeName: "n2", conditions: [{ type: "a/b", status: "True" }] },
  };
  expect(PodKind.cells(pod, NOW_MS).slice(5)).toEqual(["10.0.0.9", "n1", "n2", "1/2"]);
});
