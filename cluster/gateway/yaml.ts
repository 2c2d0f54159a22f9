import { CORE_SCHEMA, load, YAMLException } from "js-yaml";
import { badRequest } from "../../actors/kinds/errors.ts";
import { JsonError, NESTING_MAX, parseJson } from "../../actors/kinds/machinery/json.ts";

/**
 * Values that a document may come to, its aliases followed, for each of its characters, and so many beside: a few hundred bytes of aliases of aliases would
 * come to millions. Honest documents have fewer values than characters.
 */
const VALUES_PER_CHAR = 1;
const VALUES_FREE = 10_000;

/** What may come to half of a surrogate pair, which `parseJson` makes whole. */
const HALF_ESCAPED = /\\u[dD]/;

/** The value of a YAML text. JSON is YAML too, and far quicker to read as JSON. Throws 400 in the words of Go's reader. */
export function readYaml(text: string): unknown {
  const first = /\S/.exec(text)?.[0];
  if (first === "{" || first === "[") {
    try {
      return parseJson(text);
    } catch (error) {
      // It may be a flow mapping that is YAML but no JSON.
      if (!(error instanceof JsonError)) throw error;
    }
  }
  try {
    // Of a key that comes twice the last value counts, as in Go.
    const value = load(text, { schema: CORE_SCHEMA, json: true, maxDepth: NESTING_MAX } as Parameters<typeof load>[1]) ?? null;
    if (!isWithin(value, { left: text.length * VALUES_PER_CHAR + VALUES_FREE })) throw refusal("document contains excessive aliasing");
    return HALF_ESCAPED.test(text) ? parseJson(JSON.stringify(value)) : value;
  } catch (error) {
    throw error instanceof YAMLException ? refusal(wordsOf(error, text)) : error;
  }
}

function refusal(words: string): Error {
  return badRequest(`error converting YAML to JSON: yaml: ${words}`);
}

/** Whether a value has no more values in it than are left. One that is in itself never ends. */
function isWithin(value: unknown, budget: { left: number }, depth = 0): boolean {
  if (--budget.left < 0 || depth > NESTING_MAX) return false;
  if (typeof value !== "object" || value === null) return true;
  for (const one of Object.values(value)) if (!isWithin(one, budget, depth + 1)) return false;
  return true;
}

/** Go's reader names the line and what it missed. */
function wordsOf({ reason, mark }: YAMLException, text: string): string {
  if (reason.startsWith("unidentified alias "))
    return `unknown anchor '${reason.slice("unidentified alias ".length).replaceAll('"', "")}' referenced`;
  // Behind a last line without an end the mark is on another.
  const line = Math.min((mark?.line ?? 0) + 1, text.split("\n").length);
  return `line ${line}: ${GO_YAML_WORDS[reason] ?? reason}`;
}

/** Where both readers mean the same. Source: go-yaml's parser and scanner. */
const GO_YAML_WORDS: Readonly<Record<string, string>> = {
  "bad indentation of a mapping entry": "mapping values are not allowed in this context",
  "bad indentation of a sequence entry": "did not find expected '-' indicator",
  "can not read a block mapping entry; a multiline key may not be an implicit key": "could not find expected ':'",
  "can not read an implicit mapping pair; a colon is missed": "could not find expected ':'",
  "end of the stream or a document separator is expected": "did not find expected <document start>",
  "missed comma between flow collection entries": "did not find expected ',' or ']'",
  "tab characters must not be used in indentation": "found character that cannot start any token",
  "unexpected end of the stream within a double quoted scalar": "found unexpected end of stream",
  "unexpected end of the stream within a flow collection": "did not find expected node content",
  "unexpected end of the stream within a single quoted scalar": "found unexpected end of stream",
  [`nesting exceeded maxDepth (${NESTING_MAX})`]: "exceeded max depth",
};
