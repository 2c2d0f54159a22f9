import type { NatsConnection } from "nats";
import { afterEach, beforeEach, expect, test } from "vitest";
import { JetStreamLog } from "../../../actors/store/jetstream-log.ts";
import type { Reading } from "../../../actors/store/log.ts";
import { AppendFenced, LogCut, LogUnavailable } from "../../../actors/store/log.ts";
import { CorruptBatch } from "../../../actors/store/record.ts";
import { systemClock } from "../../../runtime/mod.ts";
import type { TestStore } from "./harness.ts";
import { create, startStore } from "./harness.ts";
import { NatsServer } from "./nats-server.ts";

const STREAM = "troupe_store_main";
const clock = systemClock();

let server: NatsServer;
let connections: NatsConnection[] = [];
let cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  server = await NatsServer.start();
});

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  for (const connection of connections) await connection.close();
  await server.remove();
  connections = [];
  cleanups = [];
});

async function openLog(): Promise<JetStreamLog> {
  const connection = await server.connect();
  connections.push(connection);
  return JetStreamLog.open({ connection, clock, stream: STREAM });
}

async function open(name: string): Promise<TestStore> {
  const store = startStore({ log: await openLog(), name });
  cleanups.push(() => store.stop());
  await store.follower.ready;
  return store;
}

function follow(log: JetStreamLog, from: number): { readonly reading: Reading; readonly sequences: number[]; readonly bytes: string[] } {
  const sequences: number[] = [];
  const bytes: string[] = [];
  const reading = log.read(from, (sequence, batch) => {
    sequences.push(sequence);
    bytes.push(Buffer.from(batch).toString());
  });
  cleanups.push(() => reading.stop());
  return { reading, sequences, bytes };
}

/** Waits for a condition of the real world. */
async function eventually(holds: () => boolean): Promise<void> {
  const end_ms = clock.monotonic_ms() + 20_000;
  while (!holds()) {
    if (clock.monotonic_ms() > end_ms) throw new Error(`this never held: ${holds}`);
    await pause();
  }
}

/** Between two looks at a condition. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    clock.after(10, resolve);
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

test("appends are numbered from 1, fenced, and can be read back by another", async () => {
  const [one, two] = [await openLog(), await openLog()];
  expect(await one.lastSequence()).toBe(0);
  expect(await one.append(Buffer.from("a"), 0)).toBe(1);
  await expect(two.append(Buffer.from("x"), 0)).rejects.toThrow(AppendFenced);
  expect(await two.append(Buffer.from("b"), 1)).toBe(2);
  await expect(one.append(Buffer.from("x"), 1)).rejects.toThrow(AppendFenced);
  await expect(one.append(Buffer.from("x"), 9)).rejects.toThrow(AppendFenced);
  expect(await one.lastSequence()).toBe(2);
  expect(Buffer.from((await one.get(2)) ?? []).toString()).toBe("b");
  expect(await one.get(3)).toBeUndefined();
});

test("a reading gets what is there and what comes, from any sequence", async () => {
  const log = await openLog();
  for (let i = 0; i < 20; i++) await log.append(Buffer.from(`batch ${i + 1}`), i);
  const all = follow(log, 1);
  const some = follow(log, 15);
  await eventually(() => all.sequences.length === 20);
  for (let i = 20; i < 30; i++) await log.append(Buffer.from(`batch ${i + 1}`), i);
  await eventually(() => all.sequences.length === 30 && some.sequences.length === 16);
  expect(all.sequences).toEqual(range(1, 30));
  expect(all.bytes).toEqual(range(1, 30).map((sequence) => `batch ${sequence}`));
  expect(some.sequences).toEqual(range(15, 30));
});

test("a reading stops at what its reader throws, and tells it", async () => {
  const log = await openLog();
  await log.append(Buffer.from("not a batch"), 0);
  const store = startStore({ log });
  cleanups.push(() => store.stop());
  await expect(store.follower.done).rejects.toThrow(CorruptBatch);
  await expect(store.follower.ready).rejects.toThrow("corrupt at sequence 1, batch header");
  await expect(store.replica.until(1)).rejects.toThrow("can no longer be followed");
});

test("a reading that needs what was cut off says so", async () => {
  const log = await openLog();
  for (let i = 0; i < 5; i++) await log.append(Buffer.from("x"), i);
  await (await connections[0]?.jetstreamManager())?.streams.purge(STREAM, { seq: 4 });
  await expect(follow(log, 2).reading.done).rejects.toThrow(new LogCut(2, 4));
  const { sequences } = follow(log, 4);
  await eventually(() => sequences.length === 2);
  expect(sequences).toEqual([4, 5]);
});

test("while the server is away appends fail as unavailable; readings go on when it is back", async () => {
  const log = await openLog();
  await log.append(Buffer.from("1"), 0);
  const { sequences } = follow(log, 1);
  await eventually(() => sequences.length === 1);
  await server.kill();
  await expect(log.append(Buffer.from("2"), 1)).rejects.toThrow(LogUnavailable);
  server.start();
  let last = 1;
  for (; last < 3; await pause()) last = await log.append(Buffer.from(`${last + 1}`), last).catch(() => last);
  await eventually(() => sequences.length === 3);
  expect(sequences).toEqual([1, 2, 3]);
});

test("an append to a server that does not answer ends as unavailable", async () => {
  const log = await openLog();
  await log.append(Buffer.from("1"), 0);
  await server.pause();
  await expect(log.append(Buffer.from("2"), 1)).rejects.toThrow(LogUnavailable);
  server.signal("SIGCONT");
  // The outcome was unknown: it was stored when the server went on.
  await expect(log.append(Buffer.from("2"), 1)).rejects.toThrow(AppendFenced);
  expect(Buffer.from((await log.get(2)) ?? []).toString()).toBe("2");
});

test("concurrent proposals are committed in groups, and a second host sees them", async () => {
  const one = await open("one");
  const two = await open("two");
  const outcomes = await Promise.all(
    range(1, 1000).map((i) => one.client.propose({ request: `r${i}`, mutations: [create(`pods/a/p${i}`)] })),
  );
  expect(outcomes.every((outcome) => outcome.committed)).toBe(true);
  expect(one.replica.sequence).toBeLessThan(50);
  await two.replica.until(1000);
  expect(two.replica.list("pods")).toEqual(one.replica.list("pods"));
});

test("two writers on one log: both make progress, no write is lost or doubled", async () => {
  const stores = [await open("one"), await open("two")];
  const outcomes = await Promise.all(
    stores.flatMap((store, s) =>
      range(1, 50).map((i) => store.client.propose({ request: `${s}-${i}`, mutations: [create(`pods/a/p${i}`, `${s}`)] })),
    ),
  );
  expect(outcomes.filter((outcome) => outcome.committed)).toHaveLength(50);
  const end = Math.max(...stores.map((store) => store.replica.revision));
  expect(end).toBe(50);
  await Promise.all(stores.map((store) => store.replica.until(end)));
  expect(stores[0]?.replica.list("pods")).toEqual(stores[1]?.replica.list("pods"));
});

test("kill -9 of the server in the middle of writes: what was acknowledged is there, readers have no gap", async () => {
  const store = await open("one");
  const follower = await open("two");
  const seen: number[] = [];
  follower.replica.watch("pods", 0, (change) => void seen.push(change.revision));
  const acknowledged = new Map<string, number>();
  let stop = false;
  const lane = async (name: string): Promise<void> => {
    for (let i = 0; !stop; i++) {
      const key = `pods/a/${name}-${i}`;
      const outcome = await store.client.propose({ request: key, mutations: [create(key)] });
      if (!outcome.committed) throw new Error(`${key} conflicts with ${outcome.actual}`);
      acknowledged.set(key, outcome.revision);
    }
  };
  const lanes = range(1, 20).map((i) => lane(`lane${i}`));
  for (let round = 0; round < 3; round++) {
    const before = acknowledged.size;
    await eventually(() => acknowledged.size > before + 500);
    await server.kill();
    server.start();
  }
  const before = acknowledged.size;
  await eventually(() => acknowledged.size > before + 500);
  stop = true;
  await Promise.all(lanes);
  const end = store.replica.revision;
  await follower.replica.until(end);
  expect(seen).toEqual(range(1, end));
  const fresh = await open("three");
  for (const replica of [store.replica, follower.replica, fresh.replica]) {
    for (const [key, revision] of acknowledged) expect(replica.entry(key)?.revision).toBe(revision);
    expect(replica.count("pods")).toBe(acknowledged.size);
  }
});
