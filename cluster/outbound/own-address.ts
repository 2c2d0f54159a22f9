import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { TLSSocket } from "node:tls";
import { isReached } from "../../actors/node/loopback-reach.ts";
import { RUNTIME_LABEL } from "../../actors/node/runtime.ts";
import type { ObjectView } from "../../actors/store/view.ts";

/**
 * What of this machine is the cluster's own. Whoever may configure a webhook or an APIService chooses whom the API server calls; it must not be made
 * to call its own log, or itself, from inside.
 */
export interface OwnParts {
  /** Ports of servers that are the cluster's own, NATS above all. */
  readonly ports: ReadonlySet<number>;
  /** The API server's certificate, PEM: who shows it is ourselves, whatever the port. Undefined where there is none. */
  readonly certificate: string | undefined;
}

/** The call would have reached the cluster itself. */
export class OwnAddress extends Error {
  override readonly name = "OwnAddress";
}

export class OwnAddresses {
  readonly #ports: ReadonlySet<number>;
  readonly #certificate: Buffer | undefined;

  constructor({ ports, certificate }: OwnParts) {
    this.#ports = ports;
    this.#certificate = certificate === undefined ? undefined : new X509Certificate(certificate).raw;
  }

  /** Before connecting. `host` is an address, no name. Throws OwnAddress. */
  check(host: string, port: number): void {
    if (this.#ports.has(port) && isOfThisMachine(host)) refuse(host, port);
  }

  /** Before anything is sent. Throws OwnAddress. */
  checkPeer(socket: TLSSocket, host: string, port: number): void {
    const { raw } = socket.getPeerCertificate() ?? {};
    if (raw !== undefined && this.#certificate?.equals(raw) === true) refuse(host, port);
  }
}

function refuse(host: string, port: number): never {
  throw new OwnAddress(`${isIP(host) === 6 ? `[${host}]` : host}:${port} is the cluster's own and is not called from inside it`);
}

/** As it is now. */
export function isOfThisMachine(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, "");
  if (plain.startsWith("127.") || plain === "::1" || plain === "0.0.0.0" || plain === "::") return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === plain) === true);
}

/** Whether what the API server would call at an address, on a node, is where it says. */
export function isReachedFromHere(view: ObjectView, address: string, node: string | undefined): boolean {
  const from = { view, nodes: { label: RUNTIME_LABEL }, isOwn: isOfThisMachine };
  return isReached(from, { addresses: [address], ...(node === undefined ? {} : { nodeName: node }) });
}
