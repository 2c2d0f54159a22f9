import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rollOn } from "../../../../actors/controllers/deployment/deployment-scaling.ts";
import type { Deployment, ReplicaSet } from "../../../../actors/kinds/generated/types.ts";

const deployment = (replicas: number, maxUnavailable: number, maxSurge: number): Deployment => ({
  metadata: { name: "d", namespace: "n", uid: "u", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: {
    replicas,
    selector: {},
    template: { spec: { containers: [] } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable, maxSurge } },
  },
});
/** A set that wants so many pods, and that last counted so many available ones. */
const set = (name: string, replicas: number, available: number): ReplicaSet => ({
  metadata: { name, namespace: "n", uid: name, creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { replicas, selector: {}, template: { spec: { containers: [] } } },
  status: { replicas: available, availableReplicas: available },
});

function steps(of: Deployment, current: ReplicaSet, ...old: readonly ReplicaSet[]): Record<string, number> {
  const scales = rollOn(of, current, { current, old, all: [...old, current], revision: 2n });
  return Object.fromEntries(scales.map((scale) => [scale.set.metadata.name, scale.replicas]));
}

describe("a step of a rolling update", () => {
  test.each([
    ["the new set takes the room that there is", set("new", 0, 0), set("old", 10, 10), { new: 3 }],
    ["the old set goes down to the minimum", set("new", 3, 0), set("old", 10, 10), { old: 8 }],
    ["it goes on by as many as became available", set("new", 5, 3), set("old", 8, 8), { old: 5 }],
    ["pods that the old set is about to delete serve nobody", set("new", 5, 1), set("old", 8, 10), { old: 7 }],
    ["unhealthy pods of the old set go first", set("new", 3, 0), set("old", 10, 6), { old: 8 }],
    ["at the minimum it waits", set("new", 5, 0), set("old", 8, 10), {}],
  ])("%s", (_, current, old, expected) => {
    expect(steps(deployment(10, 2, 3), current, old)).toEqual(expected);
  });

  test("never gives up a pod that the minimum needs, however old the sets' own counts are", () => {
    const size = fc.nat({ max: 20 });
    fc.assert(
      fc.property(size, size, size, size, size, size, (replicas, maxUnavailable, maxSurge, now, wanted, late) => {
        fc.pre(replicas > 0 && maxUnavailable + maxSurge > 0);
        const current = set("new", now + late, now);
        // All that the old set wants are available, and it may still count some that it is deleting.
        const old = set("old", wanted, wanted + late);
        const { old: next = wanted } = steps(deployment(replicas, maxUnavailable, maxSurge), current, old);
        if (next < wanted) expect(next + now).toBeGreaterThanOrEqual(replicas - Math.min(maxUnavailable, replicas));
      }),
    );
  });
});
