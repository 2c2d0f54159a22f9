import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { BootFailure } from "../../boot/failure.ts";
import type { Identity } from "../identity.ts";
import { AUTHENTICATED } from "../identity.ts";
import type { TokenAuthenticator } from "./tokens.ts";

/** A line of a token file. Plain data: it is cloned into threads. */
export interface StaticToken {
  /** SHA-256 of the token, hex: the token itself is nobody's business after the start, and equal prefixes take no longer to refuse. */
  readonly hash: string;
  readonly identity: Identity;
}

/**
 * Reads a file of tokens that hold until the next start: `token,user,uid[,"group,group"]` a line. Throws BootFailure, which names the line.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
 */
export function readTokenFile(path: string): readonly StaticToken[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new BootFailure(`cannot read --token-auth-file ${path} (${(error as NodeJS.ErrnoException).code}); name a file of tokens`);
  }
  const tokens: StaticToken[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [token = "", user = "", uid = "", groups = ""] = fieldsOf(line);
    if (token === "" || user === "")
      throw new BootFailure(`${path}: line ${index + 1} is not token,user,uid,"group,group"; mend it or leave it out`);
    const own = groups.split(",").filter((group) => group !== "");
    tokens.push({ hash: hashOf(token), identity: { user, groups: [...own, AUTHENTICATED], ...(uid === "" ? {} : { uid }) } });
  }
  return tokens;
}

export function staticTokens(tokens: readonly StaticToken[]): TokenAuthenticator {
  const byHash = new Map(tokens.map(({ hash, identity }) => [hash, identity]));
  return {
    verify(token) {
      const identity = byHash.get(hashOf(token));
      return identity === undefined ? undefined : { identity };
    },
  };
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** The fields of a line of comma-separated values (RFC 4180), without line breaks inside. */
function fieldsOf(line: string): readonly string[] {
  return [...line.trim().matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, field = ""]) =>
    field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field.trim(),
  );
}
