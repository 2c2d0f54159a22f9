import { expect, test } from "vitest";
import { HISTOGRAM_BOUNDS_MS, Histogram } from "../../runtime/histogram.ts";
import {
  addressOf,
  type Clock,
  type HistogramCounts,
  Host,
  silentLogger,
  systemClock,
  systemRandom,
  watchEventLoop,
} from "../../runtime/mod.ts";
import { LOOP_TIME_PER_TURN_MS, MESSAGES_PER_CLOCK_READ } from "../../runtime/turn-loop.ts";
import { gate, kindOf, stage } from "./stage.ts";

type Work = { type: "work"; ms?: number };

/** Where in a histogram there is something: the upper bound of each such bucket, and how much. */
function filled({ counts }: HistogramCounts): [number | undefined, number][] {
  return counts.flatMap((count, bucket) => (count === 0 ? [] : [[HISTOGRAM_BOUNDS_MS[bucket], count] as [number | undefined, number]]));
}

test("a duration falls into the first bucket whose bound it does not exceed, as often as it weighs", () => {
  const histogram = new Histogram();
  for (const ms of [0, 0.005, 0.006, 1, 1.01, 10_000]) histogram.add(ms);
  histogram.add(10_001, 3);
  const counts = histogram.counts();
  expect(filled(counts)).toEqual([
    [0.005, 2],
    [0.01, 1],
    [1, 1],
    [2.5, 1],
    [10_000, 1],
    [undefined, 3],
  ]);
  expect(counts).toMatchObject({ count: 9, max_ms: 10_001 });
  expect(counts.sum_ms).toBeCloseTo(0.005 + 0.006 + 1 + 1.01 + 10_000 + 3 * 10_001);
});

test("of a quiet kind each message is timed: in the mailbox, and in the handler until its promise settles", async () => {
  const { host, clock } = stage();
  const doors = [gate(), gate()];
  let turn = 0;
  host.register(kindOf<Work>("slow", () => () => doors[turn++]?.opened));
  const to = addressOf("slow", "x");
  host.messenger.tell(to, { type: "work" });
  await clock.run(10);
  host.messenger.tell(to, { type: "work" });
  await clock.run(30);
  expect(host.counters().kinds.slow).toMatchObject({ queued: 1, queuedMax: 1 });
  doors[0]?.open();
  await clock.run(200);
  doors[1]?.open();
  await clock.run(0);
  const { queued, queuedMax, inMailbox, inHandler } = host.counters().kinds.slow ?? {};
  expect({ queued, queuedMax }).toEqual({ queued: 0, queuedMax: 1 });
  expect(inMailbox).toMatchObject({ count: 2, sum_ms: 30, max_ms: 30 });
  expect(inHandler).toMatchObject({ count: 2, sum_ms: 240, max_ms: 200 });
});

test("of a busy kind few messages are timed, and they stand for all", async () => {
  const { host, clock } = stage();
  let reads = 0;
  const now_ms = clock.monotonic_ms;
  clock.monotonic_ms = () => {
    reads += 1;
    return now_ms();
  };
  host.register(kindOf<Work>("quick", () => () => undefined));
  for (let n = 0; n < 640; n++) host.messenger.tell(addressOf("quick", `${n % 3}`), { type: "work" });
  await clock.run(0);
  const { delivered, inMailbox, inHandler } = host.counters().kinds.quick ?? {};
  expect(delivered).toBe(640);
  expect(inMailbox?.count).toBe(inHandler?.count);
  expect(inMailbox?.count).toBeGreaterThan(640 - 64);
  expect(inMailbox?.count).toBeLessThanOrEqual(640 + 64);
  expect(reads, "fewer than one look at the clock in four messages").toBeLessThan(160);
});

test("messages that an ending actor leaves behind no longer count as queued", async () => {
  const { host, clock } = stage();
  const door = gate();
  const receive = async (): Promise<void> => {
    await door.opened;
    throw new Error("told to");
  };
  host.register(kindOf<Work>("frail", () => receive));
  for (let n = 0; n < 5; n++) host.messenger.tell(addressOf("frail", "x"), { type: "work" });
  await clock.run(0);
  expect(host.counters().queued).toBe(4);
  door.open();
  await clock.run(0);
  expect(host.counters()).toMatchObject({ queued: 0, deadLetters: { crashed: 4 }, kinds: { frail: { queuedMax: 5 } } });
});

test("actors whose turns are slow give the event loop back in time, and how long they had it is counted", async () => {
  // A clock that each turn moves on: 1 ms of work a message.
  let elapsed_ms = 0;
  const turns: (() => void)[] = [];
  const clock: Clock = { now_ms: () => elapsed_ms, monotonic_ms: () => elapsed_ms, after: () => ({ cancel() {} }) };
  const host = new Host({ name: "solo", clock, random: systemRandom(), log: silentLogger, turns: (end) => void turns.push(end) });
  const work = (): void => {
    elapsed_ms += 1;
  };
  host.register(kindOf<Work>("slow", () => work));
  for (let n = 0; n < 100; n++) host.messenger.tell(addressOf("slow", "x"), { type: "work" });
  await Promise.resolve();
  for (let turn = 0; turn < 100; turn++) turns.shift()?.();
  const { delivered, blocks } = host.counters();
  expect(delivered).toBe(100);
  expect(blocks.max_ms).toBeGreaterThan(0);
  expect(blocks.max_ms).toBeLessThanOrEqual(LOOP_TIME_PER_TURN_MS + MESSAGES_PER_CLOCK_READ);
  expect(blocks.sum_ms).toBe(100);
});

test("a snapshot names the actors that crash, then the longest mailboxes, then the busiest, and says how many it left out", async () => {
  const { host, clock } = stage();
  const door = gate();
  const kind = kindOf<Work>("worker", (_context, key) => async () => {
    if (key === "frail") throw new Error("told to");
    if (key.startsWith("stuck")) await door.opened;
  });
  host.register({ ...kind, supervision: { strategy: "restart", backoff_ms: 500, backoff_max_ms: 500 } });
  host.register(kindOf<Work>("other", () => () => undefined));
  const tell = (key: string, times: number) => {
    for (let n = 0; n < times; n++) host.messenger.tell(addressOf("worker", key), { type: "work" });
  };
  tell("lazy", 1);
  tell("busy", 9);
  tell("stuck-less", 2);
  tell("stuck-more", 4);
  tell("frail", 1);
  host.messenger.tell(addressOf("other", "x"), { type: "work" });
  await clock.run(100);
  const snapshot = await host.snapshot({ kind: "worker", actors_max: 4 });
  expect(snapshot).toMatchObject({ host: "solo", taken_ms: 100, actorsLeftOut: 1, counters: { active: 6 } });
  expect(snapshot.actors).toMatchObject([
    { address: "worker/frail", phase: "backoff", waiting: 0, handled: 1, crashes: 1 },
    { address: "worker/stuck-more", phase: "turn", waiting: 3, handled: 1, crashes: 0 },
    { address: "worker/stuck-less", phase: "turn", waiting: 1, handled: 1, crashes: 0 },
    { address: "worker/busy", phase: "idle", waiting: 0, handled: 9, crashes: 0 },
  ]);
  expect(structuredClone(snapshot)).toEqual(snapshot);
  door.open();
});

test("an event loop that is held shows how late its timers are", async () => {
  const clock = systemClock();
  const probe = watchEventLoop();
  const later = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  await later(30);
  const until_ms = clock.monotonic_ms() + 120;
  while (clock.monotonic_ms() < until_ms) {
    // Holds the loop.
  }
  for (let wait = 0; wait < 100 && probe.read().delay.max_ms < 50; wait++) await later(10);
  const { delay, utilization } = probe.read();
  probe.stop();
  expect(delay.max_ms).toBeGreaterThanOrEqual(50);
  expect(utilization).toBeGreaterThan(0);
  expect(utilization).toBeLessThanOrEqual(1);
});
