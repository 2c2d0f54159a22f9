/**
 * Where a log goes: the body of an answer, or, to a client that asks for a WebSocket, one message after the other, an empty one first. Source: apimachinery's
 * wsstream.Reader (Kubernetes 1.34).
 */
import { Writable } from "node:stream";
import type { WebSocket } from "ws";
import { badRequest } from "../../../actors/kinds/errors.ts";
import type { Connection } from "../exchange.ts";
import { mayBeSilent } from "../slow-clients.ts";
import { acceptWebSocket, CLOSE_NORMAL, offeredProtocol, offersNoProtocol, wantsWebSocket } from "./web-socket.ts";

const BINARY = "binary.k8s.io";
const BASE64 = "base64.binary.k8s.io";

/** Begins the answer. Throws 400. */
export function openLog({ request, response }: Connection): Writable {
  if (wantsWebSocket(request)) {
    const protocol = offersNoProtocol(request) ? "" : offeredProtocol(request, [BINARY, BASE64]);
    if (protocol === undefined) throw badRequest(`unable to upgrade: a log is read by the protocols ${BINARY} and ${BASE64}, or by none`);
    const socket = acceptWebSocket(request, response, protocol);
    // It has been answered.
    return socket === undefined ? new Writable().destroy() : messages(socket, protocol === BASE64);
  }
  response.writeHead(200, { "Content-Type": "text/plain", "Cache-Control": "no-cache, private" });
  response.flushHeaders();
  mayBeSilent(response);
  return response;
}

function messages(socket: WebSocket, isBase64: boolean): Writable {
  const sink = new Writable({
    write: (bytes: Buffer, _encoding, done) => socket.send(isBase64 ? bytes.toString("base64") : bytes, () => done()),
    final: (done) => {
      socket.close(CLOSE_NORMAL);
      done();
    },
  });
  socket.once("close", () => sink.destroy());
  socket.send(isBase64 ? "" : Buffer.alloc(0));
  return sink;
}
