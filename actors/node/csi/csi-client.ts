import type { Clock } from "../../../runtime/mod.ts";
import { GrpcClient } from "../grpc/client.ts";
import type { MethodTable, Received, Sent, Service } from "../grpc/messages.ts";
import { CONTROLLER, type CsiMessages, IDENTITY, NODE } from "./messages.ts";

type Call<M extends MethodTable<CsiMessages>> = <N extends keyof M & string>(
  method: N,
  request: Sent<CsiMessages, M[N][0]>,
) => Promise<Received<CsiMessages, M[N][1]>>;

/** How long a driver may take for a call. Source: csiTimeout. */
const TIMEOUT_MS = 120_000;

/** A driver behind its socket. Each call has a connection of its own, as those of kubelet have: a driver that has come back is found at once. Throws GrpcFailure. */
export interface CsiDriverSocket {
  readonly identity: Call<typeof IDENTITY.methods>;
  readonly node: Call<typeof NODE.methods>;
  readonly controller: Call<typeof CONTROLLER.methods>;
}

/** `socket` is a path, or a URL of one. */
export function csiDriverAt(socket: string, clock: Clock, timeout_ms: number = TIMEOUT_MS): CsiDriverSocket {
  const calling =
    <M extends MethodTable<CsiMessages>>(service: Service<CsiMessages, M>): Call<M> =>
    async (method, request) => {
      const client = new GrpcClient(service, pathOf(socket), clock);
      try {
        return await client.call(method, request, timeout_ms);
      } finally {
        client.close();
      }
    };
  return { identity: calling(IDENTITY), node: calling(NODE), controller: calling(CONTROLLER) };
}

function pathOf(socket: string): string {
  return socket.replace(/^unix:(\/\/)?/, "");
}
