import { parentPort } from "node:worker_threads";
import { WorkerPool } from "../../runtime/worker-pool.ts";
import type { SquareTask } from "./square-worker.ts";

/** A host's thread that has a pool of its own. */
const pool = new WorkerPool<SquareTask, number>({ file: new URL("./square-worker.ts", import.meta.url), threads: 1, name: "inner" });
const shared = new SharedArrayBuffer(16);
const answer = await pool.run({ shared, index: 1, value: 9 });
parentPort?.postMessage([answer, new Int32Array(shared)[1]]);
await pool.close();
