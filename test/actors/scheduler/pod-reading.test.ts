import { describe, expect, it } from "vitest";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { mayBeDeleted } from "../../../actors/kinds/metadata-text.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import { classify } from "../../../actors/scheduler/class.ts";
import { pinOf } from "../../../actors/scheduler/facts.ts";
import { isBoundTo, mayBeTerminal, sameSpec } from "../../../actors/scheduler/relevance.ts";
import { isBeingResized, podNonzeroRequests, podRequests } from "../../../actors/scheduler/resource-needs.ts";
import { Inventory } from "../../../scheduler-core/mod.ts";

const MIB = 1024 * 1024;

function podOf(spec: object, metadata: object = {}, status: object = { phase: "Pending" }): Pod {
  return { metadata: { name: "p", uid: "u", ...metadata }, spec: { containers: [{ name: "c" }], ...spec }, status } as unknown as Pod;
}

const container = (requests: Record<string, string>, more: object = {}) => ({ name: "c", resources: { requests }, ...more });

describe("podRequests", () => {
  it.each([
    [
      { containers: [container({ cpu: "1500m", memory: "1Gi" }), container({ cpu: "0.5" })] },
      { cpu: 2000, memory: 1024 * MIB },
      [2000, 1224 * MIB],
    ],
    [{}, {}, [100, 200 * MIB]],
    [{ containers: [container({ cpu: "0" })] }, { cpu: 0 }, [0, 200 * MIB]],
    // Init containers run one at a time: the largest counts.
    [
      {
        containers: [container({ cpu: "1", memory: "10Mi" })],
        initContainers: [container({ cpu: "3", memory: "1Mi" }), container({ cpu: "2", memory: "20Mi" })],
      },
      { cpu: 3000, memory: 20 * MIB },
      [3000, 20 * MIB],
    ],
    // Sidecars stay: they count beside the containers and beside the init containers after them.
    [
      {
        containers: [container({ cpu: "1", memory: "1Mi" })],
        initContainers: [container({ cpu: "2", memory: "1Mi" }, { restartPolicy: "Always" }), container({ cpu: "2", memory: "1Mi" })],
      },
      { cpu: 4000, memory: 2 * MIB },
      [4000, 2 * MIB],
    ],
    [
      { containers: [container({ cpu: "1", memory: "1Mi", "example.com/gpu": "2" })], overhead: { cpu: "250m" } },
      { cpu: 1250, memory: MIB, "example.com/gpu": 2 },
      [1250, MIB],
    ],
    [
      { containers: [container({ cpu: "1", memory: "1Mi" })], resources: { requests: { cpu: "3" } } },
      { cpu: 3000, memory: MIB },
      [3000, MIB],
    ],
  ])("%j", (spec, requests, [cpu_milli, memory_bytes]) => {
    const pod = podOf(spec);
    expect(podRequests(pod)).toEqual(requests);
    expect(podNonzeroRequests(pod)).toEqual({ cpu_milli, memory_bytes });
  });

  describe("while a container is being resized", () => {
    const resized = (wanted: string, granted: string, inForce: string, conditions: object[] = []): Pod =>
      podOf({ containers: [container({ cpu: wanted })] }, {}, { conditions, containerStatuses: [statusOf(granted, inForce)] });
    const statusOf = (granted: string, inForce: string) => ({
      name: "c",
      allocatedResources: { cpu: granted },
      resources: { requests: { cpu: inForce } },
    });
    const pending = (reason: string) => [{ type: "PodResizePending", status: "True", reason }];
    it.each<[string, Pod, number, boolean]>([
      ["nothing to do", resized("1", "1", "1"), 1_000, false],
      ["it grows", resized("3", "1", "1"), 3_000, true],
      ["it shrinks", resized("1", "3", "3"), 3_000, true],
      ["what is granted is not in force yet", resized("1", "1", "2"), 2_000, true],
      ["it waits", resized("3", "1", "1", pending("Deferred")), 3_000, true],
      ["it never can", resized("3", "1", "2", pending("Infeasible")), 2_000, true],
    ])("%s", (_, pod, cpu, isUnderWay) => {
      expect(podRequests(pod)).toEqual({ cpu });
      expect(isBeingResized(pod)).toBe(isUnderWay);
    });

    it("sidecars count, init containers that end do not", () => {
      const initContainers = [
        container({ cpu: "1" }, { name: "side", restartPolicy: "Always" }),
        container({ cpu: "1" }, { name: "init" }),
      ];
      const initContainerStatuses = ["side", "init"].map((name) => ({ ...statusOf("2", "2"), name }));
      const pod = podOf({ containers: [container({ cpu: "1" })], initContainers }, {}, { initContainerStatuses });
      expect(podRequests(pod)).toEqual({ cpu: 3_000 });
    });
  });
});

describe("classify", () => {
  const inventory = new Inventory(1);
  const classOf = (spec: object, metadata?: object): number => classify(inventory, podOf(spec, metadata)).handle.id;
  const pinned = (name: string) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] }],
        },
      },
    },
  });

  it("puts pods of one template into one class, whatever they are called", () => {
    expect(classOf({}, { name: "a", uid: "1", labels: { x: "1" } })).toBe(
      classOf({ volumes: [{ name: "kube-api-access-xyz12" }] }, { name: "b", uid: "2" }),
    );
  });

  it.each([
    [{ nodeSelector: { a: "b" } }],
    [{ priority: 5 }],
    [{ containers: [container({ cpu: "1" })] }],
    [{ tolerations: [{ operator: "Exists" }] }],
  ])("sets %j apart", (spec) => {
    expect(classOf(spec)).not.toBe(classOf({}));
  });

  it("puts a daemon set's pods into one class and pins each to its node", () => {
    expect([pinOf(podOf(pinned("n1"))), pinOf(podOf({}))]).toEqual(["n1", undefined]);
    expect(classOf(pinned("n1"))).toBe(classOf(pinned("n2")));
  });
});

describe("relevance", () => {
  const waiting = encodeObject(podOf({}));
  const bound = encodeObject(podOf({ nodeName: "n1" }));

  it("sees a binding, and only of this node", () => {
    expect([isBoundTo(bound, "n1"), isBoundTo(bound, "n"), isBoundTo(waiting, "n1")]).toEqual([true, false, false]);
    const pretends = encodeObject(podOf({}, { labels: { nodeName: "n1" }, annotations: { a: '"spec":{"nodeName":"n1"}' } }));
    expect(isBoundTo(pretends, "n1")).toBe(false);
  });

  it("sees whether anything but metadata and status changed", () => {
    expect(sameSpec(bound, encodeObject(podOf({ nodeName: "n1" }, { labels: { a: "b" } }, { phase: "Running" })))).toBe(true);
    expect(sameSpec(waiting, bound)).toBe(false);
  });

  it("sees an end", () => {
    const text = (phase: string) => encodeObject(podOf({}, {}, { phase }));
    expect(["Pending", "Running", "Succeeded", "Failed"].map((phase) => mayBeTerminal(text(phase)))).toEqual([false, false, true, true]);
    expect([mayBeDeleted(waiting), mayBeDeleted(encodeObject(podOf({}, { deletionTimestamp: "t" })))]).toEqual([false, true]);
  });
});
