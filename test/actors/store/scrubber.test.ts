import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scrubberKind } from "../../../actors/store/scrubber.ts";
import { StoreCondition } from "../../../actors/store/store-condition.ts";
import { Host, seededRandom, silentLogger, systemClock, virtualClock } from "../../../runtime/mod.ts";
import { DurableStore, LOG } from "./durable-store.ts";
import { create } from "./harness.ts";
import { NatsServer } from "./nats-server.ts";

const CHECK_EVERY_MS = 200;
const EVERY = 100;
const PATIENCE_MS = 40_000;
const clock = systemClock();

let server: NatsServer;
let store: DurableStore;
beforeEach(async () => {
  server = await NatsServer.start();
});
afterEach(async () => {
  await store.close();
  await server.remove();
});

async function open(everyRevisions = 1e9): Promise<void> {
  store = await DurableStore.open(server, { everyRevisions, mark: server.file("mark"), checkEvery_ms: CHECK_EVERY_MS });
}

async function write(from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) await store.client.propose({ request: `r${i}`, mutations: [create(`pods/a/p${i}`, "x".repeat(100))] });
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end_ms = clock.monotonic_ms() + PATIENCE_MS; !(await holds()); ) {
    if (clock.monotonic_ms() > end_ms) throw new Error(`${what} did not come; damages: ${[...store.condition.damages].join("; ")}`);
    await new Promise<void>((resolve) => clock.after(50, resolve));
  }
}

const measured = (wanted: string): number | undefined => store.condition.measures().find(({ name }) => name === wanted)?.value;

/** Whole snapshots, as the snapshotter has made sure of them. */
const snapshots = (): number | undefined => measured("troupe_store_snapshots");

const rounds = (count: number): Promise<void> => {
  const wanted = store.condition.rounds + count;
  return until(`round ${wanted}`, () => store.condition.rounds >= wanted);
};

/** Flips a bit of what a server has on its disk, behind its back: what it has in memory is forgotten by a restart that the store lives through. */
async function flip(stream: string, words: string, behind: number): Promise<void> {
  await server.stop();
  flipStopped(stream, words, behind);
  server.start();
}

function flipStopped(stream: string, words: string, behind: number): void {
  const messages = join(server.streamFiles(stream), "msgs");
  for (const block of readdirSync(messages).filter((name) => name.endsWith(".blk"))) {
    const bytes = readFileSync(join(messages, block));
    const at = bytes.indexOf(words);
    if (at < 0) continue;
    bytes[at + behind] = (bytes[at + behind] ?? 0) ^ 4;
    writeFileSync(join(messages, block), bytes);
    return;
  }
  throw new Error(`${words} is nowhere in ${stream}`);
}

/** A store that lost everything in memory, read back from the disk. */
async function restarted(): Promise<void> {
  await store.close();
  await server.kill();
  server.start();
  await open();
}

test("a store that is whole is found whole, all of it", async () => {
  await open(EVERY);
  await write(1, 150);
  await until("a snapshot that was read back", () => snapshots() === 1);
  await rounds(2);
  expect([...store.condition.damages]).toEqual([]);
  expect(store.condition.checkedBytes).toBeGreaterThan(2 * 50 * 100);
  const measures = Object.fromEntries(store.condition.measures().map(({ name, value }) => [name, value]));
  expect(measures).toMatchObject({ troupe_store_damages_total: 0, troupe_store_log_lost: 0, troupe_store_snapshots: 1 });
  // The log is measured now and then.
  await until("all batches of the log", () => measured("troupe_store_log_batches") === store.replica.sequence);
});

test("a bit that flips in the log at rest is found and named, and the next start does without it", async () => {
  await open();
  await write(1, 60);
  await flip(LOG, "pods/a/p30", 5);
  await until("the damage", () => store.condition.damages.size > 0);
  expect([...store.condition.damages].join("; ")).toMatch(/^(batches \d+ to \d+ of the log cannot be read|the log is corrupt at sequence)/);
  await until("a snapshot of what is in memory", async () => (await store.log.bounds()).first === 61);
  expect((await store.snapshots.list()).length).toBeGreaterThan(0);
  // What is written then lies behind the damaged place no more, and a nats-server that is killed takes nothing of it along.
  await write(61, 70);
  const contents = store.contents();
  expect(store.replica.count("pods")).toBe(70);
  await restarted();
  expect(store.contents()).toEqual(contents);
  expect(store.damages).toEqual([]);
});

test("a bit that flips in a snapshot at rest is found and named, and another takes the place of that", async () => {
  await open(EVERY);
  await write(1, 120);
  await until("a snapshot that was read back", () => snapshots() === 1);
  const [{ id = "" } = {}] = await store.snapshots.list();
  await flip(`${LOG}-snapshot-${id}`, `${id}.frame.0`, 100);
  await until("the damage", () => store.condition.damages.size > 0);
  expect([...store.condition.damages].join("; ")).toMatch(new RegExp(`snapshot ${LOG}-snapshot-${id} is damaged at frame 0`));
  await until("another snapshot", async () => (await store.snapshots.list()).every((entry) => entry.id !== id));
  await until("a second copy of it", async () => (await store.snapshots.list()).length === 2);
  expect((await store.log.bounds()).first).toBe(1);
  const contents = store.contents();
  await restarted();
  expect(store.contents()).toEqual(contents);
  expect(store.damages).toEqual([]);
});

test("marks that cannot be read are named, and written again from what is in memory", async () => {
  await open();
  await write(1, 20);
  const mark = async (): Promise<number | undefined> => (await store.snapshots.highWater())?.revision;
  await until("the mark", async () => (await mark()) === 20);
  await rounds(1);
  expect([...store.condition.damages]).toEqual([]);
  const connection = await server.connect();
  await connection.jetstream().publish(`${LOG}-high-water`, "what is this?");
  await connection.close();
  writeFileSync(server.file("mark"), "?");
  await until("both damages", () => store.condition.damages.size === 2);
  await until("the mark again", async () => (await mark()) === 20);
});

test("a round takes the time that its pace gives it", async () => {
  const batches = 50;
  const virtual = virtualClock();
  const reads: number[] = [];
  await open();
  await write(1, batches);
  const { log, replica } = store;
  const condition = new StoreCondition();
  const counted = Object.assign(Object.create(log) as typeof log, {
    bounds: () => log.bounds(),
    copy: (sequence: number) => {
      reads.push(virtual.monotonic_ms());
      return log.copy(sequence);
    },
  });
  const host = new Host({ name: "slow", clock: virtual, random: seededRandom(1), log: silentLogger });
  const pace = { first_ms: 1_000, batches_per_s: 10 };
  host.register(scrubberKind({ log: counted, snapshots: store.snapshots, replica, condition, pace }));
  host.messenger.tell("scrubber/main", { type: "start" });
  await until("the end of the round", async () => {
    await virtual.advance(100);
    return condition.rounds === 1;
  });
  expect(reads[0]).toBeGreaterThanOrEqual(1_000);
  expect((reads.at(-1) ?? 0) - (reads[0] ?? 0)).toBeGreaterThanOrEqual(((replica.sequence - 1) * 1_000) / 10);
  await host.stop();
});
