import fc from "fast-check";
import { expect, test } from "vitest";
import type { Placement } from "../../../../actors/controllers/daemonset/daemonset-placement.ts";
import { Seats } from "../../../../actors/controllers/daemonset/daemonset-seats.ts";
import type { PodFacts } from "../../../../actors/controllers/pods/pod-facts.ts";

const SET = "daemonsets.apps/d/ds";

const pod = (uid: string, targetNode: string, rest: Partial<PodFacts> = {}): PodFacts =>
  ({ uid, targetNode, phase: "Running", deleting: false, ...rest }) as PodFacts;
const placement = (node: string, shouldRun = true): Placement => ({ node, shouldRun, mayStay: true });

test("a seat for each node, with its pods, and for each node that is gone and has some", () => {
  const [a, b, b2, lost] = [pod("a", "n-1"), pod("b", "n-2"), pod("b2", "n-2"), pod("lost", "n-9")];
  const nowhere = pod("nowhere", "");
  const done = pod("done", "n-3", { phase: "Failed", deleting: true });
  const placements = [placement("n-1"), placement("n-2"), placement("n-3", false)];
  expect(new Seats().of(SET, placements, [a, b, lost, b2, nowhere, done])).toEqual([
    { node: "n-1", shouldRun: true, mayStay: true, exists: true, pods: [a] },
    { node: "n-2", shouldRun: true, mayStay: true, exists: true, pods: [b, b2] },
    { node: "n-3", shouldRun: false, mayStay: true, exists: true, pods: [] },
    { node: "n-9", shouldRun: false, mayStay: false, exists: false, pods: [lost] },
  ]);
});

test("a seat at which nothing changed is the one of the last look", () => {
  const seats = new Seats();
  const [a, b] = [pod("a", "n-1"), pod("b", "n-2")];
  const before = seats.of(SET, [placement("n-1"), placement("n-2")], [a, b]);
  const after = seats.of(SET, [placement("n-1"), placement("n-2")], [a, pod("b", "n-2", { phase: "Failed" })]);
  expect(after[0]).toBe(before[0]);
  expect(after[1]).not.toEqual(before[1]);
  seats.forget(SET);
  expect(seats.of(SET, [placement("n-1")], [a])[0]).not.toBe(before[0]);
});

test("whatever was before, the seats are those of a first look", () => {
  const nodes = fc.uniqueArray(fc.record({ node: fc.constantFrom("a", "b", "c", "d"), shouldRun: fc.boolean(), mayStay: fc.boolean() }), {
    selector: ({ node }) => node,
  });
  const pods = fc.array(
    fc.record({
      targetNode: fc.constantFrom("", "a", "b", "c", "d"),
      phase: fc.constantFrom("Running", "Failed"),
      deleting: fc.boolean(),
      uid: fc.constantFrom("1", "2"),
    }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(nodes, pods), { maxLength: 4 }), (looks) => {
      const seats = new Seats();
      for (const [placements, facts] of looks) {
        const all = facts as unknown as PodFacts[];
        expect(seats.of(SET, placements, all)).toEqual(new Seats().of(SET, placements, all));
      }
    }),
  );
});
