/**
 * Finds keys that are repeated in one object of a JSON text, which JSON.parse does not tell. Only asked for when a client wants strict
 * checks or warnings. The text must be valid JSON.
 */

import { endOfString } from "./json.ts";

/** How many are named; more say no more. */
const DUPLICATES_MAX = 100;

interface Frame {
  readonly path: string;
  /** The keys seen in an object; undefined in a list. */
  readonly keys: Set<string> | undefined;
  key: string;
  index: number;
}

function child(frame: Frame | undefined): string {
  if (frame === undefined) return "";
  if (frame.keys === undefined) return `${frame.path}[${frame.index}]`;
  return frame.path === "" ? frame.key : `${frame.path}.${frame.key}`;
}

/** Paths of repeated keys in the order of the text, each once: `data.a`, `spec.containers[0].name`. `value` is what the text was parsed to. */
export function duplicateKeys(text: string, value: unknown): readonly string[] {
  // Programs send JSON without spaces, and a value that is printed just as it came had nothing twice. That is seen sooner than the text is read again.
  return JSON.stringify(value) === text.trimEnd() ? [] : repetitionsIn(text);
}

function repetitionsIn(text: string): readonly string[] {
  const found = new Set<string>();
  const stack: Frame[] = [];
  let expectsKey = false;
  for (let at = 0; at < text.length && found.size < DUPLICATES_MAX; at++) {
    const frame = stack.at(-1);
    switch (text[at]) {
      case "{":
        stack.push({ path: child(frame), keys: new Set(), key: "", index: 0 });
        expectsKey = true;
        break;
      case "[":
        stack.push({ path: child(frame), keys: undefined, key: "", index: 0 });
        expectsKey = false;
        break;
      case "}":
      case "]":
        stack.pop();
        expectsKey = false;
        break;
      case ",":
        if (frame === undefined) break;
        if (frame.keys === undefined) frame.index++;
        else expectsKey = true;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (expectsKey && frame?.keys !== undefined) {
          frame.key = JSON.parse(text.slice(at, end + 1)) as string;
          if (frame.keys.has(frame.key)) found.add(child(frame));
          frame.keys.add(frame.key);
          expectsKey = false;
        }
        at = end;
        break;
      }
      default:
        break;
    }
  }
  return [...found];
}
