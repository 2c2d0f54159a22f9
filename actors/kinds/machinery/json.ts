/** Reads JSON that strangers sent. */
import { goSyntaxError } from "./go-json.ts";

/**
 * How deep a text may be nested. encoding/json follows to 10,000; here what is accepted is walked by functions that call themselves, V8's own among them, and
 * no schema of Kubernetes comes to a tenth of it.
 */
export const NESTING_MAX = 1_000;

/** Go's words for what is deeper. Source: encoding/json's scanner. */
const TOO_DEEP = "exceeded max depth";

/** The text is no JSON that is read here; the message is what Go's decoder says. */
export class JsonError extends Error {
  override readonly name = "JsonError";
}

/**
 * The value of a JSON text. Its strings are whole: halves of surrogate pairs become U+FFFD, as in Go, since they would not survive being stored. Throws JsonError
 * in time that grows with the text's length alone.
 */
export function parseJson(text: string): unknown {
  // A text is at least as long as it is deep.
  if (text.length > NESTING_MAX && isDeeper(text, NESTING_MAX)) throw new JsonError(TOO_DEEP);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JsonError(goSyntaxError(text) ?? "unexpected end of JSON input");
  }
  return text.includes("\\ud") || text.includes("\\uD") ? wellFormed(value) : value;
}

/** Whether brackets are open within each other to more than this depth. The text may be anything. */
function isDeeper(text: string, depth_max: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = endOfString(text, at);
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > depth_max) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
    }
  }
  return false;
}

/** Where the string that begins at `start` has its closing quote; the end of the text where it has none. */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name.toWellFormed(), wellFormed(one)]));
}
