/** Runs in a thread of its own beside the server that is measured: reads answers of HTTPS as fast as they come, and times them. */
import { Agent, get } from "node:https";
import { parentPort, workerData } from "node:worker_threads";
import type { Access } from "./gateway-rig.ts";
import { lagReader } from "./sent-times.ts";

export type ClientTask =
  /** Reads this path to its end. */
  | { readonly type: "read"; readonly path: string }
  /** Opens these watches and notes how late each event is. */
  | { readonly type: "watch"; readonly paths: readonly string[] }
  /** Tells what was noted since the last time, and how many watches were cut off so far. */
  | { readonly type: "report" };

export type ClientAnswer =
  | { readonly type: "read"; readonly took_ms: number; readonly firstByte_ms: number; readonly bytes: number }
  | { readonly type: "watching" }
  | { readonly type: "report"; readonly lags_ms: Float64Array; readonly lost: number };

/** A thousand handshakes at once are not what is measured. */
const OPENED_AT_ONCE = 20;

const { port, ca, pair } = workerData as Access;
const agent = new Agent({ keepAlive: true, maxSockets: 2_000, ca, key: pair.key, cert: pair.cert });
let lags_ms: number[] = [];
let lost = 0;

function read(path: string): void {
  const start_ms = performance.now();
  let firstByte_ms = 0;
  let bytes = 0;
  get({ host: "127.0.0.1", port, path, agent }, (response) => {
    response.on("data", (chunk: Buffer) => {
      if (bytes === 0) firstByte_ms = performance.now() - start_ms;
      bytes += chunk.length;
    });
    response.on("end", () => answer({ type: "read", took_ms: performance.now() - start_ms, firstByte_ms, bytes }));
  });
}

async function watch(paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += OPENED_AT_ONCE) await Promise.all(paths.slice(at, at + OPENED_AT_ONCE).map(watchOne));
  answer({ type: "watching" });
}

/** Resolves when the watch has begun. */
function watchOne(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path, agent }, (response) => {
      response.on(
        "data",
        lagReader((lag_ms) => lags_ms.push(lag_ms)),
      );
      response.on("error", () => {
        lost++;
      });
      resolve();
    });
    request.on("error", reject);
  });
}

function answer(message: ClientAnswer): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", (task: ClientTask) => {
  switch (task.type) {
    case "read":
      return read(task.path);
    case "watch":
      void watch(task.paths);
      return;
    case "report":
      answer({ type: "report", lags_ms: Float64Array.from(lags_ms), lost });
      lags_ms = [];
  }
});
