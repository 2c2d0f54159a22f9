import { connect, type Socket } from "node:net";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import { OwnAddress } from "../../outbound/own-address.ts";
import type { PodsContext } from "../context.ts";

const CONNECT_MS = 30_000;

/** Connects to a port of a pod. Rejects with the words that the client gets. */
export type DialPort = (port: number) => Promise<Socket>;

/** Of the pod as it is when a connection is wanted: it may have gone meanwhile. */
export function dialOf({ view, own }: Pick<PodsContext, "view" | "own">, { metadata }: Pod): DialPort {
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
