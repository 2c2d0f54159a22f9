import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { isWebhookFailure } from "./forbidding.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer | undefined;
}

export interface Answered {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly took_ms: number;
}

/** What the server promises and did not keep. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Beyond this an answer holds everybody else up. Generous: the machine has other work. */
const ANSWER_MS_MAX = 8_000;

/** Mistakes of clients beside those of patches that kube-apiserver has no class for, see `isKubernetesOwn`. */
const UNCLASSIFIED: readonly RegExp[] = [/^etcdserver: request is too large$/, /^resourceVersion: Invalid value: /];

/** Answers that are no Status: paths that lead nowhere, and health. */
const PAGES: ReadonlySet<string> = new Set(["404 page not found\n"]);

/** What is connected to something else, which may not be there: nothing runs what the fuzzer makes. */
const CONNECTIONS = /\/(attach|exec|log|portforward|proxy)(\/|\?|$)/;

/** Throws a Violation unless the answer is one that a client can live with. */
export function checkAnswer(asked: Asked, { status, contentType, text, took_ms }: Answered): void {
  const what = `${asked.method} ${asked.path.slice(0, 300)} was answered ${status}`;
  if (took_ms > ANSWER_MS_MAX) throw new Violation(`${what} after ${Math.round(took_ms)} ms`);
  if (status < 400) return;
  if (asked.method === "HEAD" || contentType.startsWith("application/vnd.kubernetes.protobuf")) {
    // Of what has no words, the log tells.
    return;
  }
  if (status === 404 && PAGES.has(text)) return;
  if (contentType.startsWith("text/plain") && /^\/(healthz|livez|readyz)/.test(asked.path)) return;
  const body = statusOf(contentType, text, what);
  const { kind, apiVersion, status: outcome, message, reason, code, details } = body;
  const malformed =
    kind !== "Status" ||
    apiVersion !== "v1" ||
    outcome !== "Failure" ||
    code !== status ||
    typeof message !== "string" ||
    message === "" ||
    (details !== undefined && (typeof details !== "object" || details === null));
  if (malformed) throw new Violation(`${what} without a whole Status: ${text.slice(0, 500)}`);
  if (status === 500 && isKubernetesOwn(asked.method, reason, message)) return;
  if (isWebhookFailure(status, message)) return;
  // 504: the client named a revision that is not there yet.
  const unreached = status === 503 && CONNECTIONS.test(asked.path);
  if (status >= 500 && status !== 504 && !unreached) throw new Violation(`${what}: ${message.slice(0, 500)}`);
  if (typeof reason !== "string" || reason === "") throw new Violation(`${what} without a reason: ${text.slice(0, 500)}`);
  for (const cause of (details as { causes?: unknown[] } | undefined)?.causes ?? []) {
    const { message: why, field } = cause as { message?: unknown; field?: unknown };
    const bare = typeof why !== "string" || why === "" || (field !== undefined && typeof field !== "string");
    if (bare) throw new Violation(`${what} with a cause that says nothing: ${text.slice(0, 500)}`);
  }
}

/**
 * kube-apiserver answers some mistakes of clients, above all in patches, with 500, words of their own and no reason, and so does this server, where clients see
 * what they see there. A failure that nobody foresaw has a reason, and is logged.
 */
function isKubernetesOwn(method: string, reason: unknown, message: string): boolean {
  return reason === undefined && (method === "PATCH" || UNCLASSIFIED.some((words) => words.test(message)));
}

function statusOf(contentType: string, text: string, what: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = contentType.startsWith("application/json") ? JSON.parse(text) : parse(text);
  } catch {
    body = undefined;
  }
  if (typeof body === "object" && body !== null) return body as Record<string, unknown>;
  throw new Violation(`${what} (${contentType}): ${text.slice(0, 500)}`);
}

/** Throws a Violation that names the first place where two objects differ. */
export function sameObjects(before: unknown, after: unknown, what: string): void {
  if (isDeepStrictEqual(before, after)) return;
  throw new Violation(`${what}: ${firstDifference(before, after, "")}`);
}

function firstDifference(a: unknown, b: unknown, path: string): string {
  if (typeof a === "object" && a !== null && typeof b === "object" && b !== null && Array.isArray(a) === Array.isArray(b)) {
    for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const [one, other] = [(a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]];
      if (!isDeepStrictEqual(one, other)) return firstDifference(one, other, `${path}.${name}`);
    }
  }
  return `${path} was ${cut(a)} and is ${cut(b)}`;
}

function cut(value: unknown): string {
  const text = JSON.stringify(value) ?? "not there";
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text;
}
