/**
 * `portforward` of a pod: the client opens a pair of streams for each connection that it wants, and its bytes are carried to a port of the pod and back. By SPDY/3.1,
 * which kubectl since 1.31 tunnels in WebSocket (KEP-4006); or, for clients that know WebSocket alone, by a pair of channels for each port that
 * is asked for. Source: kubelet's portforward/httpstream.go and portforward/websocket.go; apiserver's streamtunnel.go.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket } from "ws";
import { badRequest } from "../../../actors/kinds/errors.ts";
import { SpdySession } from "../../../actors/node/streaming/spdy/session.ts";
import type { Answer } from "../answer.ts";
import type { PodsContext } from "../context.ts";
import { type DialPort, dialOf } from "./dial-port.ts";
import { Idle } from "./idle.ts";
import { hasProcesses, hostOf, type PodRequest, podNow, whyUnreachable } from "./pod-container.ts";
import { PortChannels } from "./port-channels.ts";
import { acceptSpdy, offeredOverSpdy } from "./spdy-command.ts";
import { StreamPairs } from "./stream-pairs.ts";
import { acceptWebSocket, offeredProtocol } from "./web-socket.ts";

const SPDY_PROTOCOL = "portforward.k8s.io";
const TUNNEL_PROTOCOL = `SPDY/3.1+${SPDY_PROTOCOL}`;
const CHANNEL_PROTOCOLS = ["v4.channel.k8s.io", SPDY_PROTOCOL];
const PORT_MAX = 65_535;

export async function portForward(
  context: PodsContext,
  info: PodRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const pod = await podNow(context, info.namespace, info.name);
  const node = hostOf(pod);
  if (request.headers.upgrade === undefined) throw badRequest("Upgrade request required");
  const refusal = hasProcesses(context, node)
    ? undefined
    : badRequest(`cannot forward ports of pod ${info.name}: ${whyUnreachable(context, node)}`);
  const channels = offeredProtocol(request, CHANNEL_PROTOCOLS);
  if (channels !== undefined) {
    const ports = info.query.getAll("ports").flatMap((given) => given.split(",").map(portNumber));
    if (ports.length === 0) throw badRequest('query parameter "ports" is required');
    const socket = acceptWebSocket(request, response, channels);
    const why = refusal?.status.message;
    const dial: DialPort = why === undefined ? dialOf(context, pod) : () => Promise.reject(new Error(why));
    if (socket !== undefined) new PortChannels(socket, ports, dial, idleOf(context, socket), why !== undefined);
    return { type: "taken" };
  }
  if (refusal !== undefined) throw refusal;
  const connection = connectionOf(request, response);
  if (connection === undefined) throw badRequest(`unable to upgrade: no protocol of ${request.headers.upgrade} that is offered is known`);
  const pairs = new StreamPairs(pod.metadata.name, dialOf(context, pod), context.clock);
  const idle = new Idle(context.clock, () => connection.destroy());
  const session = new SpdySession(
    connection,
    (stream) => pairs.add(stream),
    () => idle.used(),
  );
  session.run().finally(() => {
    idle.stop();
    pairs.end();
  });
  return { type: "taken" };
}

/** What SPDY is spoken on; undefined when the client offers neither way. */
function connectionOf(request: IncomingMessage, response: ServerResponse): Duplex | undefined {
  if (offeredProtocol(request, [TUNNEL_PROTOCOL]) !== undefined) {
    const socket = acceptWebSocket(request, response, TUNNEL_PROTOCOL);
    return socket === undefined ? undefined : createWebSocketStream(socket).on("error", () => {});
  }
  return offeredOverSpdy(request, [SPDY_PROTOCOL]) === undefined ? undefined : acceptSpdy(SPDY_PROTOCOL, request, response);
}

function idleOf({ clock }: PodsContext, socket: WebSocket): Idle {
  const idle = new Idle(clock, () => socket.terminate());
  socket.once("close", () => idle.stop());
  return idle;
}

function portNumber(given: string): number {
  const port = Number(given);
  if (!/^\d+$/.test(given) || port < 1 || port > PORT_MAX) throw badRequest(`unable to parse ${JSON.stringify(given)} as a port`);
  return port;
}
