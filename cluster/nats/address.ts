import { checkServerIdentity } from "node:tls";
import { type ConnectionOptions, credsAuthenticator, type TlsOptions } from "nats";

/** How NATS is reached, and as whom. Plain data: it is cloned into threads. */
export interface NatsAddress {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly pass?: string;
  /** The text of a credentials file, in place of user and password. */
  readonly credentials?: string;
  /** The authority of the servers' certificates, PEM; absent: they are not asked for any. */
  readonly ca?: string;
}

const NATS_PORT = 4_222;

/** `127.0.0.1:4222`, `nats://host`: the ports of the servers. */
export function portsOf({ servers }: NatsAddress): ReadonlySet<number> {
  return new Set(servers.map((server) => Number(/:(\d+)\/?$/.exec(server)?.[1] ?? NATS_PORT)));
}

/** What the client of NATS is to be given of it. */
export function connectionOptions(address: NatsAddress): ConnectionOptions {
  const { servers, credentials, ca, ...known } = address;
  return {
    ...known,
    servers: [...servers],
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(Buffer.from(credentials)) }),
    ...(ca === undefined ? {} : { tls: { ca, checkServerIdentity: identityCheck(servers) } as TlsOptions }),
  };
}

/** The client of NATS checks a server that it knows by an address as if that were called localhost. The certificate has to be of one of those that were named. */
function identityCheck(servers: readonly string[]): typeof checkServerIdentity {
  const hosts = servers.map((server) => new URL(server).hostname.replaceAll(/[[\]]/g, ""));
  return (_host, certificate) => {
    const errors = hosts.map((host) => checkServerIdentity(host, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
}
