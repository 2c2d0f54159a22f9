import { describe, expect, test } from "vitest";
import { seededRandom } from "../../runtime/mod.ts";
import { acknowledgementFaults } from "./acknowledged.ts";
import { linearizabilityFaults } from "./linearizability.ts";
import type { Answer, Happening, Operation, Request } from "./operation.ts";
import { simulatedHistory } from "./simulated-store.ts";
import type { Guarantee, Seen } from "./watch-guarantees.ts";
import { watchFaults } from "./watch-guarantees.ts";

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);
const SIZE = { clients: 6, keys: 3, each: 40 };

function operation(called: number, returned: number, request: Request, answer: Answer | undefined): Operation {
  return { client: `c${called}`, key: "k", called, returned, request, answer };
}

const create = (called: number, returned: number, value: string, answer: Answer | undefined): Operation =>
  operation(called, returned, { op: "create", value }, answer);
const update = (called: number, returned: number, expect: number, value: string, answer: Answer | undefined): Operation =>
  operation(called, returned, { op: "update", expect, value }, answer);
const remove = (called: number, returned: number, expect: number, answer: Answer | undefined): Operation =>
  operation(called, returned, { op: "delete", expect }, answer);
const read = (called: number, returned: number, at: number, value?: string, revision = at): Operation =>
  operation(called, returned, { op: "read" }, { type: "read", at, found: value === undefined ? undefined : { revision, value } });
const committed = (revision: number): Answer => ({ type: "committed", revision });
const conflict = (actual: number | undefined): Answer => ({ type: "conflict", actual });
const never = Number.POSITIVE_INFINITY;

describe("linearizability", () => {
  test.each(SEEDS)("what a store without faults does is found right (seed %i)", (seed) => {
    const { operations, log } = simulatedHistory(seededRandom(seed), SIZE);
    expect(linearizabilityFaults(operations)).toEqual([]);
    expect(acknowledgementFaults(operations, log)).toEqual([]);
  });

  test.each<[string, Operation[]]>([
    ["overlapping writes in either order", [create(0, 9, "a", committed(1)), update(1, 8, 1, "b", committed(2)), read(2, 3, 2, "b")]],
    ["a lost write that happened, late", [create(0, never, "a", undefined), read(1, 2, 0), read(3, 4, 1, "a")]],
    ["a lost write that never happened", [create(0, never, "a", undefined), read(1, 2, 0), create(3, 4, "b", committed(1))]],
    [
      "a lost write whose revision a conflict tells",
      [create(0, never, "a", undefined), create(1, 2, "b", conflict(7)), read(3, 4, 7, "a")],
    ],
    ["a lost deletion", [create(0, 1, "a", committed(1)), remove(2, never, 1, undefined), read(3, 4, 2), create(5, 6, "b", committed(3))]],
  ])("right: %s", (_name, history) => {
    expect(linearizabilityFaults(history)).toEqual([]);
  });

  test.each<[string, Operation[]]>([
    ["a stale read", [create(0, 1, "a", committed(1)), update(2, 3, 1, "b", committed(2)), read(4, 5, 1, "a")]],
    ["a read that goes back", [create(0, 9, "a", committed(1)), read(1, 2, 1, "a"), read(3, 4, 0)]],
    ["a lost update", [create(0, 1, "a", committed(1)), update(2, 3, 1, "b", committed(2)), update(2, 3, 1, "c", committed(3))]],
    ["an acknowledged write that is gone", [create(0, 1, "a", committed(1)), read(2, 3, 1)]],
    ["a stale conflict", [create(0, 1, "a", committed(1)), update(2, 3, 1, "b", committed(2)), update(4, 5, 2, "c", conflict(1))]],
    ["a conflict without reason", [create(0, 1, "a", committed(1)), update(2, 3, 1, "b", conflict(1))]],
    ["a revision that falls", [create(0, 1, "a", committed(5)), update(2, 3, 5, "b", committed(4))]],
    [
      "a lost write that happened twice",
      [create(0, never, "a", undefined), read(1, 2, 1, "a"), remove(3, 4, 1, committed(2)), read(5, 6, 3, "a")],
    ],
  ])("wrong: %s", (_name, history) => {
    expect(linearizabilityFaults(history)).toHaveLength(1);
  });

  test("a read of a random history that is made stale is found, and named", () => {
    let found = 0;
    for (const seed of SEEDS) {
      const { operations } = simulatedHistory(seededRandom(seed), SIZE);
      for (const [index, stale] of operations.entries()) {
        if (stale.answer?.type !== "read" || stale.answer.found === undefined) continue;
        const old = overwrittenBefore(operations, stale);
        if (old === undefined) continue;
        const altered = operations.with(index, { ...stale, answer: { ...stale.answer, found: old } });
        const faults = linearizabilityFaults(altered);
        expect(faults.map((fault) => fault.split(" ")[0])).toEqual([stale.key]);
        found++;
        break;
      }
    }
    expect(found).toBeGreaterThan(SEEDS.length / 2);
  });
});

/** What the key held once, and certainly no longer when the read was asked for. */
function overwrittenBefore(operations: readonly Operation[], stale: Operation): { revision: number; value: string } | undefined {
  const revisionOf = ({ answer }: Operation): number => (answer?.type === "committed" ? answer.revision : 0);
  const [first, second] = operations
    .filter(({ key, returned, answer }) => key === stale.key && returned < stale.called && answer?.type === "committed")
    .sort((a, b) => revisionOf(a) - revisionOf(b));
  if (first === undefined || second === undefined || !("value" in first.request)) return undefined;
  return { revision: revisionOf(first), value: first.request.value };
}

describe("what was acknowledged", () => {
  const log: Happening[] = [
    { revision: 1, key: "k", type: "created", value: "a", transaction: 1 },
    { revision: 2, key: "k", type: "updated", value: "b", transaction: 2 },
    { revision: 3, key: "j", type: "created", value: "c", transaction: 3 },
  ];
  test.each<[string, Operation[], Happening[]]>([
    ["lost", [update(0, 1, 1, "b", committed(2))], log.slice(0, 1)],
    ["lost", [update(0, 1, 1, "x", committed(2))], log],
    [
      "applied 2 times",
      [create(0, never, "c", undefined)],
      [...log, { revision: 4, key: "j", type: "created", value: "c", transaction: 4 }],
    ],
    ["out of order", [update(0, 1, 1, "b", committed(2)), { ...create(2, 3, "a", committed(1)), key: "k" }], log],
    ["out of order", [update(0, 1, 1, "b", committed(2)), read(2, 3, 1, "a")], log],
    ["out of order", [read(0, 1, 2, "b"), read(2, 3, 1, "a")], log],
  ])("%s is found", (what, history, after) => {
    const faults = acknowledgementFaults(history, after);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(what);
  });
});

describe("watches", () => {
  const log: Happening[] = Array.from({ length: 8 }, (_, i) => ({
    revision: i + 1,
    key: i === 3 ? "other/k" : `things/k${i}`,
    type: "created",
    value: `v${i}`,
    // Revisions 6 and 7 are one transaction.
    transaction: i === 6 ? 6 : i + 1,
  }));
  const at = (...revisions: number[]): Seen => ({ type: "events", events: revisions.map((revision) => log[revision - 1] as Happening) });
  const since = (revision: number): Seen => ({ type: "started", since: revision });
  const bookmark = (revision: number): Seen => ({ type: "bookmark", revision });
  const faultsOf = (seen: readonly Seen[]): Guarantee[] =>
    watchFaults({ watcher: "w", takes: (key) => key.startsWith("things/"), pieces: true, seen }, log).map(({ guarantee }) => guarantee);

  test.each<[string, Seen[]]>([
    ["all of it", [since(0), at(1, 2), at(3), at(5, 6, 7), at(8), bookmark(8)]],
    ["from the middle, resumed", [since(2), at(3), bookmark(4), since(4), at(5), at(6, 7), since(5), at(6, 7, 8)]],
    ["nothing yet", [since(8), bookmark(8)]],
    ["a revision that expired, and a new start later", [since(0), at(1), since(6), at(7)]],
  ])("right: %s", (_name, seen) => {
    expect(faultsOf(seen)).toEqual([]);
  });

  test.each<[Guarantee, Seen[]]>([
    ["ordered", [since(2), at(1)]],
    ["ordered", [since(0), at(1), bookmark(5), at(3)].slice(0, 2).concat(bookmark(0))],
    ["unique", [since(0), at(1), at(1)]],
    ["reliable", [since(0), at(1), at(3)]],
    ["reliable", [since(0), at(1, 2, 3), { type: "events", events: [{ ...(log[3] as Happening), key: "things/k3" }] }]],
    ["reliable", [since(0), { type: "events", events: [{ ...(log[0] as Happening), value: "other" }] }]],
    ["atomic", [since(4), at(5, 6), at(7)]],
    ["resumable", [since(0), at(1), since(1), at(3)]],
    ["bookmarkable", [since(0), at(1), bookmark(2)]],
    ["bookmarkable", [since(0), bookmark(8)]],
  ])("what is not %s is found", (guarantee, seen) => {
    expect(faultsOf(seen)).toContain(guarantee);
  });
});
