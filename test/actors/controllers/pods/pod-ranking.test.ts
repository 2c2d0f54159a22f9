import { expect, test } from "vitest";
import type { PodFacts } from "../../../../actors/controllers/pods/pod-facts.ts";
import { podsToDelete } from "../../../../actors/controllers/pods/pod-ranking.ts";

const NOW_MS = 1_000_000_000;

function facts(name: string, rest: Partial<PodFacts> = {}): PodFacts {
  const pod = { name, uid: name, created_ms: NOW_MS - 1e6, nodeName: "n", phase: "Running", ready: true, readySince_ms: NOW_MS - 1e6 };
  return { ...pod, restarts: 0, deletionCost: 0, ...rest } as PodFacts;
}

/** Of each pair the first one goes. Source: the order in Kubernetes' documentation of ReplicaSet, and controller_utils. */
const PAIRS: readonly [string, Partial<PodFacts>, Partial<PodFacts>][] = [
  ["unassigned before assigned", { nodeName: "" }, {}],
  ["pending before running", { phase: "Pending", ready: false }, { ready: false }],
  ["unready before ready", { ready: false }, {}],
  ["cheaper before dearer", { deletionCost: -5 }, { deletionCost: 0 }],
  ["where more of the same are", { nodeName: "crowded" }, { nodeName: "n" }],
  ["ready for a shorter time", { readySince_ms: NOW_MS - 1_000 }, { readySince_ms: NOW_MS - 1e6 }],
  ["more restarts", { restarts: 3 }, { restarts: 1 }],
  ["younger", { created_ms: NOW_MS - 1_000 }, { created_ms: NOW_MS - 1e6 }],
  ["unready, though dearer", { ready: false, deletionCost: 10 }, { deletionCost: 0 }],
];

test.each(PAIRS)("%s", (_what, first, second) => {
  const neighbours = new Map([["crowded", 2]]);
  const a = facts("z", first);
  const b = facts("a", second);
  expect(podsToDelete([b, a], 1, neighbours, NOW_MS)).toEqual([a]);
  expect(podsToDelete([a, b], 1, neighbours, NOW_MS)).toEqual([a]);
});
