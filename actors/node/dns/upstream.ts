import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { encode, RECURSION_DESIRED } from "dns-packet";
import type { Clock, Logger, Random } from "../../../runtime/mod.ts";
import { questionBytes, type Via } from "./message.ts";

export interface Nameserver {
  readonly address: string;
  readonly port: number;
}

/**
 * Questions to others under way at once; one more is answered with SERVFAIL. Each has a socket, and so a port, of its own: what it is hard to guess
 * is safe from forgers.
 */
const QUERIES_MAX = 1_024;
/** A nameserver that does not answer in this time is not waited for. */
const ANSWER_MS = 2_000;
/** Nameservers that are tried for one question. */
const TRIED_MAX = 3;
/** When those that were found to ask us back are looked at again. */
const LOOP_AGAIN_MS = 60_000;
const ID_BELOW = 65_536;
const ID_BYTES = 2;
const LENGTH_BYTES = 2;
const RESPONSE_BIT = 0x80;

export interface UpstreamOptions {
  readonly servers: readonly Nameserver[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * Passes questions about other names on as they came, and answers as they come. Where one of the nameservers asks us back, a question would go
 * round for ever: a name that nobody else can know is asked for first, and when it comes in here nothing is passed on for a while.
 */
export class Upstream {
  readonly #options: UpstreamOptions;
  #underWay = 0;
  /** The one that answered last. */
  #good = 0;
  #probe = "";
  #probedUntil_ms = Number.NEGATIVE_INFINITY;
  #loopsUntil_ms = Number.NEGATIVE_INFINITY;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** The answer; undefined when nobody gave one. */
  async forward(query: Buffer, via: Via): Promise<Buffer | undefined> {
    const { servers, clock } = this.#options;
    if (servers.length === 0 || this.#underWay >= QUERIES_MAX || clock.monotonic_ms() < this.#loopsUntil_ms) return undefined;
    this.#lookForLoop();
    this.#underWay++;
    try {
      for (let tried = 0; tried < Math.min(servers.length, TRIED_MAX); tried++) {
        const index = (this.#good + tried) % servers.length;
        const server = servers[index];
        const answer = server === undefined ? undefined : await this.#ask(server, query, via);
        if (answer === undefined) continue;
        this.#good = index;
        return answer;
      }
      return undefined;
    } finally {
      this.#underWay--;
    }
  }

  /** Whether this is the name by which a loop is told. */
  isProbe(name: string): boolean {
    if (this.#probe === "" || name.toLowerCase() !== this.#probe) return false;
    const { clock, log, servers } = this.#options;
    this.#loopsUntil_ms = clock.monotonic_ms() + LOOP_AGAIN_MS;
    log.error(
      { servers },
      "the nameservers that other names are asked of ask this one back: nothing is passed on; name others with --dns-upstream",
    );
    return true;
  }

  #lookForLoop(): void {
    const { clock, random, servers } = this.#options;
    const now_ms = clock.monotonic_ms();
    if (now_ms < this.#probedUntil_ms) return;
    this.#probedUntil_ms = now_ms + LOOP_AGAIN_MS;
    this.#probe = `troupe-loop-${random.uuid()}`;
    const query = encode({ type: "query", flags: RECURSION_DESIRED, questions: [{ type: "TXT", name: this.#probe }] });
    for (const server of servers) void this.#ask(server, query, "udp");
  }

  /** Under an id and from a port of its own; what does not answer this very question is not heard. */
  #ask(server: Nameserver, query: Buffer, via: Via): Promise<Buffer | undefined> {
    const asked = Buffer.from(query);
    const id = this.#options.random.below(ID_BELOW);
    asked.writeUInt16BE(id, 0);
    const question = questionBytes(query);
    const accept = (answer: Buffer): Buffer | undefined => {
      if (answer.length < ID_BYTES + 1 || answer.readUInt16BE(0) !== id || ((answer[2] ?? 0) & RESPONSE_BIT) === 0) return undefined;
      if (question === undefined || questionBytes(answer)?.equals(question) !== true) return undefined;
      const own = Buffer.from(answer);
      own.writeUInt16BE(query.readUInt16BE(0), 0);
      return own;
    };
    return via === "udp" ? this.#askByUdp(server, asked, accept) : this.#askByTcp(server, asked, accept);
  }

  #askByUdp(server: Nameserver, query: Buffer, accept: Accept): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const socket = createSocket(isIPv6(server.address) ? "udp6" : "udp4");
      let isOver = false;
      const end = (answer: Buffer | undefined): void => {
        if (isOver) return;
        isOver = true;
        late.cancel();
        socket.close();
        resolve(answer);
      };
      const late = this.#options.clock.after(ANSWER_MS, () => end(undefined));
      socket.on("error", () => end(undefined));
      socket.on("message", (message) => {
        const answer = accept(message);
        if (answer !== undefined) end(answer);
      });
      // Where there is no way to the server, that is said here, and nowhere else.
      socket.connect(server.port, server.address, (error?: Error) => {
        if (error !== undefined) end(undefined);
        else if (!isOver) socket.send(query);
      });
    });
  }

  #askByTcp({ address: host, port }: Nameserver, query: Buffer, accept: Accept): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true });
      const end = (answer: Buffer | undefined): void => {
        late.cancel();
        socket.destroy();
        resolve(answer);
      };
      const late = this.#options.clock.after(ANSWER_MS, () => end(undefined));
      let received = Buffer.alloc(0);
      socket.on("error", () => end(undefined));
      socket.on("end", () => end(undefined));
      socket.on("data", (chunk) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < LENGTH_BYTES) return;
        const length = received.readUInt16BE(0);
        if (received.length >= LENGTH_BYTES + length) end(accept(received.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
      });
      socket.write(framed(query));
    });
  }
}

type Accept = (answer: Buffer) => Buffer | undefined;

/** A message as it goes over TCP. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
