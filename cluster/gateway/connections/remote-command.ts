/**
 * `exec`, `attach` and `portforward` of a pod. Which pod and container is meant is settled here, in Kubernetes' words; nodes whose containers are
 * no processes then refuse: as a Status on the error channel to clients that come by WebSocket, else as the HTTP answer, which clients of SPDY show.
 * Source: streamLocation of pkg/registry/core/pod; KEP-4006; apimachinery's remotecommand constants.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { badRequest } from "../../../actors/kinds/errors.ts";
import type { Answer } from "../answer.ts";
import type { GatewayContext } from "../context.ts";
import type { ResourceRequest } from "../route.ts";
import { isTrue } from "../route.ts";
import { containerOf, hostOf, podNow, whyUnreachable } from "./pod-container.ts";
import { offeredProtocol, sayAndClose } from "./web-socket.ts";

/** Newest first. Those before version 4 have plain text where the others have a Status. */
const COMMAND_PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];
const STATUS_PROTOCOLS: ReadonlySet<string> = new Set(["v5.channel.k8s.io", "v4.channel.k8s.io"]);
const ERROR_CHANNEL = 3;
const PORT_PROTOCOLS = ["v4.channel.k8s.io", "portforward.k8s.io"];
const PORT_MAX = 65_535;

/** `exec` and `attach`. */
export async function remoteCommand(
  context: GatewayContext,
  info: ResourceRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const pod = await podNow(context, info.namespace, info.name);
  const container = containerOf(pod, info.query.get("container") ?? "");
  const node = hostOf(pod);
  if (request.headers.upgrade === undefined) throw badRequest("Upgrade request required");
  if (!["stdin", "stdout", "stderr"].some((stream) => isTrue(info.query.get(stream)))) {
    throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  }
  const refusal = badRequest(`cannot ${info.subresource} in container ${container} of pod ${info.name}: ${whyUnreachable(context, node)}`);
  const protocol = offeredProtocol(request, COMMAND_PROTOCOLS);
  if (protocol === undefined) throw refusal;
  const words = STATUS_PROTOCOLS.has(protocol) ? JSON.stringify(refusal.status) : refusal.status.message;
  sayAndClose(request, response, protocol, [[ERROR_CHANNEL, Buffer.from(words ?? "")]]);
  return { type: "taken" };
}

export async function portForward(
  context: GatewayContext,
  info: ResourceRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const pod = await podNow(context, info.namespace, info.name);
  const node = hostOf(pod);
  if (request.headers.upgrade === undefined) throw badRequest("Upgrade request required");
  const refusal = badRequest(`cannot forward ports of pod ${info.name}: ${whyUnreachable(context, node)}`);
  const protocol = offeredProtocol(request, PORT_PROTOCOLS);
  if (protocol === undefined) throw refusal;
  const ports = info.query.getAll("ports").flatMap((given) => given.split(","));
  if (ports.length === 0) throw badRequest('query parameter "ports" is required');
  const words = Buffer.from(refusal.status.message ?? "");
  // Each port has two channels, one for data and one for errors; both begin with the port's number. Source: kubelet's portforward/websocket.go.
  const messages = ports.flatMap((given, index): (readonly [number, Buffer])[] => {
    const port = Buffer.alloc(2);
    port.writeUInt16LE(portNumber(given));
    return [
      [2 * index, port],
      [2 * index + 1, port],
      [2 * index + 1, words],
    ];
  });
  sayAndClose(request, response, protocol, messages);
  return { type: "taken" };
}

function portNumber(given: string): number {
  const port = Number(given);
  if (!/^\d+$/.test(given) || port < 1 || port > PORT_MAX) throw badRequest(`unable to parse ${JSON.stringify(given)} as a port`);
  return port;
}
