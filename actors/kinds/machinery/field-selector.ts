/** Field selectors: `metadata.name=a,status.phase!=Running`. Source: k8s.io/apimachinery/pkg/fields. */
import { goQuote } from "../field-error.ts";
import type { Kind } from "../kind.ts";
import type { KubeObject } from "../object.ts";
import type { ObjectText } from "../text.ts";
import { SelectorError } from "./label-selector.ts";

export interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** All terms must hold. */
export type FieldSelector = readonly FieldTerm[];

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let term = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === "\\") term += character + (text[++at] ?? "");
    else if (character === ",") {
      terms.push(term);
      term = "";
    } else term += character;
  }
  terms.push(term);
  return terms.filter((one) => one !== "").sort();
}

function unescapeValue(value: string): string {
  let plain = "";
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? "";
    if (character === "," || character === "=") {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${character.codePointAt(0)}`);
    }
    if (character !== "\\") plain += character;
    else {
      const next = value[++at] ?? "";
      if (next === "" || !"\\,=".includes(next)) throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next}`);
      plain += next;
    }
  }
  return plain;
}

/** Throws SelectorError in Kubernetes' words. Empty text selects everything. */
export function parseFieldSelector(text: string): FieldSelector {
  return splitTerms(text).map((term) => {
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    return { field: match[1] ?? "", equal: match[2] !== "!=", value: unescapeValue(match[3] ?? "") };
  });
}

/** How a kind answers for each field, or a SelectorError for a field that it cannot select by. */
function reader(kind: Kind, field: string): (object: KubeObject) => string {
  if (field === "metadata.name") return (object) => object.metadata.name;
  if (field === "metadata.namespace") return (object) => object.metadata.namespace ?? "";
  const own = Object.hasOwn(kind.selectableFields, field) ? kind.selectableFields[field] : undefined;
  if (own !== undefined) return own;
  // Kinds without fields of their own use the default conversion, whose words name no kind.
  if (Object.keys(kind.selectableFields).length === 0) {
    throw new SelectorError(`${goQuote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
  }
  throw new SelectorError(`field label not supported: ${field}`);
}

/** A predicate for the objects of a kind. Throws SelectorError when the kind cannot be selected by one of the fields. */
export function compileFieldSelector(kind: Kind, selector: FieldSelector): (object: KubeObject) => boolean {
  const terms = selector.map((term) => ({ ...term, read: reader(kind, term.field) }));
  return (object) => terms.every((term) => (term.read(object) === term.value) === term.equal);
}

/** The same for stored texts; undefined where one of the fields is not told by a text alone. */
export function compileTextSelector(kind: Kind, selector: FieldSelector): ((text: ObjectText) => boolean) | undefined {
  const { selectableTexts = {} } = kind;
  const terms = selector.map((term) => ({
    ...term,
    read: Object.hasOwn(selectableTexts, term.field) ? selectableTexts[term.field] : undefined,
  }));
  if (terms.some(({ read }) => read === undefined)) return undefined;
  return (text) => terms.every(({ read, value, equal }) => (read?.(text) === value) === equal);
}

/** The value that a field must have, if the selector demands one; lets a list by `metadata.name` be a single get. */
export function exactValue(selector: FieldSelector, field: string): string | undefined {
  return selector.find((term) => term.field === field && term.equal)?.value;
}
