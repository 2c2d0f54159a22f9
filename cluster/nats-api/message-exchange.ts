import type { IncomingHttpHeaders } from "node:http";
import { requestEntityTooLarge } from "../../actors/kinds/errors.ts";
import { Deadline } from "../../runtime/mod.ts";
import type { Identity } from "../access/identity.ts";
import { BODY_BYTES_MAX } from "../gateway/body.ts";
import type { Exchange } from "../gateway/exchange.ts";
import type { Asked } from "./asked.ts";
import type { Asker, Askers } from "./askers.ts";
import { inJson, isMessagePack, jsonFromMessagePack } from "./message-pack.ts";

/** What a message says beside what it asks for. */
export interface Sent {
  readonly data: Uint8Array;
  /** Who sent it, as NATS has it; undefined: it does not say. */
  readonly requestInfo: string | undefined;
}

/** A message and its answer. It is over when it has been answered, be it because its time was up. */
export class MessageExchange extends Deadline implements Exchange {
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly connection: undefined;
  readonly headersSent = false;
  /** What is said in the head of the answer. */
  readonly told: Map<string, string | readonly string[]> = new Map();
  code = 0;
  readonly #packed: boolean;
  readonly #sent: Sent;
  readonly #askers: Askers;
  readonly #late: () => void;
  #onceGone: (() => void)[] = [];
  #gone = false;

  constructor({ target, headers, rawHeaders }: Asked, sent: Sent, askers: Askers, late: () => void) {
    super();
    const type = headers["content-type"];
    this.#packed = isMessagePack(type);
    this.target = target;
    this.headers = this.#packed ? { ...headers, "content-type": inJson(type ?? "") } : headers;
    this.rawHeaders = rawHeaders;
    this.#sent = sent;
    this.#askers = askers;
    this.#late = late;
  }

  identify(): Identity {
    return this.#asker().identity;
  }

  get remoteAddress(): string | undefined {
    return this.#sent.requestInfo === undefined ? undefined : this.#asker().remoteAddress;
  }

  body(): Buffer {
    const { data } = this.#sent;
    if (data.length > BODY_BYTES_MAX) throw requestEntityTooLarge(`limit is ${BODY_BYTES_MAX}`);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
    return this.#packed ? jsonFromMessagePack(bytes) : bytes;
  }

  get gone(): boolean {
    return this.#gone;
  }

  onceGone(run: () => void): void {
    this.#onceGone.push(run);
  }

  setHeader(name: string, value: string | readonly string[]): void {
    this.told.set(name, value);
  }

  /** Nothing more is answered. */
  end(): void {
    this.#gone = true;
    for (const run of this.#onceGone) run();
    this.#onceGone = [];
  }

  abandon(): void {
    this.end();
  }

  override expired(): void {
    this.#late();
  }

  #asker(): Asker {
    return this.#askers.of(this.#sent.requestInfo);
  }
}
