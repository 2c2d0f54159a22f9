import type { TLSSocket } from "node:tls";

/** Who asks. Source: Kubernetes' authentication page, "X509 client certificates" and "Anonymous requests". */
export interface Identity {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Whoever shows no certificate, or one that our authority did not sign. */
export const ANONYMOUS: Identity = { user: "system:anonymous", groups: ["system:unauthenticated"] };

const AUTHENTICATED = "system:authenticated";
const known = new WeakMap<TLSSocket, Identity>();

/**
 * The identity behind a TLS connection: the common name of its client certificate is the user, its organizations are the groups.
 * Read once a socket: parsing a certificate costs as much as a whole request. A socket must have been asked for its
 * certificate (`requestCert`); only one that verified against the client authority counts.
 */
export function identityOf(socket: TLSSocket): Identity {
  const before = known.get(socket);
  if (before !== undefined) return before;
  const identity = socket.authorized === true ? fromSubject(socket.getPeerCertificate()?.subject) : ANONYMOUS;
  known.set(socket, identity);
  return identity;
}

/** The identity that a certificate's subject stands for; anonymous without a common name. */
export function fromSubject(subject: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined): Identity {
  const [user] = listOf(subject?.CN);
  if (user === undefined || user === "") return ANONYMOUS;
  return { user, groups: [...listOf(subject?.O), AUTHENTICATED] };
}

function listOf(value: string | string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
