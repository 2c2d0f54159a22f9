import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, expect, test, vi } from "vitest";
import { type Clock, type RunOptions, systemClock, virtualClock, WorkerPool, WorkerPoolBusy } from "../../runtime/mod.ts";
import { CANCEL_GRACE_MS, QUEUED_TASKS_PER_THREAD } from "../../runtime/worker-pool.ts";
import type { SquareTask } from "./square-worker.ts";

const file = new URL("./square-worker.ts", import.meta.url);
const pools: WorkerPool<SquareTask, number>[] = [];

function open(threads: number, clock: Clock = systemClock()): WorkerPool<SquareTask, number> {
  const pool = new WorkerPool<SquareTask, number>({ file, threads, name: "squares", clock });
  pools.push(pool);
  return pool;
}

/** Opens the gate of tasks that wait for it. */
function openGate(shared: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(shared), 0, 1);
  Atomics.notify(new Int32Array(shared), 0);
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

test("tasks run in TypeScript workers and write into the caller's memory", async () => {
  const pool = open(2);
  const shared = new SharedArrayBuffer(16 * 4);
  const values = Array.from({ length: 15 }, (_, index) => index + 1);
  const squares = values.map((value) => value * value);
  expect(await Promise.all(values.map((value) => pool.run({ shared, index: value, value })))).toEqual(squares);
  expect([...new Int32Array(shared)].slice(1)).toEqual(squares);
});

test("what a task throws reaches the caller", async () => {
  await expect(open(1).run({ shared: new SharedArrayBuffer(8), index: 1, value: -1 })).rejects.toThrow("negative");
});

test("a full queue pushes back, and takes more when tasks have ended", async () => {
  const pool = open(1);
  const shared = new SharedArrayBuffer(16);
  const task = { shared, index: 1, value: 3 };
  const blocked = pool.run({ ...task, first: "gate" });
  expect(pool.queued).toBe(0);
  const queued = Array.from({ length: QUEUED_TASKS_PER_THREAD }, () => pool.run(task));
  await expect(pool.run(task)).rejects.toBeInstanceOf(WorkerPoolBusy);
  openGate(shared);
  expect(await blocked).toBe(9);
  expect(new Set(await Promise.all(queued))).toEqual(new Set([9]));
  expect(await pool.run(task)).toBe(9);
});

test("who waits for room gets it in turn, and may give up meanwhile", async () => {
  const pool = open(1);
  const shared = new SharedArrayBuffer(16);
  const task = { shared, index: 1, value: 3 };
  const order: string[] = [];
  const run = (name: string, options: RunOptions): Promise<unknown> => pool.run(task, options).then(() => order.push(name));
  const all = [pool.run({ ...task, first: "gate" })];
  for (let n = 0; n < QUEUED_TASKS_PER_THREAD; n++) all.push(pool.run(task));
  const impatient = new AbortController();
  const waiting = [run("first", { wait: true }), run("second", { wait: true, signal: impatient.signal }), run("third", { wait: true })];
  await expect(pool.run(task)).rejects.toBeInstanceOf(WorkerPoolBusy);
  expect(pool.snapshot()).toMatchObject({ queued: QUEUED_TASKS_PER_THREAD, waiting: 3, running: 1, refused: 1 });
  impatient.abort();
  await expect(waiting[1]).rejects.toMatchObject({ name: "AbortError" });
  openGate(shared);
  await Promise.all([...all, waiting[0], waiting[2]]);
  expect(order).toEqual(["first", "third"]);
  const { inQueue, inWork, blocks, ...counts } = pool.snapshot();
  expect(counts).toEqual({
    ...{ name: "squares", threads: 1, queued: 0, waiting: 0, running: 0, failed: 0, killed: 0 },
    ...{ done: QUEUED_TASKS_PER_THREAD + 3, cancelled: 1, refused: 1 },
  });
  expect([inQueue.count, inWork.count, blocks.count]).toEqual([counts.done, counts.done, counts.done]);
});

test("a task in work that asks whether it is cancelled ends by itself, and its thread goes on", async () => {
  const pool = open(1);
  const shared = new SharedArrayBuffer(16);
  const cells = new Int32Array(shared);
  const controller = new AbortController();
  const polling = pool.run({ shared, index: 2, value: 3, first: "poll" }, { signal: controller.signal });
  const after = pool.run({ shared, index: 1, value: 4 });
  await vi.waitFor(() => expect(Atomics.load(cells, 2)).toBeGreaterThan(0));
  controller.abort();
  await expect(polling).rejects.toMatchObject({ name: "AbortError" });
  expect(await after).toBe(16);
  expect(cells[0], "it saw that it was cancelled").toBe(1);
  expect(pool.snapshot()).toMatchObject({ cancelled: 1, killed: 0, done: 1, failed: 0 });
});

test("a task in work that does not ask loses its thread, and another takes its place", async () => {
  const clock = virtualClock();
  const pool = open(1, clock);
  const shared = new SharedArrayBuffer(16);
  const cells = new Int32Array(shared);
  const controller = new AbortController();
  const deaf = pool.run({ shared, index: 2, value: 3, first: "deaf" }, { signal: controller.signal });
  await vi.waitFor(() => expect(Atomics.load(cells, 2)).toBeGreaterThan(0));
  controller.abort();
  await expect(deaf).rejects.toMatchObject({ name: "AbortError" });
  expect(pool.snapshot()).toMatchObject({ running: 1, cancelled: 1, killed: 0 });
  clock.advance(CANCEL_GRACE_MS);
  expect(await pool.run({ shared, index: 1, value: 4 })).toBe(16);
  expect(pool.snapshot()).toMatchObject({ running: 0, cancelled: 1, killed: 1 });
});

test("a task that waits is taken back at once; one that is given up beforehand is never begun", async () => {
  const pool = open(1);
  const shared = new SharedArrayBuffer(16);
  const controller = new AbortController();
  const first = pool.run({ shared, index: 1, value: 3, first: "gate" });
  const second = pool.run({ shared, index: 2, value: 3 }, { signal: controller.signal });
  controller.abort();
  await expect(second).rejects.toMatchObject({ name: "AbortError" });
  await expect(pool.run({ shared, index: 2, value: 3 }, { signal: controller.signal })).rejects.toMatchObject({ name: "AbortError" });
  openGate(shared);
  expect(await first).toBe(9);
  expect([...new Int32Array(shared)]).toEqual([1, 9, 0, 0]);
});

test("when a thread dies its task fails, and the pool goes on", async () => {
  const pool = open(1);
  const shared = new SharedArrayBuffer(16);
  const dying = pool.run({ shared, index: 1, value: 3, first: "exit" });
  const waiting = pool.run({ shared, index: 2, value: 5 });
  await expect(dying).rejects.toBeInstanceOf(Error);
  expect(await waiting).toBe(25);
  expect(pool.snapshot()).toMatchObject({ done: 1, failed: 1, running: 0 });
});

test("what still waits when a pool is closed ends with an error", async () => {
  const pool = open(1);
  const shared = new SharedArrayBuffer(16);
  const all = [1, 2, 3].map((index) => pool.run({ shared, index, value: 3, first: "gate" }));
  const ends = Promise.allSettled(all);
  await pool.close();
  expect((await ends).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await expect(pool.run({ shared, index: 1, value: 1 })).rejects.toThrow("closed");
});

test("a worker thread can have a pool of its own", async () => {
  const worker = new Worker(new URL("./pool-in-worker.ts", import.meta.url));
  const exited = once(worker, "exit");
  const [answer] = await once(worker, "message");
  expect(answer).toEqual([81, 81]);
  expect((await exited)[0]).toBe(0);
});
