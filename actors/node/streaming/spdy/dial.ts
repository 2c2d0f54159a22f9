import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";

export const SPDY = "SPDY/3.1";
export const SPDY_PROTOCOL_HEADER = "X-Stream-Protocol-Version";

/** Asks a server of Kubernetes' streams to go on in SPDY, in that protocol. Rejects in the server's words, or the system's. */
export function dialSpdy(url: string, protocol: string): Promise<Duplex> {
  const ask = url.startsWith("https:") ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const headers = { Connection: "Upgrade", Upgrade: SPDY, [SPDY_PROTOCOL_HEADER]: protocol };
    const asked = ask(url, { method: "POST", headers, agent: false });
    asked.once("upgrade", (_: IncomingMessage, connection: Duplex, head: Buffer) => {
      if (head.length > 0) connection.unshift(head);
      connection.on("error", () => {});
      resolve(connection);
    });
    asked.once("response", (response: IncomingMessage) => {
      text(response).then((why) => reject(new Error(`${response.statusCode} ${why.trim()}`)), reject);
    });
    asked.once("error", reject);
    asked.end();
  });
}
