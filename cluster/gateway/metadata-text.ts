import type { ObjectText } from "../../actors/kinds/text.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * The metadata of a stored text, from after its opening brace up to and with its closing one. A stored text begins inside its
 * metadata (actors/kinds/text.ts), so metadata alone is a cut, without parsing what comes after.
 */
export function metadataText(text: ObjectText): string {
  let depth = 1;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      i = endOfString(text, i);
    } else if (c === OPEN) {
      depth += 1;
    } else if (c === CLOSE) {
      depth -= 1;
      if (depth === 0) return text.slice(0, i + 1);
    }
  }
  throw new Error("a stored text ends inside its metadata");
}

/** The index of the quote that ends the string beginning at `open`. */
function endOfString(text: string, open: number): number {
  let at = text.indexOf('"', open + 1);
  while (at >= 0 && escaped(text, at)) at = text.indexOf('"', at + 1);
  return at < 0 ? text.length : at;
}

/** An odd number of backslashes before a quote makes it part of the string. */
function escaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}
