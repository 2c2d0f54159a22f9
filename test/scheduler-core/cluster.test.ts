import { describe, expect, it } from "vitest";
import { Cluster, Inventory, NO_PRIORITY } from "../../scheduler-core/mod.ts";
import { CPU_MILLI, MEMORY_BYTES, PODS, usageOf } from "../../scheduler-core/usage.ts";

const usage = usageOf(
  new Map([
    [CPU_MILLI, 250],
    [MEMORY_BYTES, 2 ** 52 + 1],
  ]),
  { cpu_milli: 250, memory_bytes: 2 ** 52 + 1 },
  { taken: [0, 1], wanted: [0] },
);

describe("Cluster", () => {
  it("counts exactly to 2^53 and back", () => {
    const cluster = Cluster.create(1, 4, 4, 2);
    cluster.open(2, Float64Array.of(1000, 2 ** 53, 0, 10));
    cluster.add(2, usage);
    expect([cluster.requested(2, CPU_MILLI), cluster.requested(2, MEMORY_BYTES), cluster.requested(2, PODS)]).toEqual([
      250,
      2 ** 52 + 1,
      1,
    ]);
    expect([...cluster.ports.subarray(4, 6)]).toEqual([1, 1]);
    cluster.remove(2, usage);
    expect([cluster.requested(2, CPU_MILLI), cluster.requested(2, MEMORY_BYTES), cluster.requested(2, PODS)]).toEqual([0, 0, 0]);
    expect([...cluster.ports.subarray(4, 6)]).toEqual([0, 0]);
  });

  it("is the same from another thread's view of the buffer", () => {
    const cluster = Cluster.create(7, 4, 4, 2);
    cluster.open(1, Float64Array.of(1000, 1000, 1000, 10));
    const other = Cluster.over(cluster.buffer);
    other.add(1, usage);
    expect([other.identity, other.nodes, other.changes, cluster.requested(1, CPU_MILLI)]).toEqual([7, 2, cluster.changes, 250]);
  });

  it("keeps everything when it grows", () => {
    const cluster = Cluster.create(1, 2, 4, 2);
    cluster.open(1, Float64Array.of(1000, 2 ** 53, 5, 10));
    cluster.add(1, usage);
    cluster.lowestPriority[1] = 3;
    const grown = cluster.grown(3, 6, 3);
    expect([grown.capacity, grown.columns, grown.portColumns, grown.changes]).toEqual([4, 6, 4, cluster.changes]);
    expect([0, 1, 2, 3].map((column) => grown.allocatable(1, column))).toEqual([1000, 2 ** 53, 5, 10]);
    expect([0, 1, 2, 3].map((column) => grown.requested(1, column))).toEqual([250, 2 ** 52 + 1, 0, 1]);
    expect([...grown.ports.subarray(4, 8)]).toEqual([1, 1, 0, 0]);
    expect([...grown.lowestPriority]).toEqual([NO_PRIORITY, 3, NO_PRIORITY, NO_PRIORITY]);
  });
});

describe("Inventory", () => {
  const facts = (name: string) => ({ name, unschedulable: false, labels: {}, taints: [], images: [] });

  it("gives a deleted node's slot to the next, empty", () => {
    const inventory = new Inventory(1);
    const slot = inventory.setNode(facts("a"), { cpu: 1000, pods: 1, "example.com/gpu": 2 });
    inventory.cluster.add(slot, usageOf(new Map([[CPU_MILLI, 5]]), { cpu_milli: 5, memory_bytes: 0 }));
    inventory.removeNode("a");
    expect(inventory.setNode(facts("b"), { cpu: 2000, pods: 1 })).toBe(slot);
    expect([inventory.cluster.allocatable(slot, CPU_MILLI), inventory.cluster.requested(slot, CPU_MILLI)]).toEqual([2000, 0]);
    expect([inventory.slotOf("a"), inventory.nameOf(slot), inventory.cluster.allocatable(slot, 4)]).toEqual([undefined, "b", 0]);
  });

  it("says how many pods of a class a node has room for", () => {
    const inventory = new Inventory(1);
    const slot = inventory.setNode(facts("a"), { cpu: 1000, memory: 100, pods: 8 });
    const nobody = { affinity: [], antiAffinity: [], preferred: [], spread: [], spreadNeedsAllKeys: true };
    const peer = inventory.peerOf("", () => ({ namespace: "d", labels: {}, isTerminating: false, ...nobody }));
    const room = (cpu: number, ports: number[] = []): number => {
      const needs = {
        requests: { cpu },
        nonzero: { cpu_milli: cpu, memory_bytes: 0 },
        ports: ports.map((port) => ({ protocol: "TCP", ip: "0.0.0.0", port })),
      };
      const pod = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };
      const handle = inventory.classOf({
        ...{ staticKey: "", facts: () => pod, usageKey: JSON.stringify(needs), needs: () => needs, priority: 0 },
      });
      return inventory.worthATry(handle, peer, [slot], new Set(["NodeResourcesFit"]), 100);
    };
    expect([room(300), room(1000), room(1001), room(1), room(1, [80])]).toEqual([3, 1, 0, 8, 1]);
  });
});
