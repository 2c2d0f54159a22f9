import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { Requester } from "../../actors/registry/registry.ts";
import type { View } from "../../actors/store/view.ts";
import type { Random } from "../../runtime/mod.ts";
import type { Dialer, Peer } from "../outbound/dialer.ts";
import { serviceAddress } from "../outbound/service-address.ts";
import type { RemoteService } from "./remote-services.ts";

/** How the API server shows that it speaks for somebody else: a certificate of an authority of its own. Source: the page "Configure the Aggregation Layer". */
export interface FrontProxy {
  readonly cert: string;
  readonly key: string;
}

export interface RemoteCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders | Record<string, string>;
  readonly body?: Dispatcher.DispatchOptions["body"];
  readonly requester: Requester;
  readonly signal?: AbortSignal;
  /** Milliseconds until the answer's head; 0: however long it takes. */
  readonly headers_ms?: number;
}

/** Of one connection, or ours to say. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  ...["authorization", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade"],
]);
/** Who asks, and as whom: that is decided by now. */
const IDENTITY_PREFIXES: readonly string[] = ["x-remote-", "impersonate-"];

/** Calls the servers behind APIServices, in the name of whoever asks. */
export class RemoteCaller {
  readonly #view: View;
  readonly #random: Random;
  readonly #dialer: Dialer;
  readonly #frontProxy: () => FrontProxy;

  constructor(options: { readonly view: View; readonly random: Random; readonly dialer: Dialer; readonly frontProxy: () => FrontProxy }) {
    this.#view = options.view;
    this.#random = options.random;
    this.#dialer = options.dialer;
    this.#frontProxy = options.frontProxy;
  }

  /** Throws NoEndpoint, OwnAddress and what the connection throws. The answer's body has to be read or destroyed. */
  async call(
    remote: RemoteService,
    { method, path, headers, body, requester, signal, headers_ms = 0 }: RemoteCall,
  ): Promise<Dispatcher.ResponseData> {
    const peer = this.#peerOf(remote);
    const pool = await this.#dialer.reach(peer);
    return pool.request({
      method: method as Dispatcher.HttpMethod,
      path,
      headers: [...passedOn(headers), "host", `${peer.serverName}:${remote.service.port}`, ...speaksFor(requester)],
      ...(body === undefined || body === null ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
      headersTimeout: headers_ms,
      bodyTimeout: 0,
    });
  }

  #peerOf({ service, ca, insecure }: RemoteService): Peer {
    const { host, port } = serviceAddress(this.#view, this.#random, service);
    const trust = insecure ? "none" : ca === undefined ? "system" : { ca };
    return { host, port, serverName: `${service.name}.${service.namespace}.svc`, trust, credentials: this.#frontProxy() };
  }
}

/** What the client says of itself but who it is: that is for us to say. */
function passedOn(headers: RemoteCall["headers"]): string[] {
  const named = new Set(
    String(headers.connection ?? "")
      .split(",")
      .map((name) => name.trim().toLowerCase()),
  );
  return Object.entries(headers).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    // HTTP/2 has the request's own line among them.
    if (
      value === undefined ||
      name.startsWith(":") ||
      NOT_PASSED_ON.has(lower) ||
      named.has(lower) ||
      IDENTITY_PREFIXES.some((prefix) => lower.startsWith(prefix))
    )
      return [];
    return (Array.isArray(value) ? value : [value]).flatMap((one) => [lower, one]);
  });
}

/** Source: client-go's transport.SetAuthProxyHeaders. */
function speaksFor({ user, groups, extra = {} }: Requester): string[] {
  const headers = ["X-Remote-User", bytes(user), ...groups.flatMap((group) => ["X-Remote-Group", bytes(group)])];
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) headers.push(`X-Remote-Extra-${escaped(key)}`, bytes(value));
  }
  return headers;
}

/** Headers are written a byte a character. */
function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** What may not stand in a header's name, percent-encoded. */
function escaped(key: string): string {
  return key.replace(/[^A-Za-z0-9!#$&'*+.^_`|~-]/g, (character) => encodeURIComponent(character));
}
