import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../actors/kinds/generated/types.ts";
import { classify, peerOfPod, usageOfPod } from "../../actors/scheduler/class.ts";
import { readNode } from "../../actors/scheduler/facts.ts";
import { unschedulableMessage } from "../../actors/scheduler/messages.ts";
import { Roster } from "../../actors/scheduler/roster.ts";
import { ANYWHERE, bestNodes, Draw, explain, IndexCache, Inventory, placeBatch } from "../../scheduler-core/mod.ts";

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
    readonly victims?: readonly string[];
  };
}

const PRIORITIES: Readonly<Record<string, number>> = { low: 10, mid: 100, high: 1000 };
const NAMESPACES: Readonly<Record<string, Record<string, string>>> = {
  default: { "kubernetes.io/metadata.name": "default" },
  other: { "kubernetes.io/metadata.name": "other", team: "blue" },
};
const RECORDED = process.env.SCHEDULER_DECISIONS ?? new URL("../parity/scheduler-basic.json", import.meta.url);
const cases = JSON.parse(readFileSync(RECORDED, "utf8")) as Case[];

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

function clusterOf(testCase: Case): Inventory {
  for (const nodes of arrivals(testCase.nodes)) {
    const inventory = clusterFrom(nodes, testCase.pods);
    if (explainsImages(inventory, testCase)) return inventory;
  }
  throw new Error("no order of arrival explains the image scores");
}

function clusterFrom(nodes: readonly Node[], pods: readonly Pod[]): Inventory {
  const inventory = new Inventory(1);
  for (const name in NAMESPACES) inventory.setNamespace(name, NAMESPACES[name]);
  for (const node of nodes) {
    const { facts, allocatable } = readNode(node);
    inventory.setNode(facts, allocatable);
  }
  const roster = new Roster(inventory);
  for (const pod of pods.map(admitted)) {
    const tenant = { usage: usageOfPod(inventory, pod), peer: peerOfPod(inventory, pod), priority: pod.spec.priority ?? 0 };
    roster.enter(tenant, pod.spec.nodeName ?? "");
  }
  return inventory;
}

describe("kube-scheduler's decisions", () => {
  it("has cases of each sort", () => {
    expect(cases.filter(({ expect: { best } }) => best !== undefined).length).toBeGreaterThan(10);
    expect(cases.filter(({ expect: { unschedulable } }) => unschedulable !== undefined).length).toBeGreaterThan(5);
  });

  it.each(cases)("$name", (testCase) => {
    const { incoming, expect: expected } = testCase;
    const inventory = clusterOf(testCase);
    const { handle, peer, pin } = classify(inventory, admitted(incoming));
    const pods = inventory.ready(handle, peer);
    const names = (slots: readonly number[]): string[] => slots.map((slot) => inventory.nameOf(slot)).sort();
    const best = names(bestNodes(inventory.cluster, pods));
    const feasible = explain(inventory.cluster, pods).filter((answer) => answer.feasible);

    expect(pin).toBeUndefined();
    expect(best).toEqual([...(expected.best ?? [])].sort());
    for (const [node, scores] of Object.entries(expected.scores ?? {})) {
      const answer = feasible.find(({ slot }) => inventory.nameOf(slot) === node);
      expect({ ...answer?.scores, total: answer?.total }).toEqual(scores);
    }
    if (Object.keys(expected.scores ?? {}).length > 0)
      expect(names(feasible.map(({ slot }) => slot))).toEqual(Object.keys(expected.scores ?? {}).sort());

    const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(ANYWHERE) };
    const { slots, diagnoses } = placeBatch(inventory.cluster, batch, new IndexCache(), new Draw(7));
    if (expected.unschedulable === undefined) expect(expected.best).toContain(inventory.nameOf(slots[0] ?? -1));
    else {
      const [diagnosis] = diagnoses;
      if (diagnosis === undefined) throw new Error("no diagnosis");
      const message = unschedulableMessage(diagnosis, inventory.columns.names);
      // Where there are pods of lower priority, preemption would have had its say, and it does not exist yet.
      const said = diagnosis.preemptible > 0 ? expected.unschedulable.replace(/ no new claims.*$/, "") : expected.unschedulable;
      expect(message).toBe(said);
    }
  });
});
