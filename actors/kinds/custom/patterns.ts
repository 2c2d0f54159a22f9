import { setFlagsFromString } from "node:v8";

/**
 * Regular expressions as Go reads them (RE2), near enough: what only one of both knows is rare in schemas.
 *
 * Whoever may define a resource chooses the pattern and the text, so that no pattern may take more than linear time, as none does in RE2. V8 goes over to
 * its engine of that kind when it has gone back too often; that one knows no look-around and no references to groups, which RE2 refuses as well, and no Unicode mode.
 */
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");

/** What RE2 does not know. */
const NOT_GO = /\(\?(?:=|!|<=|<!)|\\[1-9]|\\k</;
/** What only Unicode mode understands. */
const NEEDS_UNICODE = /\\[pP]\{|\\[ux]\{|[\u{10000}-\u{10FFFF}]/u;
/** A group that is repeated: in Unicode mode it could take for ever. */
const REPEATED_GROUP = /\)[*+{]/;

const compiled = new Map<string, RegExp | undefined>();
const COMPILED_MAX = 4_096;
const FLAGS = /^\(\?([ims]+)\)/;

/** The expression of a Go pattern; undefined when it is none. */
export function goPattern(pattern: string): RegExp | undefined {
  if (compiled.has(pattern)) return compiled.get(pattern);
  const flags = FLAGS.exec(pattern);
  const source = (flags === null ? pattern : pattern.slice(flags[0].length))
    .replaceAll("(?P<", "(?<")
    .replaceAll("\\A", "^")
    .replaceAll("\\z", "$")
    .replaceAll("[[:alpha:]]", "[A-Za-z]")
    .replaceAll("[[:digit:]]", "[0-9]")
    .replaceAll("[[:alnum:]]", "[A-Za-z0-9]")
    .replaceAll("[[:space:]]", "\\s");
  const expression = compile(source, flags?.[1] ?? "");
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  compiled.set(pattern, expression);
  return expression;
}

function compile(source: string, flags: string): RegExp | undefined {
  if (NOT_GO.test(source)) return undefined;
  const unicode = NEEDS_UNICODE.test(source);
  if (unicode && REPEATED_GROUP.test(source)) return undefined;
  try {
    return new RegExp(source, unicode ? `${flags}u` : flags);
  } catch {
    return undefined;
  }
}
