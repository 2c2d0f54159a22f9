import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import type { StreamDoor } from "../../../actors/node/streaming/stream-door.ts";
import type { PodWorkerMessage } from "../../../actors/pod/life/pod-worker.ts";
import { workerOf } from "../../../actors/pod/life/worker-address.ts";
import { OwnAddress } from "../../outbound/own-address.ts";
import type { PodsContext } from "../context.ts";
import { portThrough } from "./port-door.ts";

const CONNECT_MS = 30_000;

/** Connects to a port of a pod. Rejects with the words that the client gets. */
export type DialPort = (port: number) => Promise<Duplex>;

/** Of the pod as it is when a connection is wanted: it may have gone meanwhile. */
export function dialOf({ view, own, messenger }: Pick<PodsContext, "view" | "own" | "messenger">, forwarded: Pod): DialPort {
  const { metadata } = forwarded;
  const { namespace = "", name, uid } = metadata;
  const key = keyFor({ group: "", plural: "pods" }, namespace, name);
  return async (port) => {
    const failed = (why: string): Error => new Error(`error forwarding port ${port} to pod ${name}, uid ${uid}: ${why}`);
    const pod = view.get<Pod>(key);
    const host = pod?.status?.podIP ?? "";
    if (pod?.metadata.uid !== uid || host === "") throw failed("pod is not running");
    try {
      own.check(host, port);
    } catch (error) {
      throw error instanceof OwnAddress ? failed("address not allowed") : error;
    }
    const asked: PodWorkerMessage = { type: "port", pod: key, port };
    try {
      const door = await messenger.ask<StreamDoor | null>(workerOf(forwarded), asked);
      if (door !== null) return await portThrough(door);
    } catch (error) {
      throw failed((error as Error).message);
    }
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, timeout: CONNECT_MS });
    return new Promise((resolve, reject) => {
      socket.once("connect", () => {
        socket.setTimeout(0);
        resolve(socket);
      });
      socket.once("timeout", () => socket.destroy(new Error("i/o timeout")));
      socket.on("error", (error: NodeJS.ErrnoException) => {
        const why = error.code === "ECONNREFUSED" ? "connect: connection refused" : error.message;
        reject(failed(`dial tcp4 ${host}:${port}: ${why}`));
      });
    });
  };
}
