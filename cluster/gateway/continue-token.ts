/**
 * Where a list goes on. The client must treat the token as opaque; it holds what Kubernetes' own does (storage/continue.go): the revision
 * that the whole list is of and the key after the last one given. Revision -1 means: of now, whatever may have changed between.
 */
export interface Continue {
  readonly revision: number;
  /** Keys from this one on (`<namespace>/<name>` or `<name>`, as in the store behind the resource) are still to come. */
  readonly start: string;
}

export const CONTINUE_AT_NEWEST = -1;

const TOKEN_VERSION = "meta.k8s.io/v1";

export function encodeContinue(token: Continue): string {
  return Buffer.from(JSON.stringify({ v: TOKEN_VERSION, rv: token.revision, start: token.start })).toString("base64url");
}

/** Undefined when the text is no token of ours. */
export function decodeContinue(text: string): Continue | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    if (typeof value !== "object" || value === null || !("v" in value) || !("rv" in value) || !("start" in value)) return undefined;
    const { v, rv, start } = value;
    if (v !== TOKEN_VERSION || typeof rv !== "number" || !Number.isSafeInteger(rv) || typeof start !== "string") return undefined;
    return { revision: rv, start };
  } catch {
    return undefined;
  }
}
