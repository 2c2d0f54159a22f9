import { expect, test } from "vitest";
import { encodeObject, type ObjectText } from "../../../actors/kinds/text.ts";
import { LEASE_RENEW_MS, LeaseRenewals } from "../../../actors/node/lease-renewals.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { seededRandom, virtualClock } from "../../../runtime/mod.ts";

const leaseOf = (name: string): ObjectText =>
  encodeObject({
    metadata: { name, namespace: "kube-node-lease", uid: name, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: "2026-01-01T00:00:00.000000Z" },
  } as never);

/** Heartbeats over a registry that has all leases but those of `missing`; what it was asked to write together, and what the nodes heard. */
function heartbeats() {
  const there = {
    clock: virtualClock(),
    asked: [] as (readonly string[])[],
    heard: [] as string[],
    missing: new Set<string>(),
    silent: new Set<string>(),
    down: false,
    join(name: string): () => void {
      return renewals.join({
        name,
        beats: () => !there.silent.has(name),
        renewed: () => void there.heard.push(`${name} renewed`),
        missed: () => void there.heard.push(`${name} missed`),
        failed: (error) => void there.heard.push(`${name} ${String(error)}`),
      });
    },
  };
  const registry = {
    async rewriteTogether(
      _kind: unknown,
      _namespace: unknown,
      names: readonly string[],
      rewrite: (text: ObjectText, name: string) => unknown,
    ) {
      there.asked.push(names);
      if (there.down) throw new Error("the store is away");
      return new Set(names.filter((name) => !there.missing.has(name) && rewrite(leaseOf(name), name) !== undefined));
    },
  } as unknown as Registry;
  const renewals = new LeaseRenewals(registry, there.clock, seededRandom(1));
  return there;
}

test("the nodes of a host renew together, once a period, and each hears what became of its own lease", async () => {
  const { clock, asked, heard, missing, silent, join } = heartbeats();
  for (const name of ["a", "b", "c"]) join(name);
  missing.add("b");
  silent.add("c");
  await clock.run(LEASE_RENEW_MS);
  expect([asked, heard]).toEqual([[["a", "b"]], ["a renewed", "b missed"]]);
  silent.delete("c");
  await clock.run(2 * LEASE_RENEW_MS);
  expect(asked).toEqual([
    ["a", "b"],
    ["a", "b", "c"],
    ["a", "b", "c"],
  ]);
});

test("an outage ends soon after the store is back", async () => {
  const there = heartbeats();
  there.join("a");
  there.down = true;
  await there.clock.run(LEASE_RENEW_MS);
  expect(new Set(there.heard)).toEqual(new Set(["a Error: the store is away"]));
  there.down = false;
  await there.clock.run(1_000);
  expect(there.heard.at(-1)).toBe("a renewed");
});

test("thousands renew in a few rounds that are spread over the period, and who leaves is not renewed any more", async () => {
  const { clock, asked, join } = heartbeats();
  const leave = Array.from({ length: 6_000 }, (_, index) => join(`node-${index}`));
  await clock.run(LEASE_RENEW_MS);
  // Ten rounds of 600, each of which is more than one write takes.
  expect(asked.map(({ length }) => length).sort((a, b) => a - b)).toEqual([...Array(10).fill(100), ...Array(10).fill(500)]);
  expect(new Set(asked.flat()).size).toBe(6_000);
  for (const end of leave) end();
  asked.length = 0;
  await clock.run(2 * LEASE_RENEW_MS);
  expect(asked).toEqual([]);
});
