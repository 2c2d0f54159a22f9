import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { ApiAccess } from "../../../cluster/outbound/kubeconfig.ts";
import { makeAuthority } from "../gateway/certificates.ts";
import type { Json } from "../gateway/harness.ts";

/** Somebody outside whom the cluster asks, on loopback: an issuer of tokens, a webhook. */
export interface OutsideServer {
  readonly url: string;
  /** PEM of who vouches for it. */
  readonly authority: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** What a path answers: JSON, or a code. */
  on(path: string, answer: (body: Json) => Json | number): void;
  /** As a webhook's kubeconfig would name it. */
  access(path: string): ApiAccess;
  stop(): Promise<void>;
}

export async function startOutsideServer(): Promise<OutsideServer> {
  const authority = await makeAuthority("outside");
  const { cert, key } = await authority.server();
  const asked: string[] = [];
  const answers = new Map<string, (body: Json) => Json | number>();
  const server = createServer({ cert, key }, async (request, response) => {
    const path = request.url ?? "/";
    asked.push(path);
    const answer = answers.get(path)?.(await bodyOf(request)) ?? 404;
    if (typeof answer === "number") response.writeHead(answer).end();
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    authority: authority.cert,
    asked,
    on: (path, answer) => void answers.set(path, answer),
    access: (path) => ({
      origin: url,
      path,
      authority: authority.cert,
      serverName: undefined,
      insecure: false,
      clientCertificate: undefined,
      clientKey: undefined,
      token: undefined,
    }),
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString("utf8"));
}
