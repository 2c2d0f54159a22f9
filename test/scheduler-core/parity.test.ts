import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../actors/kinds/generated/types.ts";
import { classify, peerOfPod, usageOfPod } from "../../actors/scheduler/class.ts";
import { readNode } from "../../actors/scheduler/facts.ts";
import { unschedulableMessage } from "../../actors/scheduler/messages.ts";
import { Roster } from "../../actors/scheduler/roster.ts";
import {
  ANYWHERE,
  bestNodes,
  Draw,
  explain,
  IndexCache,
  Inventory,
  type Occupant,
  type Peer,
  type Placements,
  type PodClass,
  type Preemption,
  placeBatch,
  preempt,
  type Usage,
} from "../../scheduler-core/mod.ts";

/** What kube-scheduler 1.34.9 decided in small random clusters; scores are weighted. */
interface Case {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly incoming: Pod;
  readonly expect: {
    readonly node?: string;
    readonly best?: readonly string[];
    readonly scores?: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly unschedulable?: string;
    /** Where there is room once the victims are gone, but the pod was not placed yet. */
    readonly nominated?: string;
    readonly victims?: readonly string[];
  };
}

const PRIORITIES: Readonly<Record<string, number>> = { low: 10, mid: 100, high: 1000 };
const NAMESPACES: Readonly<Record<string, Record<string, string>>> = {
  default: { "kubernetes.io/metadata.name": "default" },
  other: { "kubernetes.io/metadata.name": "other", team: "blue" },
};
const recorded = gunzipSync(readFileSync(new URL("../parity/scheduler.jsonl.gz", import.meta.url))).toString();
const cases = recorded
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

/** What admission and defaulting would have done. */
function admitted(pod: Pod): Pod {
  const withRequests = pod.spec.containers.map((container) => ({
    ...container,
    resources: { ...container.resources, requests: { ...container.resources?.limits, ...container.resources?.requests } },
  }));
  return { ...pod, spec: { ...pod.spec, containers: withRequests, priority: PRIORITIES[pod.spec.priorityClassName ?? ""] ?? 0 } };
}

/**
 * An image counts with the size that the first node with it told, and the recording does not say in which order the nodes came to
 * kube-scheduler. So some order of arrival must explain all scores of a case; these are the orders that are tried.
 */
function* arrivals(nodes: readonly Node[]): Iterable<readonly Node[]> {
  yield nodes;
  const random = new Draw(1);
  for (let i = 0; i < 500; i++) {
    const left = [...nodes];
    yield nodes.flatMap(() => left.splice(random.below(left.length), 1));
  }
}

function explainsImages(inventory: Inventory, testCase: Case): boolean {
  const { handle, peer } = classify(inventory, admitted(testCase.incoming));
  const pods = inventory.ready(handle, peer);
  return explain(inventory.cluster, pods).every((answer) => {
    const recorded = testCase.expect.scores?.[inventory.nameOf(answer.slot)];
    return !answer.feasible || recorded === undefined || recorded.ImageLocality === answer.scores.ImageLocality;
  });
}

interface Tenant {
  readonly name: string;
  readonly usage: Usage;
  readonly peer: Peer;
  readonly priority: number;
}

interface World {
  readonly inventory: Inventory;
  readonly roster: Roster<Tenant>;
}

function worldOf(testCase: Case): World {
  for (const nodes of arrivals(testCase.nodes)) {
    const world = worldFrom(nodes, testCase.pods);
    if (explainsImages(world.inventory, testCase)) return world;
  }
  throw new Error("no order of arrival explains the image scores");
}

function worldFrom(nodes: readonly Node[], pods: readonly Pod[]): World {
  const inventory = new Inventory(1);
  for (const name in NAMESPACES) inventory.setNamespace(name, NAMESPACES[name]);
  for (const node of nodes) {
    const { facts, allocatable } = readNode(node);
    inventory.setNode(facts, allocatable);
  }
  const roster = new Roster<Tenant>(inventory);
  for (const pod of pods.map(admitted)) {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const { priority = 0, nodeName = "" } = pod.spec;
    roster.enter({ name, usage: usageOfPod(inventory, pod), peer: peerOfPod(inventory, pod), priority }, nodeName);
  }
  return { inventory, roster };
}

function makeRoom({ inventory, roster }: World, pods: PodClass): Preemption<Tenant> {
  const occupants = (slot: number): Occupant<Tenant>[] =>
    [...roster.on(inventory.nameOf(slot))].map((owner) => {
      const { usage, priority, peer } = owner;
      return { owner, usage, priority, marks: inventory.raisedBy(peer), started_ms: undefined, budgets: [] };
    });
  return preempt(inventory.cluster, { pods, pin: ANYWHERE, occupants, allowed: [], random: new Draw(3) });
}

describe("kube-scheduler's decisions", () => {
  it("has cases of each sort", () => {
    expect(cases.filter(({ expect: { best } }) => best !== undefined).length).toBeGreaterThan(150);
    expect(cases.filter(({ expect: { victims } }) => victims !== undefined).length).toBeGreaterThan(10);
    expect(cases.filter(({ expect: { unschedulable } }) => unschedulable !== undefined).length).toBeGreaterThan(70);
  });

  it.each(cases)("$name", (testCase) => {
    const { incoming, expect: expected } = testCase;
    const world = worldOf(testCase);
    const { inventory, roster } = world;
    const { handle, peer, pin } = classify(inventory, admitted(incoming));
    const pods = inventory.ready(handle, peer);
    const names = (slots: readonly number[]): string[] => slots.map((slot) => inventory.nameOf(slot)).sort();
    const place = (): Placements => {
      const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(ANYWHERE) };
      return placeBatch(inventory.cluster, batch, new IndexCache(), new Draw(7));
    };
    expect(pin).toBeUndefined();

    if (expected.victims !== undefined || expected.unschedulable !== undefined) {
      expect(bestNodes(inventory.cluster, pods)).toEqual([]);
      const [diagnosis] = place().diagnoses;
      if (diagnosis === undefined) throw new Error("no diagnosis");
      const before = inventory.cluster.rows.slice();
      const preemption = makeRoom(world, pods);
      expect(inventory.cluster.rows).toEqual(before);
      expect(preemption.victims.map(({ name }) => name).sort()).toEqual([...(expected.victims ?? [])].sort());
      if (expected.unschedulable !== undefined)
        expect(unschedulableMessage(diagnosis, inventory.columns.names, undefined, preemption)).toBe(expected.unschedulable);
      if (expected.victims === undefined) return;
      const node = inventory.nameOf(preemption.slot ?? -1);
      expect(node).toBe(expected.nominated ?? expected.node);
      for (const victim of preemption.victims) roster.leave(victim, node);
      if (expected.best === undefined) return;
    }
    const best = names(bestNodes(inventory.cluster, pods));
    const feasible = explain(inventory.cluster, pods).filter((answer) => answer.feasible);
    expect(best).toEqual([...(expected.best ?? [])].sort());
    for (const [node, scores] of Object.entries(expected.scores ?? {})) {
      const answer = feasible.find(({ slot }) => inventory.nameOf(slot) === node);
      expect({ ...answer?.scores, total: answer?.total }).toEqual(scores);
    }
    if (Object.keys(expected.scores ?? {}).length > 0)
      expect(names(feasible.map(({ slot }) => slot))).toEqual(Object.keys(expected.scores ?? {}).sort());
    expect(expected.best).toContain(inventory.nameOf(place().slots[0] ?? -1));
  });
});
