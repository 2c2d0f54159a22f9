import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownsPod } from "../../../actors/scheduler/shard.ts";

describe("ownsPod", () => {
  it("gives every pod to exactly one shard", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 9 }), (uid, shards) => {
        const owners = Array.from({ length: shards }, (_, shard) => ownsPod(uid, shard, shards)).filter(Boolean);
        expect(owners.length).toBe(1);
      }),
    );
  });

  it("spreads pods over the shards", () => {
    const owned = Array.from({ length: 4_000 }, (_, i) => `5f2b1c9e-0000-4000-8000-${i.toString(16).padStart(12, "0")}`).filter((uid) =>
      ownsPod(uid, 1, 4),
    );
    expect(Math.abs(owned.length - 1_000)).toBeLessThan(150);
  });
});
