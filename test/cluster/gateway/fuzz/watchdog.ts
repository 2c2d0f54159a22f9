import { writeSync } from "node:fs";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

/** A case that takes longer will not end: what holds up the event loop for good cannot be reported by it. */
const HANG_MS = 60_000;
const LOOK_EVERY_MS = 1_000;
const STDERR = 2;

/** Ends the process when a case hangs, and says which. */
export class Watchdog {
  readonly #thread: Worker = new Worker(new URL(import.meta.url));

  constructor() {
    this.#thread.unref();
  }

  begins(numbers: readonly number[]): void {
    this.#thread.postMessage(numbers);
  }

  stop(): Promise<number> {
    return this.#thread.terminate();
  }
}

function watch(): void {
  let began_ms = performance.now();
  let running: readonly number[] | undefined;
  parentPort?.on("message", (numbers: readonly number[]) => {
    began_ms = performance.now();
    running = numbers;
  });
  setInterval(() => {
    if (running === undefined || performance.now() - began_ms < HANG_MS) return;
    writeSync(STDERR, `this case hangs: npm run fuzz -- --case ${running.join(",")}\n`);
    process.kill(process.pid, "SIGKILL");
  }, LOOK_EVERY_MS);
}

if (!isMainThread) watch();
