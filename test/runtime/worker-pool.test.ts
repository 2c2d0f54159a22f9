import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { WorkerPool, WorkerPoolBusy } from "../../runtime/mod.ts";
import { QUEUED_TASKS_PER_THREAD } from "../../runtime/worker-pool.ts";
import type { SquareTask } from "./square-worker.ts";

const file = new URL("./square-worker.ts", import.meta.url);
const pools: WorkerPool<SquareTask, number>[] = [];

function open(threads: number): WorkerPool<SquareTask, number> {
  const pool = new WorkerPool<SquareTask, number>({ file, threads, name: "squares" });
  pools.push(pool);
  return pool;
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
  const blocked = pool.run({ ...task, wait: true });
  await expect.poll(() => pool.queued).toBe(0);
  const queued = Array.from({ length: QUEUED_TASKS_PER_THREAD }, () => pool.run(task));
  await expect(pool.run(task)).rejects.toBeInstanceOf(WorkerPoolBusy);
  Atomics.store(new Int32Array(shared), 0, 1);
  Atomics.notify(new Int32Array(shared), 0);
  expect(await blocked).toBe(9);
  expect(new Set(await Promise.all(queued))).toEqual(new Set([9]));
  expect(await pool.run(task)).toBe(9);
});

test("a signal takes back a task, waiting or in work, and the pool goes on", async () => {
  const pool = open(1);
  const shared = new SharedArrayBuffer(16);
  const working = new AbortController();
  const waiting = new AbortController();
  const first = pool.run({ shared, index: 1, value: 3, wait: true }, { signal: working.signal });
  const second = pool.run({ shared, index: 2, value: 3 }, { signal: waiting.signal });
  waiting.abort();
  await expect(second).rejects.toMatchObject({ name: "AbortError" });
  working.abort();
  await expect(first).rejects.toMatchObject({ name: "AbortError" });
  expect(await pool.run({ shared, index: 3, value: 4 })).toBe(16);
  expect([...new Int32Array(shared)]).toEqual([0, 0, 0, 16]);
});

test("a worker thread can have a pool of its own", async () => {
  const worker = new Worker(new URL("./pool-in-worker.ts", import.meta.url));
  const exited = once(worker, "exit");
  const [answer] = await once(worker, "message");
  expect(answer).toEqual([81, 81]);
  expect((await exited)[0]).toBe(0);
});
