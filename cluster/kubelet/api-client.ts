import { connect } from "node:net";
import { Agent, request } from "undici";
import { serviceUnavailable } from "../../actors/kinds/errors.ts";
import type { KubeObject } from "../../actors/kinds/object.ts";
import { type Status, StatusError } from "../../actors/kinds/status.ts";
import type { KeyPair } from "../pki/issuing.ts";

/** An API server that does not answer within this is taken for stuck. */
const ANSWER_MS = 20_000;
/** The API ends each watch after this, and then it is asked for again: so one whose other end is gone is noticed. Source: client-go's minWatchTimeout. */
const WATCH_S = 300;
const WATCH_SILENCE_MS: number = (WATCH_S + 30) * 1_000;

/** Where the API is, how it is known, and as whom it is asked. */
export interface ApiPlace {
  /** `https://host:port` */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly node: KeyPair;
}

/** What a watch says. */
export type WatchedEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject }
  | { readonly type: "BOOKMARK"; readonly object: KubeObject }
  | { readonly type: "ERROR"; readonly object: Status };

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** The API, as the client that a node is to it: over HTTPS, with the node's certificate. */
export class ApiClient {
  readonly #server: string;
  readonly #authority: string;
  /** The last is the one in use; those before still have watches. */
  #agents: Agent[] = [];

  constructor({ server, authority, node }: ApiPlace) {
    this.#server = server;
    this.#authority = authority;
    this.renew(node);
  }

  /** Is this node by this certificate from now on; what is under way ends as it began. */
  renew({ cert, key }: KeyPair): void {
    const agent = new Agent({ connect: { ca: this.#authority, cert, key }, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
    const former = this.#agents;
    this.#agents = [agent];
    for (const before of former) {
      this.#agents.unshift(before);
      void before.close().then(() => {
        this.#agents = this.#agents.filter((other) => other !== before);
      });
    }
  }

  /** What the API answers. Throws StatusError as it refuses, and 503 where nobody answers. */
  async call<T = KubeObject>(method: Method, path: string, body?: object): Promise<T> {
    const answer = await this.#ask(method, path, body);
    const text = await answer.text().catch((error: Error) => {
      throw unanswered(error);
    });
    if (answer.code < 300) return JSON.parse(text) as T;
    throw refusal(answer.code, text);
  }

  /** Follows what is under `path`, whose query has all but that it is a watch. Ends when the API ends it, or breaks off; throws as `call` does. */
  async *watch(path: string, since: string, signal: AbortSignal): AsyncGenerator<WatchedEvent, void> {
    const more = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${WATCH_S}&resourceVersion=${since}`;
    const answer = await this.#ask("GET", `${path}${path.includes("?") ? "&" : "?"}${more}`, undefined, signal);
    if (answer.code !== 200) throw refusal(answer.code, await answer.text());
    let rest = "";
    try {
      for await (const text of answer.texts()) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") yield JSON.parse(line) as WatchedEvent;
      }
    } catch (error) {
      if (!signal.aborted) throw unanswered(error as Error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.destroy()));
  }

  async #ask(method: Method, path: string, body: object | undefined, watching?: AbortSignal): Promise<Answered> {
    const dispatcher = this.#agents.at(-1) as Agent;
    const answer = await request(`${this.#server}${path}`, {
      dispatcher,
      method,
      headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(watching === undefined ? {} : { signal: watching, bodyTimeout: WATCH_SILENCE_MS }),
    }).catch((error: Error) => {
      throw unanswered(error);
    });
    return {
      code: answer.statusCode,
      text: () => answer.body.text(),
      texts: () => answer.body.setEncoding("utf8") as unknown as AsyncIterable<string>,
    };
  }
}

interface Answered {
  readonly code: number;
  text(): Promise<string>;
  texts(): AsyncIterable<string>;
}

function unanswered(error: Error & { readonly code?: string }): StatusError {
  return serviceUnavailable(`the API server does not answer (${error.code ?? error.message})`);
}

function refusal(code: number, text: string): StatusError {
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === "Status") return new StatusError({ ...status, code });
  } catch {
    // No Status.
  }
  return new StatusError({ ...serviceUnavailable(text.slice(0, 200).trim()).status, code });
}

/** The address of this machine by which it reaches a server. Rejects when it does not. */
export async function addressTowards(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || 443 });
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.once("connect", () => resolve(socket.localAddress ?? ""));
      socket.once("error", reject);
    });
  } finally {
    socket.destroy();
  }
}
