import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:http2";
import { bytesField, framed } from "./grpc.ts";

/** As many connections as etcd's own benchmark is recommended with. */
const CONNECTIONS = 100;
const OK = "0";

/**
 * Puts over gRPC, the way of Kubernetes' API server: its JSON gateway would be what is measured else. A PutRequest is two fields of bytes, so it is
 * written by hand. Source: rpc.proto of etcd's API.
 */
export class EtcdPuts {
  readonly #sessions: readonly ClientHttp2Session[];
  #next = 0;

  constructor(url: string, connections: number = CONNECTIONS) {
    this.#sessions = Array.from({ length: connections }, () => connect(url));
  }

  put(key: string, value: string): Promise<void> {
    const session = this.#sessions[this.#next++ % this.#sessions.length] as ClientHttp2Session;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stream = session.request({
      ":method": "POST",
      ":path": "/etcdserverpb.KV/Put",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", reject);
    stream.on("trailers", (trailers) => {
      const status = trailers["grpc-status"];
      if (status === OK) resolve();
      else reject(new Error(`etcd answered ${status}: ${trailers["grpc-message"]}`));
    });
    stream.on("response", (headers) => {
      const status = headers["grpc-status"];
      if (status !== undefined && status !== OK) reject(new Error(`etcd answered ${status}: ${headers["grpc-message"]}`));
    });
    stream.resume();
    stream.end(framed(putRequest(key, value)));
    return promise;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }
}

function putRequest(key: string, value: string): Buffer {
  return Buffer.concat([bytesField(1, Buffer.from(key)), bytesField(2, Buffer.from(value))]);
}
