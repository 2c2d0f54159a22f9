import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import type { buildConnector, Pool } from "undici";
import type { OwnAddresses } from "./own-address.ts";

/** Servers to which connections are kept at once; those that were not called for longest are let go of. */
const POOLS_MAX = 64;
const CONNECTIONS_PER_SERVER = 32;
/** Kept connections end before a server's usual end. */
const KEEP_ALIVE_MS = 4_000;

/** Whom to call, and how to know them. */
export interface Peer {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** The name that the certificate must have. */
  readonly serverName: string;
  /** PEM: whom to trust; without it, whom this machine trusts. `none` verifies nothing. */
  readonly trust: { readonly ca: string } | "system" | "none";
  /** What we show of ourselves, PEM. */
  readonly credentials?: { readonly cert: string; readonly key: string };
}

const HTTPS_PORT = 443;

/** Who stands behind a URL, under the name that it says. */
export function peerAt(url: URL, trust: Peer["trust"]): Peer {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { host, port: url.port === "" ? HTTPS_PORT : Number(url.port), serverName: host, trust };
}

/** Keeps connections to those that the API server calls: TLS only, never to the cluster's own parts. */
export class Dialer {
  readonly #own: OwnAddresses;
  readonly #pools = new Map<string, Pool>();

  constructor(own: OwnAddresses) {
    this.#own = own;
  }

  /** Connections to a peer. Throws OwnAddress, and what the look-up of its name threw. */
  async reach(peer: Peer): Promise<Pool> {
    const { port } = peer;
    // A name is looked up here, once, so that what was checked is what is called.
    const host = isIP(peer.host) === 0 ? (await lookup(peer.host, { verbatim: false })).address : peer.host;
    this.#own.check(host, port);
    const key = createHash("sha256")
      .update(JSON.stringify({ ...peer, host }))
      .digest("base64");
    const known = this.#pools.get(key);
    if (known !== undefined) {
      this.#pools.delete(key);
      this.#pools.set(key, known);
      return known;
    }
    const pool = await this.#open({ ...peer, host });
    this.#pools.set(key, pool);
    this.#shrink();
    return pool;
  }

  async #open({ host, port, serverName, trust, credentials }: Peer): Promise<Pool> {
    // Only who calls others pays for the loading.
    const { Pool, buildConnector } = await import("undici");
    const connect = buildConnector({
      // A certificate is for a name; an address in its place is checked as one.
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      ...(typeof trust === "object" ? { ca: trust.ca } : {}),
      rejectUnauthorized: trust !== "none",
      ...(credentials ?? {}),
      allowH2: false,
    } as Parameters<typeof buildConnector>[0]);
    return new Pool(`https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`, {
      connections: CONNECTIONS_PER_SERVER,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: (options: buildConnector.Options, callback: buildConnector.Callback) =>
        connect(options, (...[error, socket]) => {
          if (error !== null) return callback(error, null);
          try {
            this.#own.checkPeer(socket as TLSSocket, host, port);
          } catch (refusal) {
            socket.destroy();
            return callback(refusal as Error, null);
          }
          callback(null, socket);
        }),
    });
  }

  #shrink(): void {
    for (const [key, pool] of this.#pools) {
      if (this.#pools.size <= POOLS_MAX) return;
      this.#pools.delete(key);
      void pool.close();
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}
