import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PremiseTable } from "../../../actors/store/premises.ts";

describe("PremiseTable", () => {
  it("knows of each touch that somebody else made after what one has seen, and of no other", () => {
    const step = fc.record({
      by: fc.constantFrom("a", "b", "c"),
      behind: fc.nat(4),
      checks: fc.subarray(["x", "y"]),
      touches: fc.subarray(["x", "y"]),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const table = new PremiseTable(0);
        const history: { by: string; name: string; revision: number }[] = [];
        let revision = 10;
        for (const { by, behind, checks, touches } of steps) {
          const premises = { by, seen: revision - behind, checks, touches };
          const unseen = history.some((touch) => touch.by !== by && checks.includes(touch.name) && touch.revision > premises.seen);
          expect(table.broken(premises) !== undefined).toBe(unseen);
          if (unseen) continue;
          revision++;
          table.touch(premises, revision);
          for (const name of touches) history.push({ by, name, revision });
        }
      }),
    );
  });

  it("takes what it cannot know for touched", () => {
    const table = new PremiseTable(100);
    const premises = (seen: number) => ({ by: "a", seen, checks: ["x"], touches: [] });
    expect([table.broken(premises(99)), table.broken(premises(100))]).toEqual([100, undefined]);
    table.reset(200);
    expect(table.broken(premises(150))).toBe(200);
  });
});
