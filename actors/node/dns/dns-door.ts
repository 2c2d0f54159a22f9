import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../../runtime/mod.ts";
import type { Door } from "../listening/door.ts";
import { listen } from "../listening/listen.ts";
import type { Resolver } from "./resolver.ts";
import { framed } from "./upstream.ts";

/** Connections at once, and how long one may be silent. */
const CONNECTIONS_MAX = 256;
const SILENT_MS = 10_000;
/** Questions of one connection that have no answer yet; more are read when there are fewer. */
const WAITING_MAX = 32;
const LENGTH_BYTES = 2;

export interface DnsDoorOptions {
  readonly address: string;
  readonly port: number;
  readonly resolver: Resolver;
  readonly clock: Clock;
}

/** A nameserver's port, of UDP and TCP. */
export class DnsDoor implements Door {
  readonly #options: DnsDoorOptions;
  readonly #udp: UdpSocket = createSocket("udp4");
  readonly #tcp: Server;
  readonly #clients = new Set<Socket>();
  #isShut = false;

  constructor(options: DnsDoorOptions) {
    this.#options = options;
    this.#tcp = createServer({ noDelay: true }, (client) => this.#take(client));
    this.#tcp.maxConnections = CONNECTIONS_MAX;
    this.#udp.on("message", (message, { port, address }) => {
      const answer = options.resolver.answer(message, "udp");
      if (answer instanceof Promise) void answer.then((late) => this.#send(late, port, address));
      else this.#send(answer, port, address);
    });
  }

  async open(): Promise<void> {
    const { address, port: wanted } = this.#options;
    await listen(this.#tcp, { host: address, port: wanted });
    const { port } = this.#tcp.address() as { port: number };
    await new Promise<void>((resolve, reject) => {
      this.#udp.once("error", reject);
      this.#udp.bind({ port, address, exclusive: true }, () => {
        this.#udp.off("error", reject);
        this.#udp.on("error", () => {});
        resolve();
      });
    });
  }

  /** Where it listens, when it is open. */
  get port(): number {
    return this.#udp.address().port;
  }

  shut(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    this.#udp.close();
    this.#tcp.close();
    for (const client of this.#clients) client.destroy();
  }

  #send(answer: Buffer | undefined, port: number, address: string): void {
    if (answer !== undefined && !this.#isShut) this.#udp.send(answer, port, address);
  }

  #take(client: Socket): void {
    this.#clients.add(client);
    client.setTimeout(SILENT_MS, () => client.destroy());
    client.on("error", () => {});
    client.once("close", () => this.#clients.delete(client));
    let received: Buffer = Buffer.alloc(0);
    let waiting = 0;
    const reply = (answer: Buffer | undefined): void => {
      waiting--;
      if (answer !== undefined && client.writable) client.write(framed(answer));
      read();
    };
    const read = (): void => {
      while (waiting < WAITING_MAX && received.length >= LENGTH_BYTES) {
        const end = LENGTH_BYTES + received.readUInt16BE(0);
        if (received.length < end) break;
        const message = received.subarray(LENGTH_BYTES, end);
        received = received.subarray(end);
        waiting++;
        void Promise.resolve(this.#options.resolver.answer(message, "tcp")).then(reply);
      }
      if (waiting < WAITING_MAX) client.resume();
      else client.pause();
    };
    client.on("data", (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      read();
    });
  }
}
