import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type Authority, makeAuthority } from "../gateway/certificates.ts";
import type { Json } from "../gateway/harness.ts";

/** What a webhook says to a review's request: parts of the response, or `hang` and `fail`. */
export type Said = Json | "hang" | "fail";

/** A real webhook on loopback: what it says is decided by path. */
export interface WebhookServer {
  readonly authority: Authority;
  readonly port: number;
  readonly caBundle: string;
  /** What was asked, by path, in order: the `request` of each review. */
  readonly asked: Map<string, Json[]>;
  on(path: string, say: (request: Json, review: Json) => Said): void;
  url(path: string): string;
  stop(): Promise<void>;
}

export async function startWebhookServer(): Promise<WebhookServer> {
  const authority = await makeAuthority("webhook-ca");
  const { cert, key } = await authority.server();
  const asked = new Map<string, Json[]>();
  const say = new Map<string, (request: Json, review: Json) => Said>();
  const server = createServer({ cert, key }, async (request, response) => {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const review = JSON.parse(await bodyOf(request)) as Json;
    const question = review.request;
    asked.set(path, [...(asked.get(path) ?? []), question]);
    const said = say.get(path)?.(question, review);
    if (said === "hang") return;
    if (said === undefined || said === "fail") {
      response.writeHead(said === undefined ? 404 : 500).end("broken");
      return;
    }
    const answer = said.raw ?? { kind: review.kind, apiVersion: review.apiVersion, response: { uid: question.uid, ...said } };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    authority,
    port,
    caBundle: Buffer.from(authority.cert).toString("base64"),
    asked,
    on: (path, handle) => void say.set(path, handle),
    url: (path) => `https://127.0.0.1:${port}${path}`,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** A JSON patch as webhooks answer it. */
export function patchAnswer(patch: readonly object[]): Json {
  return { allowed: true, patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
}
