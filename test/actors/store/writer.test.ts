import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import type { ObjectText } from "../../../actors/kinds/text.ts";
import { ObjectTooLarge, StoreUnavailable } from "../../../actors/store/errors.ts";
import { OBJECT_BYTES_MAX } from "../../../actors/store/limits.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import { decodeBatch } from "../../../actors/store/record.ts";
import { RequestWindow } from "../../../actors/store/request-window.ts";
import type { Mutation, Outcome } from "../../../actors/store/transaction.ts";
import type { WriterMessage } from "../../../actors/store/writer.ts";
import { WRITER_ADDRESS } from "../../../actors/store/writer.ts";
import { AskFailed, virtualClock } from "../../../runtime/mod.ts";
import { FaultyLog } from "./faulty-log.ts";
import type { TestStore, TestStoreOptions } from "./harness.ts";
import { create, remove, startStore, turns, update } from "./harness.ts";

const stores: TestStore[] = [];
let requests = 0;

function start(options: TestStoreOptions): TestStore {
  const store = startStore(options);
  stores.push(store);
  return store;
}

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.stop()));
});

function propose(store: TestStore, ...mutations: Mutation[]): Promise<Outcome> {
  return store.client.propose({ request: `r${requests++}`, mutations });
}

/** What `promise` came to, or "pending". */
function peek<T>(promise: Promise<T>): Promise<T | "pending"> {
  return Promise.race([promise, turns().then(() => "pending" as const)]);
}

test("a committed write is in the local view when its proposer is answered", async () => {
  const store = start({ log: new MemoryLog() });
  expect(await propose(store, create("pods/a/x", "1"))).toEqual({ committed: true, revision: 1 });
  expect(store.replica.entry("pods/a/x")?.revision).toBe(1);
  expect(await propose(store, update("pods/a/x", 1, "2"), create("pods/a/y"))).toEqual({ committed: true, revision: 2 });
  expect(store.replica.entry("pods/a/y")?.revision).toBe(3);
  expect(await propose(store, remove("pods/a/x", 2))).toEqual({ committed: true, revision: 4 });
  expect(store.replica.entry("pods/a/x")).toBeUndefined();
});

test.each<[string, Mutation[], Outcome]>([
  ["create what is there", [create("pods/a/x")], { committed: false, index: 0, actual: 1 }],
  ["update what has another revision", [update("pods/a/x", 7)], { committed: false, index: 0, actual: 1 }],
  ["update what is absent", [update("pods/a/z", 1)], { committed: false, index: 0, actual: undefined }],
  ["delete what has another revision", [remove("pods/a/x", 2)], { committed: false, index: 0, actual: 1 }],
  ["delete what is absent", [remove("pods/a/z", 1)], { committed: false, index: 0, actual: undefined }],
  ["fail in the second mutation", [create("pods/a/z"), remove("pods/a/x", 2)], { committed: false, index: 1, actual: 1 }],
  ["create twice in one", [create("pods/a/z"), create("pods/a/z")], { committed: false, index: 1, actual: 2 }],
  ["delete and create in one", [remove("pods/a/x", 1), create("pods/a/x")], { committed: true, revision: 2 }],
])("preconditions: %s", async (_name, mutations, outcome) => {
  const log = new MemoryLog();
  const store = start({ log });
  await propose(store, create("pods/a/x"));
  expect(await propose(store, ...mutations)).toEqual(outcome);
  expect(await log.lastSequence()).toBe(outcome.committed ? 2 : 1);
});

test("all that waits goes into the next append, and sees what came before it there", async () => {
  const log = new FaultyLog(new MemoryLog());
  const store = start({ log });
  log.faults.push("held");
  const first = propose(store, create("pods/a/first"));
  await turns();
  const rest = Array.from({ length: 100 }, (_, i) => propose(store, create(`pods/a/p${i}`)));
  const again = propose(store, create("pods/a/p7"));
  const next = propose(store, update("pods/a/p7", 9));
  await turns();
  expect(log.appends).toBe(1);
  log.release();
  expect(await first).toEqual({ committed: true, revision: 1 });
  expect(await Promise.all(rest)).toEqual(rest.map((_, i) => ({ committed: true, revision: 2 + i })));
  expect(await again).toEqual({ committed: false, index: 0, actual: 9 });
  expect(await next).toEqual({ committed: true, revision: 102 });
  expect(log.appends).toBe(2);
});

test("what is proposed in one turn of the event loop goes into one append, however late in it", async () => {
  const log = new FaultyLog(new MemoryLog());
  const store = start({ log });
  await store.client.committedRevision();
  const proposed: Promise<Outcome>[] = [];
  for (let socket = 0; socket < 3; socket++) {
    proposed.push(propose(store, create(`pods/a/p${socket}`)));
    for (let microtask = 0; microtask < 100; microtask++) await undefined;
  }
  expect(await Promise.all(proposed)).toEqual([1, 2, 3].map((revision) => ({ committed: true, revision })));
  expect(log.appends).toBe(1);
});

test("a conflict is told only when the log has confirmed what it rests on", async () => {
  const log = new FaultyLog(new MemoryLog());
  const store = start({ log });
  await propose(store, create("pods/a/old"));
  log.faults.push("held");
  const write = propose(store, create("pods/a/x"));
  const conflict = propose(store, create("pods/a/x"));
  const old = propose(store, create("pods/a/old"));
  expect(await peek(old)).toBe("pending");
  expect(await peek(conflict)).toBe("pending");
  log.release();
  expect(await old).toEqual({ committed: false, index: 0, actual: 1 });
  expect(await write).toEqual({ committed: true, revision: 2 });
  expect(await conflict).toEqual({ committed: false, index: 0, actual: 2 });
});

test("a batch takes no more than the log does, and never half a transaction", async () => {
  const memory = new MemoryLog();
  const log = new FaultyLog(memory, 2_000);
  const store = start({ log });
  const keys = Array.from({ length: 30 }, (_, i) => `pods/a/p${i}`);
  const outcomes = await Promise.all(keys.map((key) => propose(store, create(`${key}a`), create(`${key}b`))));
  expect(outcomes.every((outcome) => outcome.committed)).toBe(true);
  expect(await memory.lastSequence()).toBeGreaterThan(3);
  for (let sequence = 1; sequence <= (await memory.lastSequence()); sequence++) {
    const bytes = (await memory.get(sequence)) ?? new Uint8Array();
    expect(bytes.length).toBeLessThanOrEqual(2_000);
    const { records } = decodeBatch(sequence, bytes);
    expect(records.filter((record) => record.request !== undefined)).toHaveLength(records.length / 2);
  }
  await expect(propose(store, ...keys.map((key) => create(`${key}c`)))).rejects.toThrow(ObjectTooLarge);
});

test("objects over the limit are refused, those at it are not", async () => {
  const store = start({ log: new MemoryLog() });
  const text = (bytes: number): ObjectText => "é".repeat(bytes / 2) as ObjectText;
  const mutation = (bytes: number): Mutation => ({ op: "create", key: "pods/a/x", text: text(bytes) });
  await expect(propose(store, mutation(OBJECT_BYTES_MAX + 2))).rejects.toThrow(ObjectTooLarge);
  expect(await propose(store, mutation(OBJECT_BYTES_MAX))).toEqual({ committed: true, revision: 1 });
});

test.each<[string, string, Mutation[]]>([
  ["no request id", "", [create("pods/a/x")]],
  ["a long request id", "r".repeat(200), [create("pods/a/x")]],
  ["no mutation", "r", []],
  ["a key without resource", "r", [create("x")]],
])("a malformed proposal is refused: %s", async (_name, request, mutations) => {
  const store = start({ log: new MemoryLog() });
  await expect(store.client.propose({ request, mutations })).rejects.toThrow(AskFailed);
});

test("a request that was applied is answered as then, while it waits and after a restart too", async () => {
  const log = new MemoryLog();
  const store = start({ log });
  const transaction = { request: "same", mutations: [create("pods/a/x")] };
  const both = await Promise.all([store.client.propose(transaction), store.client.propose(transaction)]);
  await propose(store, remove("pods/a/x", 1));
  const restarted = start({ log, name: "two" });
  const answers = [...both, await store.client.propose(transaction), await restarted.client.propose(transaction)];
  expect(answers).toEqual(answers.map(() => ({ committed: true, revision: 1 })));
  expect(restarted.replica.entry("pods/a/x")).toBeUndefined();
});

test.each(["lost", "written-but-unacknowledged"] as const)("an append that was %s is made sure of, once", async (fault) => {
  const memory = new MemoryLog();
  const log = new FaultyLog(memory);
  const store = start({ log });
  await propose(store, create("pods/a/x"));
  log.faults.push(fault);
  expect(await propose(store, update("pods/a/x", 1))).toEqual({ committed: true, revision: 2 });
  expect(await propose(store, update("pods/a/x", 2))).toEqual({ committed: true, revision: 3 });
  expect(await memory.lastSequence()).toBe(3);
});

test("a writer that was overtaken steps down, and its next activation knows what the other wrote", async () => {
  const log = new MemoryLog();
  const hold = new FaultyLog(log);
  const one = start({ log: hold });
  await propose(one, create("pods/a/x"));
  const two = start({ log, name: "two" });
  await two.follower.ready;
  hold.faults.push("held");
  const stale = propose(one, update("pods/a/x", 1, "one"));
  await turns();
  expect(await propose(two, update("pods/a/x", 1, "two"))).toEqual({ committed: true, revision: 2 });
  hold.release();
  // The client's retry reaches the next activation.
  expect(await stale).toEqual({ committed: false, index: 0, actual: 2 });
  expect(one.replica.entry("pods/a/x")?.text).toContain('"two"');
});

test("an overtaken writer does not tell a conflict with what is no longer so", async () => {
  const log = new MemoryLog();
  const deaf = new FaultyLog(log);
  deaf.read = () => ({ done: new Promise(() => {}), stop() {} });
  const one = start({ log: deaf });
  await propose(one, create("pods/a/x"));
  const two = start({ log, name: "two" });
  await propose(two, update("pods/a/x", 1));
  const stale = one.host.messenger.ask(WRITER_ADDRESS, {
    type: "propose",
    transaction: { request: "late", mutations: [update("pods/a/x", 2)] },
    since: 0,
  } as WriterMessage);
  await expect(stale).rejects.toMatchObject({ code: "stepped-down" });
});

test("a request that waited while another writer applied it is not applied again", async () => {
  const log = new MemoryLog();
  const hold = new FaultyLog(log);
  const one = start({ log: hold });
  const two = start({ log, name: "two" });
  await propose(one, create("pods/a/w"));
  hold.faults.push("written-but-unacknowledged", "held");
  const flying = propose(one, create("pods/a/u"));
  const transaction = { request: "twice", mutations: [create("pods/a/x")] };
  await turns();
  const waiting = one.client.propose(transaction);
  const { revision } = (await two.client.propose(transaction)) as Outcome & { committed: true };
  await propose(two, remove("pods/a/x", revision));
  await one.replica.untilSequence(await log.lastSequence());
  hold.release();
  await flying;
  expect(await waiting).toEqual({ committed: true, revision });
  expect(one.replica.entry("pods/a/x")).toBeUndefined();
  expect(await log.lastSequence()).toBe(4);
});

test("a request that may have been applied before what is remembered is refused", async () => {
  const store = start({ log: new MemoryLog() });
  await propose(store, create("pods/a/x"));
  store.replica.requests.reset(1);
  const transaction = { request: "old", mutations: [create("pods/a/y")] };
  const ask = (since: number): Promise<Outcome> =>
    store.host.messenger.ask<Outcome>(WRITER_ADDRESS, { type: "propose", transaction, since } as WriterMessage);
  await expect(ask(0)).rejects.toMatchObject({ code: "forgotten" });
  expect(await ask(1)).toEqual({ committed: true, revision: 2 });
  expect(await ask(0)).toEqual({ committed: true, revision: 2 });
});

test("requests are remembered at least as many as promised, and the window says where it begins", () => {
  const window = new RequestWindow(2);
  for (let revision = 1; revision <= 5; revision++) window.add(`r${revision}`, revision);
  expect(window.since).toBe(2);
  expect([1, 2, 3, 4, 5].map((revision) => window.find(`r${revision}`))).toEqual([undefined, undefined, 3, 4, 5]);
});

test("an overtaken writer does not answer with its old revision", async () => {
  const log = new MemoryLog();
  // Its follower hears nothing of what the other writes, so that only the log can tell it.
  const deaf = new FaultyLog(log);
  deaf.read = () => ({ done: new Promise(() => {}), stop() {} });
  const one = start({ log: deaf });
  expect(await one.client.committedRevision()).toBe(0);
  await propose(one, create("pods/a/x"));
  expect(await one.client.committedRevision()).toBe(1);
  const two = start({ log, name: "two" });
  await propose(two, create("pods/a/y"));
  await expect(one.host.messenger.ask("writer/main", { type: "committedRevision" })).rejects.toMatchObject({ code: "stepped-down" });
});

test("the committed revision waits for the batch in flight that the log has already", async () => {
  const log = new FaultyLog(new MemoryLog());
  const store = start({ log });
  log.faults.push("written-but-unacknowledged");
  const write = propose(store, create("pods/a/x"), create("pods/a/y"));
  await turns(1);
  expect(await store.client.committedRevision()).toBe(2);
  await write;
});

test("questions of one turn share one question to the log", async () => {
  const log = new FaultyLog(new MemoryLog());
  const store = start({ log });
  await store.client.committedRevision();
  let asked = 0;
  const lastSequence = log.lastSequence.bind(log);
  log.lastSequence = () => {
    asked++;
    return lastSequence();
  };
  expect(await Promise.all(Array.from({ length: 50 }, () => store.client.committedRevision()))).toEqual(new Array(50).fill(0));
  expect(asked).toBe(1);
});

test("while the log is away writes wait, then fail as unavailable; when it is back all goes on", async () => {
  const clock = virtualClock();
  const log = new FaultyLog(new MemoryLog());
  const store = start({ log, clock });
  await propose(store, create("pods/a/x"));
  log.down = true;
  const flying = propose(store, create("pods/a/y"));
  const queued = (async () => {
    await turns();
    return propose(store, create("pods/a/z"));
  })();
  const failures = [expect(flying).rejects.toThrow(StoreUnavailable), expect(queued).rejects.toThrow(StoreUnavailable)];
  await clock.run(11_000);
  await Promise.all(failures);
  expect(store.replica.list("pods").map((entry) => entry.key)).toEqual(["pods/a/x"]);
  log.down = false;
  const next = propose(store, create("pods/a/w"));
  await clock.run(1_000);
  expect((await next).committed).toBe(true);
  expect(store.replica.entry("pods/a/y")).toBeDefined();
});

const KEYS = ["pods/a/x", "pods/a/y", "nodes/n"];
const step = fc.record({
  key: fc.constantFrom(...KEYS),
  op: fc.constantFrom("create" as const, "update" as const, "delete" as const),
  /** How far the expected revision is off; mostly not. */
  off: fc.constantFrom(0, 0, 0, 1),
});
const rounds = fc.array(
  fc.record({
    transactions: fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
    fault: fc.constantFrom(undefined, undefined, "lost" as const, "written-but-unacknowledged" as const),
    restart: fc.boolean(),
  }),
  { maxLength: 6 },
);

test("writer and replica do what a map with a counter does, through faults and restarts", async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async (script) => {
      const log = new FaultyLog(new MemoryLog());
      let store = startStore({ log });
      let model = new Map<string, number>();
      let revision = 0;
      for (const { transactions, fault, restart } of script) {
        if (fault !== undefined) log.faults.push(fault);
        const answers: Promise<Outcome>[] = [];
        const expected: Outcome[] = [];
        for (const steps of transactions) {
          const next = new Map(model);
          let outcome: Outcome = { committed: true, revision: revision + 1 };
          const mutations: Mutation[] = [];
          steps.forEach(({ key, op, off }, index) => {
            const current = next.get(key);
            const expect = (current ?? 0) + off;
            mutations.push(op === "create" ? create(key) : op === "update" ? update(key, expect) : remove(key, expect));
            const holds = op === "create" ? current === undefined : current === expect;
            if (!outcome.committed) return;
            if (!holds) outcome = { committed: false, index, actual: current };
            else if (op === "delete") next.delete(key);
            else next.set(key, revision + 1 + index);
          });
          if (outcome.committed) {
            model = next;
            revision += steps.length;
          }
          expected.push(outcome);
          answers.push(propose(store, ...mutations));
        }
        expect(await Promise.all(answers)).toEqual(expected);
        if (restart) {
          await store.stop();
          store = startStore({ log });
          await store.follower.ready;
        }
        expect(store.replica.revision).toBe(revision);
        const held = [...store.replica.list("pods"), ...store.replica.list("nodes")].map((entry) => [entry.key, entry.revision]);
        expect(new Map(held as [string, number][])).toEqual(model);
      }
      await store.stop();
    }),
    { numRuns: 60 },
  );
});
