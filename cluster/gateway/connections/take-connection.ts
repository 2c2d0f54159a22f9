import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

const SWITCHING_PROTOCOLS = 101;

/** The connection of a request, to speak another protocol on. For whoever counts and records requests its answer lasts as long as the connection. */
export function takeConnection({ socket }: IncomingMessage, response: ServerResponse): Socket {
  response.detachSocket(socket);
  response.statusCode = SWITCHING_PROTOCOLS;
  socket.setTimeout(0);
  socket.once("close", () => response.emit("close"));
  return socket;
}

/** Switches it to a protocol that needs no more than to be agreed on. */
export function switchTo(
  protocol: string,
  headers: Readonly<Record<string, string>>,
  request: IncomingMessage,
  response: ServerResponse,
): Socket {
  const socket = takeConnection(request, response);
  const lines = Object.entries({ Connection: "Upgrade", Upgrade: protocol, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
  return socket;
}

/** Whoever asks for another protocol is answered like anybody else, on a connection that is theirs to switch. */
export function responseOnUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): ServerResponse {
  // What came behind the request already is the first of what comes in the other protocol.
  if (head.length > 0) socket.unshift(head);
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  response.shouldKeepAlive = false;
  response.once("finish", () => socket.end());
  socket.on("error", () => response.destroy());
  return response;
}
