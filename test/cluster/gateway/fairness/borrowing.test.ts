import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Borrower } from "../../../../cluster/gateway/fairness/borrowing.ts";
import { allocate, firstSeats, limitsOf, sharesOf } from "../../../../cluster/gateway/fairness/borrowing.ts";
import { DEFAULT_LEVELS } from "../../../../cluster/gateway/fairness/defaults.ts";
import { RetryAfter } from "../../../../cluster/gateway/fairness/retry-after.ts";

const SEATS = 600;
const shares = DEFAULT_LEVELS.reduce((sum, { spec }) => sum + sharesOf(spec), 0);
const limits = new Map(DEFAULT_LEVELS.map(({ metadata, spec }) => [metadata.name, limitsOf(spec, SEATS, shares)]));

/** As kube-apiserver 1.34.9 shows them in its metrics, with its own levels. */
test("the limits of Kubernetes' own levels", () => {
  const shown = Object.fromEntries([...limits].map(([name, { nominal, min, max }]) => [name, [nominal, min, max]]));
  expect(shown).toEqual({
    exempt: [0, 0, 600],
    "catch-all": [13, 13, 613],
    system: [74, 50, 674],
    "node-high": [98, 73, 698],
    "leader-election": [25, 25, 625],
    "workload-high": [98, 49, 698],
    "workload-low": [245, 24, 845],
    "global-default": [49, 24, 649],
  });
});

test("borrowingLimitPercent bounds what is borrowed; a new level begins with half of what it lends lent", () => {
  const spec = { nominalConcurrencyShares: 10, lendablePercent: 50, borrowingLimitPercent: 25, limitResponse: { type: "Reject" } };
  const own = limitsOf({ type: "Limited", limited: spec }, 100, 20);
  expect(own).toEqual({ nominal: 50, min: 25, max: 63 });
  expect(firstSeats(own)).toBe(38);
});

function borrower(name: string, wanted = 0): Borrower {
  const own = limits.get(name);
  if (own === undefined) throw new Error(name);
  return { limits: own, exempt: name === "exempt", highWatermark: wanted, smoothed: wanted };
}

describe("seats are given to those who need them", () => {
  const names = [...limits.keys()];
  const seatsOf = (wanted: Readonly<Record<string, number>>): Record<string, number> => {
    const { allocations } = allocate(names.map((name) => borrower(name, wanted[name])));
    return Object.fromEntries(names.map((name, index) => [name, allocations[index]?.seats ?? 0]));
  };

  test("one level that wants much borrows what all others lend", () => {
    const seats = seatsOf({ "global-default": 10_000 });
    const kept = ["catch-all", "system", "node-high", "leader-election", "workload-high", "workload-low"];
    for (const name of kept) expect(seats[name], name).toBe(limits.get(name)?.min);
    const all = [...limits.values()].reduce((sum, { nominal }) => sum + nominal, 0);
    expect(seats["global-default"]).toBe(all - kept.reduce((sum, name) => sum + (limits.get(name)?.min ?? 0), 0));
  });

  test("who needs its own keeps it, whatever others want", () => {
    expect(seatsOf({ "global-default": 10_000, "workload-low": 300 })["workload-low"]).toBeGreaterThanOrEqual(245);
  });

  test("what exempt requests take is missing to the others", () => {
    const seats = seatsOf({ exempt: 500, "workload-low": 300, system: 80 });
    expect(seats.exempt).toBe(500);
    for (const name of ["system", "workload-low"]) expect(seats[name], name).toBe(limits.get(name)?.min);
  });

  test("all seats are given out, each level within its limits", () => {
    const level = fc.record({
      nominal: fc.nat(300),
      lent: fc.nat(300),
      borrows: fc.nat(600),
      wanted: fc.nat(1_000),
      smoothed: fc.nat(1_000),
    });
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 12 }), (drawn) => {
        const levels = drawn.map(({ nominal, lent, borrows, wanted, smoothed }) => ({
          limits: { nominal, min: Math.max(0, nominal - lent), max: nominal + borrows },
          exempt: false,
          highWatermark: wanted,
          smoothed,
        }));
        const { allocations } = allocate(levels);
        const all = drawn.reduce((sum, { nominal }) => sum + nominal, 0);
        const given = allocations.reduce((sum, { seats }) => sum + seats, 0);
        expect(Math.abs(given - all)).toBeLessThanOrEqual(levels.length);
        for (const [index, { seats }] of allocations.entries()) {
          expect(seats).toBeGreaterThanOrEqual(levels[index]?.limits.min ?? 0);
          expect(seats).toBeLessThanOrEqual(levels[index]?.limits.max ?? 0);
        }
      }),
    );
  });
});

test("those who are turned away are told to wait longer while many are, and shorter again", () => {
  const retry = new RetryAfter();
  const told: number[] = [];
  let now_s = 1;
  const second = (count: number): void => {
    for (let one = 0; one < count; one++) retry.refused(now_s);
    told.push(retry.seconds);
    now_s++;
  };
  for (let count = 0; count < 8; count++) second(20);
  expect(told).toEqual([1, 2, 2, 4, 4, 4, 4, 8]);
  now_s += 60;
  for (let count = 0; count < 8; count++) second(1);
  expect(told.at(-1)).toBeLessThan(8);
});
