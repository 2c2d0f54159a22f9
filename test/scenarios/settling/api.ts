import { readFileSync } from "node:fs";
import { Agent, request } from "undici";
import { parse } from "yaml";

/** JSON as tests read it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Json = any;

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** The REST API of a cluster, as the administrator of a kubeconfig file. */
export class Api {
  readonly #server: string;
  readonly #agent: Agent;

  constructor(kubeconfig: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as Json;
    const bytes = (data: string): string => Buffer.from(data, "base64").toString();
    this.#server = clusters[0].cluster.server;
    this.#agent = new Agent({
      connect: {
        ca: bytes(clusters[0].cluster["certificate-authority-data"]),
        cert: bytes(users[0].user["client-certificate-data"]),
        key: bytes(users[0].user["client-key-data"]),
      },
    });
  }

  async call({ method, path, headers = {}, body }: Request): Promise<Answer> {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const answer = await request(`${this.#server}${path}`, {
      method: method as "GET",
      dispatcher: this.#agent,
      headers: { accept: "application/json", ...(text === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(text === undefined ? {} : { body: text }),
    });
    const received = await answer.body.text();
    return { status: answer.statusCode, body: received === "" ? "" : JSON.parse(received) };
  }

  async items(path: string): Promise<readonly Json[]> {
    return (await this.call({ method: "GET", path })).body.items ?? [];
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}
