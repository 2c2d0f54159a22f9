import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * What of WebSocket (RFC 6455) it takes to accept a connection only to say on it why there is nothing to connect to. Clients of this protocol do
 * not show what an HTTP answer says, so this is how their users get to read it.
 */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const BINARY = 0x82;
const CLOSE = 0x88;
const CLOSE_NORMAL = 1000;
/** The longest payload whose length fits the header's first form, and its second. */
const SHORT_BYTES_MAX = 125;
const MEDIUM_BYTES_MAX = 65_535;
const LENGTH_16 = 126;
const VERSION = "13";

/** The first of `known` that the client speaks; undefined when it asks for no WebSocket, or for none of these. */
export function offeredProtocol({ headers }: IncomingMessage, known: readonly string[]): string | undefined {
  if (headers.upgrade?.toLowerCase() !== "websocket" || headers["sec-websocket-key"] === undefined) return undefined;
  if (headers["sec-websocket-version"] !== VERSION) return undefined;
  const offered = new Set((headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim()));
  return known.find((name) => offered.has(name));
}

/** Switches the connection to WebSocket, sends the messages, and closes it. */
export function sayAndClose(
  request: IncomingMessage,
  response: ServerResponse,
  protocol: string,
  messages: readonly (readonly [channel: number, payload: Buffer])[],
): void {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
  const { socket } = request;
  response.detachSocket(socket);
  const head = ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`, `Sec-WebSocket-Protocol: ${protocol}`];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${head.join("\r\n")}\r\n\r\n`);
  for (const [channel, payload] of messages) socket.write(frame(BINARY, Buffer.concat([Buffer.of(channel), payload])));
  const code = Buffer.alloc(2);
  code.writeUInt16BE(CLOSE_NORMAL);
  // What the client still sends is nobody's to read: its own close, or input for a process that is not there.
  socket.resume();
  socket.end(frame(CLOSE, code));
}

/** A whole message in one frame, unmasked as servers send them. */
function frame(head: number, payload: Buffer): Buffer {
  if (payload.length <= SHORT_BYTES_MAX) return Buffer.concat([Buffer.of(head, payload.length), payload]);
  if (payload.length > MEDIUM_BYTES_MAX) throw new RangeError("a message of more than 64 KiB is no refusal");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(payload.length);
  return Buffer.concat([Buffer.of(head, LENGTH_16), length, payload]);
}
