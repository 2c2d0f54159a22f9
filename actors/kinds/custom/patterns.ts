/** Regular expressions as Go reads them (RE2), near enough: what only one of both knows is rare in schemas. */
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
  // Unicode mode counts characters as Go does, but refuses escapes that Go allows.
  for (const mode of ["u", ""]) {
    try {
      return new RegExp(source, flags + mode);
    } catch {
      // The next mode may take it.
    }
  }
  return undefined;
}
