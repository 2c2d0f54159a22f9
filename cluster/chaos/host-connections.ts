import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "nats";
import { BootFailure } from "../boot/failure.ts";
import { systemAddress } from "../boot/nats-server.ts";
import { connectionOptions } from "../nats/address.ts";
import { firstConnection } from "../nats/first-connection.ts";

/** How often it is looked whether a host that is cut off is connected again. */
const LOOK_MS = 20;
const ANSWER_MS = 5_000;
const CLIENT = "troupe-chaos";

interface Connected {
  readonly cid: number;
  /** The host's. */
  readonly name?: string;
}

/** The connections of hosts to the cluster's own NATS server, seen and ended by the server itself. Throws BootFailure where there is no such server. */
export class HostConnections {
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  static async open(data: string): Promise<HostConnections> {
    const address = systemAddress(data);
    const connection =
      address && (await firstConnection({ ...connectionOptions(address), name: CLIENT, reconnect: false }).catch(() => undefined));
    if (connection === undefined) throw new BootFailure("this cluster has no nats-server of its own; leave cut-off-host out with --faults");
    return new HostConnections(connection);
  }

  /** The hosts that are connected. */
  async hosts(): Promise<readonly string[]> {
    return [...new Set((await this.#connected()).flatMap(({ name }) => name ?? []))].sort();
  }

  /** For so long each connection that the host makes is broken off. How many were. */
  async cutOff(host: string, for_ms: number): Promise<number> {
    const until_ms = performance.now() + for_ms;
    let broken = 0;
    while (performance.now() < until_ms) {
      for (const { cid, name } of await this.#connected()) {
        if (name !== host) continue;
        await this.#ask("KICK", { cid });
        broken++;
      }
      await delay(LOOK_MS);
    }
    return broken;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #connected(): Promise<readonly Connected[]> {
    const { connections = [] } = (await this.#ask("CONNZ", {})) as { readonly connections?: readonly Connected[] };
    return connections.filter(({ name }) => name !== CLIENT);
  }

  /** Source: https://docs.nats.io/running-a-nats-service/configuration/sys_accounts */
  async #ask(what: "CONNZ" | "KICK", options: object): Promise<unknown> {
    const subject = `$SYS.REQ.SERVER.${this.#connection.info?.server_id}.${what}`;
    const { data, error } = (await this.#connection.request(subject, JSON.stringify(options), { timeout: ANSWER_MS })).json<{
      readonly data?: unknown;
      readonly error?: { readonly description?: string };
    }>();
    // A connection that has ended by itself meanwhile cannot be ended.
    if (error !== undefined && what === "CONNZ")
      throw new BootFailure(`the nats-server does not say who is connected: ${error.description}`);
    return data ?? {};
  }
}
