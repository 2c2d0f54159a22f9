import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Event } from "../../../actors/kinds/generated/types.ts";
import type { StoredEventRecorder } from "../../../actors/registry/create-event-recorder.ts";
import {
  createEventRecorder,
  EVENT_GATHER_MS,
  EVENTS_BURST,
  EVENTS_PER_S,
  RECENT_EVENTS_MAX,
} from "../../../actors/registry/create-event-recorder.ts";
import type { StoreClient, Transaction } from "../../../actors/store/transaction.ts";
import type { VirtualClock } from "../../../runtime/mod.ts";
import { systemRandom, virtualClock } from "../../../runtime/mod.ts";
import type { TestRegistry } from "./harness.ts";
import { startRegistry } from "./harness.ts";

let t: TestRegistry;
let clock: VirtualClock;
let proposed: Transaction[];
let recorder: StoredEventRecorder;
beforeEach(async () => {
  t = await startRegistry();
  clock = virtualClock();
  proposed = [];
  recorder = recorderOn(t.store.client);
});
afterEach(() => t.stop());

function recorderOn(client: StoreClient): StoredEventRecorder {
  const store: StoreClient = {
    ...client,
    propose: (transaction) => {
      proposed.push(transaction);
      return client.propose(transaction);
    },
  };
  return createEventRecorder({ view: t.store.replica, store, clock, random: systemRandom(), source: { component: "test" } });
}

const about = (name: string, namespace = "d") => ({
  kind: "Pod",
  apiVersion: "v1",
  metadata: { name, namespace, uid: `uid-${name}`, creationTimestamp: "2026-01-01T00:00:00Z" },
});

/** Lets what was gathered be written. */
async function written(): Promise<void> {
  clock.advance(EVENT_GATHER_MS);
  await recorder.drained();
}

function stored(namespace = "d"): Event[] {
  return t.store.replica.list("events", namespace).map((entry) => t.store.replica.decode<Event>(entry));
}

describe("an event recorder", () => {
  test("writes what is recorded together in one transaction", async () => {
    for (const name of ["a", "b", "c"]) recorder.event(about(name), "Normal", "Pulled", `pulled for ${name}`);
    await written();
    expect(proposed.length).toBe(1);
    expect(stored().map((event) => [event.involvedObject.name, event.reason, event.message, event.count])).toEqual([
      ["a", "Pulled", "pulled for a", 1],
      ["b", "Pulled", "pulled for b", 1],
      ["c", "Pulled", "pulled for c", 1],
    ]);
  });

  test("writes what happens once each time that it is said", async () => {
    for (let i = 0; i < 2; i++) recorder.once(about("a"), "Normal", "Started", "started");
    await written();
    expect(stored().map(({ reason, count }) => [reason, count])).toEqual([
      ["Started", 1],
      ["Started", 1],
    ]);
    expect(new Set(stored().map(({ metadata }) => metadata.name)).size).toBe(2);
  });

  test("counts repetitions, before and after they were written", async () => {
    recorder.event(about("a"), "Warning", "BackOff", "again");
    recorder.event(about("a"), "Warning", "BackOff", "again");
    await written();
    clock.advance(60_000);
    recorder.event(about("a"), "Warning", "BackOff", "again");
    await written();
    expect(stored()).toMatchObject([{ count: 3, firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:01:00Z" }]);
  });

  test("goes on from what others made of an event, and begins anew when it was deleted", async () => {
    recorder.event(about("a"), "Normal", "One", "x");
    await written();
    const [entry] = t.store.replica.list("events", "d");
    if (entry === undefined) throw new Error("no event");
    const client = t.store.client;
    await client.propose({ request: "touch", mutations: [{ op: "update", key: entry.key, text: entry.text, expect: entry.revision }] });
    recorder.event(about("a"), "Normal", "One", "x");
    recorder.event(about("b"), "Normal", "Two", "x");
    await written();
    expect(stored().map((event) => event.count)).toEqual([2, 1]);
    const { revision } = t.store.replica.entry(entry.key) ?? { revision: 0 };
    await client.propose({ request: "remove", mutations: [{ op: "delete", key: entry.key, expect: revision }] });
    recorder.event(about("a"), "Normal", "One", "x");
    recorder.event(about("c"), "Normal", "Three", "x");
    await written();
    expect(stored().map((event) => event.reason)).toEqual(["Two", "Three"]);
    expect(recorder.dropped).toBe(1);
    recorder.event(about("a"), "Normal", "One", "x");
    await written();
    expect(stored().filter((event) => event.reason === "One")).toMatchObject([{ count: 1 }]);
  });

  test("drops what is about a namespace that is gone, and counts it", async () => {
    recorder.event(about("b", "nope"), "Normal", "One", "x");
    recorder.event(about("a"), "Normal", "One", "x");
    await written();
    expect(recorder.dropped).toBe(1);
    expect(t.store.replica.count("events")).toBe(1);
  });

  test("drops when the store is away, and what comes faster than anybody reads", async () => {
    recorder = recorderOn({ propose: () => Promise.reject(new Error("away")), committedRevision: () => Promise.resolve(0) });
    const record = (count: number): void => {
      for (let i = 0; i < count; i++) recorder.once(about(`p${i}`), "Normal", "One", "x");
    };
    record(EVENTS_BURST + 5);
    expect(recorder.dropped).toBe(5);
    clock.advance(1_000);
    record(EVENTS_PER_S + 3);
    expect(recorder.dropped).toBe(8);
    await written();
    expect(recorder.dropped).toBe(EVENTS_BURST + EVENTS_PER_S + 8);
  });

  test("forgets what was long ago", async () => {
    recorder.event(about("old"), "Normal", "One", "x");
    for (let i = 0; i < RECENT_EVENTS_MAX; i++) recorder.event(about(`p${i}`), "Normal", "One", "x");
    recorder.event(about("old"), "Normal", "One", "x");
    await written();
    expect(t.store.replica.count("events")).toBe(RECENT_EVENTS_MAX + 2);
  });
});

describe("events of one object that are much alike", () => {
  const created = (from: number, to: number): void => {
    for (let i = from; i < to; i++) recorder.event(about("set"), "Normal", "SuccessfulCreate", `Created pod: set-${i}`);
  };
  const messages = (): (readonly [string, number])[] => stored().map(({ message = "", count = 0 }) => [message, count]);

  test("are combined from the tenth on, and not written at all beyond a burst", async () => {
    created(0, 9);
    created(0, 1);
    await written();
    expect(messages()).toEqual(Array.from({ length: 9 }, (_, i) => [`Created pod: set-${i}`, i === 0 ? 2 : 1]));
    created(9, 12);
    await written();
    expect(messages().slice(9)).toEqual([["(combined from similar events): Created pod: set-11", 3]]);
    created(12, 500);
    await written();
    const { length } = proposed;
    created(500, 501);
    await written();
    expect(proposed.length).toBe(length);
    expect(stored()).toHaveLength(10);
    recorder.event(about("other"), "Normal", "SuccessfulCreate", "Created pod: other-1");
    await written();
    expect(messages()).toContainEqual(["Created pod: other-1", 1]);
  });

  test("are told apart again after a while, and then written again", async () => {
    created(0, 30);
    await written();
    clock.advance(600_001);
    created(30, 31);
    await written();
    expect(messages().at(-1)).toEqual(["Created pod: set-30", 1]);
  });

  test("stay apart where the component wants that", async () => {
    recorder = createEventRecorder({
      view: t.store.replica,
      store: t.store.client,
      clock,
      random: systemRandom(),
      source: { component: "test" },
      tellsAllApart: true,
    });
    created(0, 40);
    await written();
    expect(stored()).toHaveLength(40);
  });
});
