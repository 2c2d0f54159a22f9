import { ApiError } from "../../api.ts";
import type { Fault, Manifest } from "./manifest.ts";

/** As Go's decoder says it: the type, and the path without the numbers of items. */
const MISTAKEN_TYPE = /Go struct field \w+\.([\w.]+) of type/;
const UNKNOWN_FIELD = /(?:unknown|duplicate) field "([^"]+)"/g;

/** What the server says against a manifest, each at the line of its field where it names one. */
export function faultsOf(error: unknown, manifest: Manifest): readonly Fault[] {
  const message = error instanceof Error ? error.message : String(error);
  const causes = error instanceof ApiError ? (error.status.details?.causes ?? []) : [];
  const named = causes.filter(({ field }) => field !== undefined && field !== "");
  if (named.length > 0)
    return named.map(({ field = "", message: words = "" }) => ({ message: `${field}: ${words}`, line: manifest.lineOf(field) }));
  const unknown = [...message.matchAll(UNKNOWN_FIELD)];
  if (unknown.length > 0) return unknown.map(([words, field = ""]) => ({ message: words, line: manifest.lineOf(field) }));
  const mistaken = MISTAKEN_TYPE.exec(message);
  return [{ message, line: mistaken?.[1] === undefined ? undefined : manifest.lineOf(mistaken[1]) }];
}
