import { afterEach, expect, test } from "vitest";
import { EventKind } from "../../../../actors/kinds/core/event.ts";
import type { Event } from "../../../../actors/kinds/generated/types.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";

const MINUTE_MS = 60_000;

let cluster: TestCluster;
afterEach(() => cluster.stop());

const event = (name: string): Event =>
  named<Event>(name, "d", { involvedObject: { namespace: "d" }, reason: "R", message: "m", type: "Normal" });
const names = (): string[] => cluster.all<Event>("events", "d").map(({ metadata }) => metadata.name);

test("an event goes an hour after it was written last", async () => {
  cluster = await startCluster({ controllers: ["event-expiry", "service-account"] });
  for (let i = 0; i < 600; i++) await cluster.registry.create(EventKind, event(`old-${i}`));
  await cluster.registry.create(EventKind, event("again"));
  await cluster.clock.run(30 * MINUTE_MS);
  await cluster.registry.create(EventKind, event("young"));
  await cluster.registry.modify(EventKind, "d", "again", (current) => ({ ...current, count: 2 }));
  await cluster.clock.run(29 * MINUTE_MS);
  expect(names()).toHaveLength(602);
  await cluster.clock.run(3 * MINUTE_MS);
  expect(names()).toEqual(["again", "young"]);
  await cluster.clock.run(30 * MINUTE_MS);
  expect(names()).toEqual([]);
});
