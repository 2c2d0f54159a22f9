import { goSyntaxError } from "../../actors/kinds/machinery/go-json.ts";

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

const NOT_BASE64 = /[^A-Za-z0-9_-]/;

/** The token, or what is wrong with it in Kubernetes' words. */
export function decodeContinue(text: string): Continue | string {
  const odd = text.search(NOT_BASE64);
  // A single character of four says too little to be any byte.
  const at = odd >= 0 ? odd : text.length % 4 === 1 ? text.length - 1 : -1;
  if (at >= 0) return `continue key is not valid: illegal base64 data at input byte ${at}`;
  const json = Buffer.from(text, "base64url").toString("utf8");
  const problem = goSyntaxError(json);
  if (problem !== undefined) return `continue key is not valid: ${problem}`;
  const value: unknown = JSON.parse(json);
  const { v = "", rv = 0, start = "" } = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || typeof start !== "string" || Array.isArray(value))
    return "continue key is not valid: json: cannot unmarshal it into a token";
  if (v !== TOKEN_VERSION) return `continue key is not valid: server does not recognize this encoded version ${String(v)}`;
  if (rv === 0) return `continue key is not valid: incorrect encoded start resourceVersion (version ${TOKEN_VERSION})`;
  if (start === "") return `continue key is not valid: encoded start key empty (version ${TOKEN_VERSION})`;
  if (start.split("/").some((part) => part === "." || part === ".." || part === "")) return `continue key is not valid: ${start}`;
  return { revision: rv, start };
}
