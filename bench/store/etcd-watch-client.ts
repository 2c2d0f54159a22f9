/** Runs in a thread of its own beside etcd: holds watches over gRPC, reads what comes, and times it. What https-client.ts is to Troupe. */
import { connect } from "node:http2";
import { parentPort, workerData } from "node:worker_threads";
import { bytesField, framed } from "./grpc.ts";
import type { ClientAnswer, ClientTask } from "./https-client.ts";
import { lagReader } from "./sent-times.ts";

const CONNECTIONS = 100;

const sessions = Array.from({ length: CONNECTIONS }, () => connect(workerData as string));
let lags_ms: number[] = [];
let lost = 0;

/** A WatchRequest: create_request (1) with key (1) and range_end (2). Source: rpc.proto of etcd's API. */
function watchRequest(prefix: string): Buffer {
  const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  return bytesField(1, Buffer.concat([bytesField(1, Buffer.from(prefix)), bytesField(2, Buffer.from(end))]));
}

/** Resolves when etcd has said that the watch is there. */
function watchOne(prefix: string, index: number): Promise<void> {
  const session = sessions[index % CONNECTIONS];
  return new Promise((resolve, reject) => {
    const stream = session?.request({
      ":method": "POST",
      ":path": "/etcdserverpb.Watch/Watch",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const read = lagReader((lag_ms) => lags_ms.push(lag_ms));
    stream?.on("data", (chunk: Buffer) => {
      resolve();
      read(chunk);
    });
    stream?.on("error", reject);
    stream?.on("close", () => {
      lost++;
    });
    stream?.write(framed(watchRequest(prefix)));
  });
}

function answer(message: ClientAnswer): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", (task: ClientTask) => {
  if (task.type === "watch") {
    void Promise.all(task.paths.map(watchOne)).then(() => answer({ type: "watching" }));
  } else if (task.type === "report") {
    answer({ type: "report", lags_ms: Float64Array.from(lags_ms), lost });
    lags_ms = [];
  }
});
