import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { TLSSocket } from "node:tls";
import { UID_ATTRIBUTE } from "../../pki/x509.ts";
import type { Identity } from "../identity.ts";
import { AUTHENTICATED } from "../identity.ts";

/** What a connection says of who is behind it. `refused`: it showed a certificate that does not count. */
export type Shown = Identity | "refused" | undefined;

/** By connection: the socket of one of HTTP/1.1, the session of one of HTTP/2. */
const known = new WeakMap<object, { readonly shown: Shown }>();

type Subject = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The identity behind a TLS connection: the common name of its client certificate is the user, its organizations are the groups; undefined without
 * a certificate. Read once a connection: parsing a certificate costs as much as a whole request. A socket must have been asked for its certificate
 * (`requestCert`); only one that verified against the client authority, and is still valid, counts.
 * Source: Kubernetes' authentication page, "X509 client certificates".
 */
export function shownBy(request: IncomingMessage, now_ms: number): Shown {
  const connection = connectionOf(request);
  const before = known.get(connection);
  if (before !== undefined) return isOver(before.shown, now_ms) ? "refused" : before.shown;
  const socket = request.socket as TLSSocket;
  const certificate = socket.getPeerCertificate();
  const none = certificate === undefined || certificate === null || Object.keys(certificate).length === 0;
  const identity = socket.authorized === true && !none ? fromSubject(certificate.subject as unknown as Subject) : undefined;
  if (identity !== undefined) endOf.set(identity, Date.parse(certificate.valid_to));
  const shown = none ? undefined : (identity ?? "refused");
  known.set(connection, { shown });
  return isOver(shown, now_ms) ? "refused" : shown;
}

/** Requests of HTTP/2 see a socket of their own each. */
function connectionOf(request: IncomingMessage): object {
  return (request as unknown as Partial<Http2ServerRequest>).stream?.session ?? request.socket;
}

/** When the certificates behind identities end. A connection may outlive its certificate. */
const endOf = new WeakMap<Identity, number>();

/** When the certificate ends that this very identity was shown by; undefined for one that came by other means, whoever it is. */
export function certificateEnd_ms(identity: Identity): number | undefined {
  return endOf.get(identity);
}

function isOver(shown: Shown, now_ms: number): boolean {
  if (shown === undefined || shown === "refused") return false;
  const end_ms = endOf.get(shown);
  return end_ms !== undefined && now_ms > end_ms;
}

/** The identity that a certificate's subject stands for; undefined without a common name. */
export function fromSubject(subject: Subject | undefined): Identity | undefined {
  const [user] = listOf(subject?.CN);
  if (user === undefined || user === "") return undefined;
  const [uid] = listOf(subject?.[UID_ATTRIBUTE]);
  const groups = listOf(subject?.O);
  const all = groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED];
  return uid === undefined || uid === "" ? { user, groups: all } : { user, groups: all, uid };
}

function listOf(value: string | string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
