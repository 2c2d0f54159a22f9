import type { Exchange } from "./exchange.ts";

/** A longer warning is cut, and those that come to more in all are. Source: apiserver's filters/warning.go. */
const WARNING_CHARS_MAX = 256;
const WARNINGS_CHARS_MAX = 4_096;

/** What may stand in no header. */
const CONTROL = /\p{Cc}/u;
const ASCII = /^[ -~]*$/;

/**
 * The values of `Warning` headers, as Kubernetes sends them (RFC 7234): code 299, no agent. One with control characters is left out, as there. Where they are too
 * long together, each is cut.
 */
export function warningValues(warnings: readonly string[]): string[] {
  const told = warnings.filter((text) => !CONTROL.test(text));
  let left = WARNINGS_CHARS_MAX;
  const cuts = told.reduce((sum, text) => sum + text.length, 0) > WARNINGS_CHARS_MAX;
  const values: string[] = [];
  for (const text of told) {
    const kept = cuts ? text.slice(0, WARNING_CHARS_MAX) : text;
    left -= kept.length;
    if (left < 0) break;
    values.push(`299 - ${headerText(JSON.stringify(kept.toWellFormed()))}`);
  }
  return values;
}

/** Headers are written a byte a character: these are the bytes of UTF-8. */
function headerText(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text).toString("latin1");
}

interface Recorded {
  readonly texts: Set<string>;
  /** There is room for no more, whatever comes. */
  full: boolean;
}

const recorded = new WeakMap<object, Recorded>();

/** How to warn the client in the head of this answer, whatever becomes of it. The same is said once. Source: apiserver's warning recorder. */
export function warningsOf(exchange: Pick<Exchange, "headersSent" | "setHeader">): (text: string) => void {
  return (text) => {
    const known = recorded.get(exchange) ?? { texts: new Set(), full: false };
    if (exchange.headersSent || known.full || CONTROL.test(text)) return;
    recorded.set(exchange, known);
    known.texts.add(text);
    const values = warningValues([...known.texts]);
    known.full = values.length < known.texts.size;
    exchange.setHeader("Warning", values);
  };
}
