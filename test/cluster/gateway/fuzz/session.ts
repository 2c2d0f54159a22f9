import { gunzipSync } from "node:zlib";
import { Agent, errors, request } from "undici";
import type { Logger } from "../../../../runtime/mod.ts";
import { silentLogger } from "../../../../runtime/mod.ts";
import type { TestGateway } from "../harness.ts";
import { startGateway } from "../harness.ts";
import type { Answered, Asked } from "./answers.ts";
import { checkAnswer, Violation } from "./answers.ts";
import { FORBIDDING, isForbidden } from "./forbidding.ts";
import { Stalls } from "./stalls.ts";

/** Requests of one case that a report shows. */
const SHOWN_MAX = 12;
const BODY_CHARS_SHOWN = 600;
/** How long a request may hang before it counts as never answered. */
const SILENCE_MS = 20_000;
/** A watch goes on for ever: so much of it is read. */
const WATCH_BYTES_READ = 1;
/** What has finalizers stays until it is freed of them. */
const FREE = Buffer.from('{"metadata":{"finalizers":null}}');

/** A gateway that is asked strange things, and what was asked of it last. */
export class Session {
  readonly server: TestGateway;
  readonly #agent: Agent;
  readonly #faults: string[];
  readonly #stalls = new Stalls();
  #serial = 0;
  #asked: string[] = [];
  #requests = 0;

  private constructor(server: TestGateway, faults: string[]) {
    this.server = server;
    this.#faults = faults;
    this.#agent = new Agent({
      connections: 4,
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
      connect: { ca: server.authority.cert, ...server.admin },
    });
  }

  static async start(): Promise<Session> {
    const faults: string[] = [];
    const server = await startGateway({ wrap: (options) => ({ ...options, log: logInto(faults) }) });
    return new Session(server, faults);
  }

  /** A number that no other object of this session has in its name. */
  get serial(): number {
    return this.#serial++;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Forgets what was asked: a new case begins. */
  begin(): void {
    this.#asked = [];
    this.#stalls.take();
  }

  /** The requests of the case, for people. */
  story(): string {
    const first = Math.max(0, this.#asked.length - SHOWN_MAX);
    return this.#asked.slice(first).join("\n");
  }

  /** Asks, and checks that the answer is one that a client can live with. */
  async ask(method: string, path: string, bytes?: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
    const asked: Asked = { method, path, headers, bytes };
    this.#requests++;
    const answered = await this.#send(asked);
    this.#asked.push(`${lineOf(asked)}\n  -> ${answered.status} ${answered.text.slice(0, BODY_CHARS_SHOWN)}`);
    const fault = this.#faults.pop();
    if (fault !== undefined) throw new Violation(`${method} ${path.slice(0, 200)}: ${fault}`);
    checkAnswer(asked, answered);
    const stall_ms = this.#stalls.take();
    if (stall_ms !== undefined) throw new Violation(`${method} ${path.slice(0, 200)} held everybody up for ${Math.round(stall_ms)} ms`);
    return answered;
  }

  /** Asks what is right by itself: what the fuzzer made may forbid it, and goes then; what others made may not. */
  async askAllowed(method: string, path: string, bytes?: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
    const answered = await this.ask(method, path, bytes, headers);
    if (!isForbidden(answered)) return answered;
    await this.#allow(path);
    return this.ask(method, path, bytes, headers);
  }

  /** Removes what forbids, but for the object of this path. */
  async #allow(kept: string): Promise<void> {
    for (const collection of FORBIDDING) {
      const { text } = await this.ask("GET", collection);
      const { items } = JSON.parse(text) as { items: { metadata: { name: string } }[] };
      for (const { metadata } of items) {
        const path = `${collection}/${metadata.name}`;
        if (kept === path || kept.startsWith(`${path}?`)) continue;
        await this.ask("DELETE", path);
        await this.ask("PATCH", path, FREE, { "content-type": "application/merge-patch+json" });
      }
    }
  }

  async stop(): Promise<void> {
    this.#stalls.stop();
    await this.#agent.destroy();
    await this.server.stop();
  }

  async #send({ method, path, headers, bytes }: Asked): Promise<Answered> {
    const started_ms = performance.now();
    try {
      const answer = await request(`${this.server.url}${path}`, {
        method: method as "GET",
        dispatcher: this.#agent,
        headers,
        ...(bytes === undefined ? {} : { body: bytes }),
      });
      const contentType = String(answer.headers["content-type"] ?? "");
      const endless = answer.statusCode === 200 && answer.headers["transfer-encoding"] === "chunked" && isWatch(path);
      const text = endless ? await firstOf(answer.body) : textOf(await answer.body.bytes(), answer.headers["content-encoding"]);
      return { status: answer.statusCode, contentType, text, took_ms: performance.now() - started_ms };
    } catch (error) {
      if (error instanceof errors.InvalidArgumentError) throw error;
      throw new Violation(`${lineOf({ method, path, headers, bytes })} was not answered: ${(error as Error).message}`);
    }
  }
}

/** Large answers come zipped to who takes that, refusals too. */
function textOf(bytes: Uint8Array, encoding: unknown): string {
  return (encoding === "gzip" ? gunzipSync(bytes) : Buffer.from(bytes)).toString();
}

function isWatch(path: string): boolean {
  return path.includes("watch");
}

async function firstOf(
  body: AsyncIterable<Buffer> & { destroy(): unknown; on(event: "error", listener: () => void): unknown },
): Promise<string> {
  body.on("error", () => {});
  const quiet = setTimeout(() => body.destroy(), WATCH_BYTES_READ);
  let text = "";
  try {
    for await (const chunk of body) {
      text += chunk.toString();
      break;
    }
  } catch {
    // Nothing came: it was hung up on.
  }
  clearTimeout(quiet);
  body.destroy();
  return text;
}

function lineOf({ method, path, headers, bytes }: Asked): string {
  const head = `${method} ${path.slice(0, BODY_CHARS_SHOWN)}${Object.keys(headers).length === 0 ? "" : ` ${JSON.stringify(headers)}`}`;
  if (bytes === undefined) return head;
  const text = bytes.length > BODY_CHARS_SHOWN ? `${bytes.subarray(0, BODY_CHARS_SHOWN)}... (${bytes.length} bytes)` : bytes.toString();
  return `${head}\n  ${text}`;
}

/** What a gateway logs as an error is a fault of ours, whatever it answered. */
function logInto(faults: string[]): Logger {
  return {
    ...silentLogger,
    error: (details: unknown, message?: string) => {
      const { error } = details as { error?: Error };
      faults.push(`${message}: ${error?.stack ?? JSON.stringify(details)}`);
    },
  } as Logger;
}
