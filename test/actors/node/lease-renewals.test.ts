import { expect, test } from "vitest";
import { encodeObject, type ObjectText } from "../../../actors/kinds/text.ts";
import { LeaseRenewals } from "../../../actors/node/lease-renewals.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { virtualClock } from "../../../runtime/mod.ts";

const leaseOf = (name: string): ObjectText =>
  encodeObject({
    metadata: { name, namespace: "kube-node-lease", uid: name, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: "2026-01-01T00:00:00.000000Z" },
  } as never);

/** A registry that has the leases of these nodes, and what it was asked to write together. */
function registryWith(...nodes: string[]): { readonly registry: Registry; readonly asked: (readonly string[])[]; down: boolean } {
  const asked: (readonly string[])[] = [];
  const there = {
    asked,
    down: false,
    registry: {
      async rewriteTogether(
        _kind: unknown,
        _namespace: unknown,
        names: readonly string[],
        rewrite: (text: ObjectText, name: string) => unknown,
      ) {
        asked.push(names);
        if (there.down) throw new Error("the store is away");
        return new Set(names.filter((name) => nodes.includes(name) && rewrite(leaseOf(name), name) !== undefined));
      },
    } as unknown as Registry,
  };
  return there;
}

test("heartbeats that come close together are one write, and each node hears what became of its own", async () => {
  const clock = virtualClock();
  const { registry, asked } = registryWith("a", "b");
  const renewals = new LeaseRenewals(registry, clock);
  const first = renewals.renew("a");
  await clock.run(60);
  const others = Promise.all([renewals.renew("b"), renewals.renew("new")]);
  await clock.run(60);
  expect([await first, await others]).toEqual([true, [true, false]]);
  const later = renewals.renew("a");
  await clock.run(200);
  expect([await later, asked]).toEqual([true, [["a", "b", "new"], ["a"]]]);
});

test("an outage is every node's own affair, and ends", async () => {
  const clock = virtualClock();
  const there = registryWith("a", "b");
  const renewals = new LeaseRenewals(there.registry, clock);
  there.down = true;
  const lost = Promise.allSettled([renewals.renew("a"), renewals.renew("b")]);
  await clock.run(200);
  expect((await lost).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  there.down = false;
  const found = renewals.renew("a");
  await clock.run(200);
  expect(await found).toBe(true);
});
