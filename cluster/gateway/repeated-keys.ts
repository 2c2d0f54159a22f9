import { CORE_SCHEMA, load, YAMLException } from "js-yaml";
import { isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from "yaml";
import { goQuote } from "../../actors/kinds/field-error.ts";
import { duplicateKeys } from "../../actors/kinds/machinery/duplicate-keys.ts";
import { JsonError, NESTING_MAX, parseJson } from "../../actors/kinds/machinery/json.ts";

/**
 * The keys that come twice in one mapping of a YAML text that `readYaml` has read, in the words of Go's strict reader:
 * `line 5: key "a" already set in map`. The line is that of the value. Source: go-yaml's setMapIndex.
 */
export function repeatedKeys(text: string): readonly string[] {
  if (!hasRepeatedKeys(text)) return [];
  const lines = new LineCounter();
  const { contents } = parseDocument(text, { schema: "core", uniqueKeys: false, lineCounter: lines });
  const found: string[] = [];
  collect(contents, lines, found);
  return found;
}

/** The quick question, since hardly any text has them. */
function hasRepeatedKeys(text: string): boolean {
  if (/^\s*[{[]/.test(text)) {
    try {
      return duplicateKeys(text, parseJson(text)).length > 0;
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
    }
  }
  try {
    load(text, { schema: CORE_SCHEMA, maxDepth: NESTING_MAX } as Parameters<typeof load>[1]);
    return false;
  } catch (error) {
    return error instanceof YAMLException;
  }
}

function collect(node: ParsedNode | null, lines: LineCounter, found: string[]): void {
  if (isSeq<ParsedNode>(node)) for (const item of node.items) collect(item, lines, found);
  if (!isMap<ParsedNode, ParsedNode | null>(node)) return;
  const seen = new Set<unknown>();
  for (const { key, value } of node.items) {
    collect(value, lines, found);
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) {
      const said = typeof key.value === "string" ? goQuote(key.value) : String(key.value);
      found.push(`line ${lines.linePos((value ?? key).range[0]).line}: key ${said} already set in map`);
    }
    seen.add(key.value);
  }
}
