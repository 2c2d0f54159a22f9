import { describe, expect, it } from "vitest";
import {
  ANYWHERE,
  bestNodes,
  type ClassHandle,
  Draw,
  explain,
  IndexCache,
  Inventory,
  type PeerFacts,
  placeBatch,
  preempt,
  type VolumeUse,
  volumeLimit,
  wordsOf,
} from "../../../scheduler-core/mod.ts";
import { ALONE } from "./neighbours.ts";

const FACTS = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };
const DISKS = "disks.example";

function cluster(limits: readonly (number | undefined)[]): Inventory {
  const inventory = new Inventory(1);
  limits.forEach((limit, number) => {
    const facts = { name: `n${number}`, unschedulable: false, labels: {}, taints: [], images: [] };
    inventory.setNode(facts, { pods: 100, ...(limit === undefined ? {} : { [volumeLimit(DISKS)]: limit + 1 }) });
  });
  return inventory;
}

function podWith(inventory: Inventory, volumes: readonly string[], priority = 0): ClassHandle {
  const uses = volumes.map((volume): VolumeUse => ({ driver: DISKS, volume }));
  const needs = { requests: {}, nonzero: { cpu_milli: 0, memory_bytes: 0 }, ports: [], volumes: uses };
  return inventory.classOf({ staticKey: "", facts: () => FACTS, usageKey: volumes.join(), needs: () => needs, priority });
}

function reasons(inventory: Inventory, handle: ClassHandle, peer?: PeerFacts): Record<string, string> {
  const of = peer === undefined ? undefined : inventory.peerOf(JSON.stringify(peer), () => peer);
  const answers = explain(inventory.cluster, inventory.ready(handle, of));
  return Object.fromEntries(
    answers.map((answer) => [
      inventory.nameOf(answer.slot),
      answer.feasible ? "" : answer.reasons.map((reason) => wordsOf(reason, [])).join(),
    ]),
  );
}

describe("NodeVolumeLimits", () => {
  it("lets a node attach no more volumes of a driver than its limit; without one, any number", () => {
    const inventory = cluster([2, 1, undefined]);
    inventory.enter(0, podWith(inventory, ["a"]).usage, undefined);
    const full = "node(s) exceed max volume count";
    expect(reasons(inventory, podWith(inventory, ["b"]))).toEqual({ n0: "", n1: "", n2: "" });
    expect(reasons(inventory, podWith(inventory, ["b", "c"]))).toEqual({ n0: full, n1: full, n2: "" });
  });

  it("counts a volume once, however many pods of the node use it", () => {
    const inventory = cluster([2]);
    const shared = podWith(inventory, ["a"]).usage;
    for (let i = 0; i < 3; i++) inventory.enter(0, shared, undefined);
    expect(reasons(inventory, podWith(inventory, ["a", "b"]))).toEqual({ n0: "" });
    inventory.leave(0, shared, undefined);
    inventory.enter(0, podWith(inventory, ["b"]).usage, undefined);
    expect(reasons(inventory, podWith(inventory, ["c"])).n0).not.toBe("");
    expect(reasons(inventory, podWith(inventory, ["a"])).n0).toBe("");
    inventory.leave(0, shared, undefined);
    inventory.leave(0, shared, undefined);
    expect(reasons(inventory, podWith(inventory, ["c"])).n0).toBe("");
  });

  it("counts what is attached to a node though no pod uses it, once with those that do, and a new pod's own beside it", () => {
    const inventory = cluster([2]);
    const attached = (...volumes: string[]) =>
      inventory.setVolumes(0, { attached: volumes.map((volume) => ({ driver: DISKS, volume })), replaced: new Set() });
    attached("x", "y");
    expect(reasons(inventory, podWith(inventory, ["a"])).n0).not.toBe("");
    attached("x");
    expect(reasons(inventory, podWith(inventory, ["a"])).n0).toBe("");
    const user = podWith(inventory, ["x"]).usage;
    inventory.enter(0, user, undefined);
    expect(reasons(inventory, podWith(inventory, ["a"])).n0).toBe("");
    inventory.leave(0, user, undefined);
    attached("x", "y");
    // As in kube-scheduler: only pods on the node make a volume one that need not be attached.
    expect(reasons(inventory, podWith(inventory, ["x"])).n0).not.toBe("");
    attached();
    expect(reasons(inventory, podWith(inventory, ["a", "b"])).n0).toBe("");
  });

  it("counts volumes of a replaced plugin only on nodes that say that it is", () => {
    const inventory = cluster([1, 1]);
    inventory.setVolumes(1, { attached: [], replaced: new Set(["old"]) });
    const withOld = (volumes: readonly string[]): ClassHandle => {
      const uses = volumes.map((volume): VolumeUse => ({ driver: DISKS, volume, plugin: "old" }));
      const needs = { requests: {}, nonzero: { cpu_milli: 0, memory_bytes: 0 }, ports: [], volumes: uses };
      return inventory.classOf({ staticKey: "", facts: () => FACTS, usageKey: `old ${volumes}`, needs: () => needs, priority: 0 });
    };
    for (const slot of [0, 1]) inventory.enter(slot, withOld(["a"]).usage, undefined);
    const full = "node(s) exceed max volume count";
    expect(reasons(inventory, withOld(["b"]))).toEqual({ n0: "", n1: full });
    expect(reasons(inventory, podWith(inventory, ["b"]))).toEqual({ n0: "", n1: full });
    for (const slot of [0, 1]) inventory.leave(slot, withOld(["a"]).usage, undefined);
    expect(reasons(inventory, podWith(inventory, ["b"]))).toEqual({ n0: "", n1: "" });
  });

  it("forgets what was attached to a node that is gone", () => {
    const inventory = cluster([1]);
    inventory.enter(0, podWith(inventory, ["a"]).usage, undefined);
    inventory.removeNode("n0");
    inventory.setNode({ name: "n0", unschedulable: false, labels: {}, taints: [], images: [] }, { pods: 100, [volumeLimit(DISKS)]: 2 });
    expect(reasons(inventory, podWith(inventory, ["a"]))).toEqual({ n0: "" });
    inventory.enter(0, podWith(inventory, ["a"]).usage, undefined);
    expect(reasons(inventory, podWith(inventory, ["b"])).n0).not.toBe("");
  });
});

describe("ReadWriteOncePod", () => {
  const user: PeerFacts = { ...ALONE, claims: ["d/data"], exclusiveClaims: ["d/data"] };

  it("rejects every node while a pod uses the claim, and makes room only where that pod is", () => {
    const inventory = cluster([undefined, undefined]);
    const handle = podWith(inventory, [], 10);
    const peer = inventory.peerOf("user", () => user);
    const taken = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
    expect(reasons(inventory, handle, user)).toEqual({ n0: "", n1: "" });
    inventory.enter(1, podWith(inventory, []).usage, peer);
    inventory.enter(0, podWith(inventory, []).usage, undefined);
    inventory.cluster.lowestPriority.fill(0);
    expect(reasons(inventory, handle, user)).toEqual({ n0: taken, n1: taken });
    const found = preempt(inventory.cluster, {
      pods: inventory.ready(handle, peer),
      pin: ANYWHERE,
      occupants: (slot) => [
        {
          owner: inventory.nameOf(slot),
          priority: 0,
          started_ms: undefined,
          usage: podWith(inventory, []).usage,
          marks: slot === 1 ? inventory.raisedBy(peer) : new Int32Array(0),
          budgets: [],
        },
      ],
      allowed: [],
      random: new Draw(1),
    });
    expect(found.slot).toBe(1);
    expect(found.victims).toEqual(["n1"]);
  });

  it("lets one pod of a batch have it", () => {
    const inventory = cluster([undefined, undefined]);
    const pods = inventory.ready(
      podWith(inventory, []),
      inventory.peerOf("user", () => user),
    );
    const batch = { classes: [pods], pods: Int32Array.of(0, 0), pins: Int32Array.of(ANYWHERE, ANYWHERE) };
    const { slots } = placeBatch(inventory.cluster, batch, new IndexCache(), new Draw(1));
    expect(slots[0]).toBeGreaterThanOrEqual(0);
    expect(slots[1]).toBe(-1);
    expect(bestNodes(inventory.cluster, pods)).toEqual([]);
  });
});
