import { cpSync, rmSync } from "node:fs";
import type { JetStreamManager, NatsConnection } from "nats";
import { afterEach, beforeEach, expect, test } from "vitest";
import { StoreUnavailable } from "../../../actors/store/errors.ts";
import { systemClock } from "../../../runtime/mod.ts";
import { DurableStore, LOG } from "./durable-store.ts";
import { create, update } from "./harness.ts";
import { NatsServer } from "./nats-server.ts";

/** What somebody does to the log of a store that is written to, and what becomes of that. */
const PATIENCE_MS = 40_000;
const clock = systemClock();

let server: NatsServer;
let store: DurableStore;
let connection: NatsConnection;
let streams: JetStreamManager["streams"];
beforeEach(async () => {
  server = await NatsServer.start();
  store = await DurableStore.open(server, { everyRevisions: 1e9, mark: server.file("mark") });
  connection = await server.connect();
  streams = (await connection.jetstreamManager()).streams;
  await write(1, 30);
});
afterEach(async () => {
  await connection.close();
  await store.close();
  await server.remove();
});

async function write(from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) await store.client.propose({ request: `r${i}`, mutations: [create(`pods/a/p${i}`, "x".repeat(100))] });
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end_ms = clock.monotonic_ms() + PATIENCE_MS; !(await holds()); ) {
    if (clock.monotonic_ms() > end_ms) throw new Error(`${what} did not come; damages: ${[...store.condition.damages].join("; ")}`);
    await new Promise<void>((resolve) => clock.after(50, resolve));
  }
}

/** Its log as a restart finds it. */
async function restarted(): Promise<void> {
  await store.close();
  await server.kill();
  server.start();
  store = await DurableStore.open(server, { mark: server.file("mark") });
}

const lost = (): boolean => store.condition.measures().some(({ name, value }) => name === "troupe_store_log_lost" && value === 1);

/** The log began anew behind two copies of what is in memory, and a restart finds it all. */
async function mended(): Promise<void> {
  await until("the new beginning", async () => (await store.log.bounds().catch(() => ({ first: 0 }))).first === store.replica.sequence + 1);
  await until("two snapshots", async () => (await store.snapshots.list()).length === 2);
  await write(31, 40);
  const contents = store.contents();
  expect(store.replica.count("pods")).toBe(40);
  await restarted();
  expect(store.damages).toEqual([]);
  expect(store.contents()).toEqual(contents);
}

test("somebody purges it: what is in memory takes its place", async () => {
  await streams.purge(LOG);
  await until("the damage", () => [...store.condition.damages].some((place) => place.includes("the log begins with batch")));
  await mended();
});

test("somebody purges its beginning, which no snapshot has: what is in memory takes its place", async () => {
  await streams.purge(LOG, { seq: 10 });
  await until("the damage", () =>
    store.condition.damages.has("the log begins with batch 10, and there is no snapshot of what came before"),
  );
  await mended();
});

test("a batch of it cannot be deleted", async () => {
  await expect(streams.deleteMessage(LOG, 10)).rejects.toThrow(/not permitted/);
});

test("it comes back without its end from a restart of its server: what is in memory takes its place", async () => {
  await server.stop();
  cpSync(server.streamFiles(LOG), server.file("early"), { recursive: true });
  server.start();
  await write(31, 35);
  await server.stop();
  rmSync(server.streamFiles(LOG), { recursive: true });
  cpSync(server.file("early"), server.streamFiles(LOG), { recursive: true });
  server.start();
  // Meanwhile it is not written to: what is asked for waits, or is put off.
  const meanwhile = store.client
    .propose({ request: "meanwhile", mutations: [create("pods/a/meanwhile")] })
    .catch((error: unknown) => error);
  await until("the damage", () => [...store.condition.damages].some((place) => /ends at sequence 30, and reached sequence 35/.test(place)));
  await until("writes", async () => {
    const outcome = await store.client.propose({ request: "again", mutations: [create("pods/a/again")] }).catch(() => undefined);
    return outcome?.committed === true;
  });
  expect(await meanwhile).toSatisfy(
    (outcome) => outcome instanceof StoreUnavailable || (outcome as { committed: boolean }).committed === true,
  );
  await until("two snapshots", async () => (await store.snapshots.list()).length === 2);
  const contents = store.contents();
  expect(store.replica.entry("pods/a/p35")).toBeDefined();
  await restarted();
  expect(store.damages).toEqual([]);
  expect(store.contents()).toEqual(contents);
});

test.each<[string, () => Promise<void>, RegExp]>([
  ["deletes it", async () => void (await streams.delete(LOG)), /is not what it was: it is gone/],
  [
    "deletes it and makes another",
    async () => {
      const { config } = await streams.info(LOG);
      await streams.delete(LOG);
      await streams.add(config);
    },
    /is not what it was: another, made \S+, stands in its place/,
  ],
  [
    "puts one of as many batches in its place",
    async () => {
      const { config, state } = await streams.info(LOG);
      await streams.delete(LOG);
      await streams.add(config);
      for (let i = 0; i < state.last_seq; i++) await connection.jetstream().publish(`${LOG}.batch`, "of somebody else");
    },
    /is not what it was: another, made \S+, stands in its place/,
  ],
])("somebody %s: writes are refused, with the reason; reads go on; the next start refuses", async (_what, tamper, words) => {
  const before = store.contents();
  await tamper();
  await until("the notice", lost);
  const attempt = (request: string): Promise<unknown> =>
    store.client.propose({ request, mutations: [update("pods/a/p1", store.replica.entry("pods/a/p1")?.revision ?? 0)] });
  const error = await attempt("after").catch((error: unknown) => error);
  expect(error).toBeInstanceOf(StoreUnavailable);
  expect((error as Error).message).toMatch(words);
  await expect(store.client.committedRevision()).rejects.toThrow(words);
  expect(store.contents()).toEqual(before);
  expect((await store.snapshots.list()).length).toBe(0);
  await store.close();
  await expect(DurableStore.open(server, { mark: server.file("mark") })).rejects.toThrow(/is gone, and another/);
  store = await reopened();
});

/** Something for the end of a test to close. */
async function reopened(): Promise<DurableStore> {
  await server.remove();
  server = await NatsServer.start();
  return DurableStore.open(server);
}
