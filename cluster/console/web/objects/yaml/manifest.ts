import { type Document, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import { stepsOf } from "../changes.ts";

/** Something that is wrong with a manifest. */
export interface Fault {
  readonly message: string;
  /** From 1, in the whole text; undefined: not known. */
  readonly line: number | undefined;
}

/** One document of a text. */
export interface Manifest {
  /** The document as it was written. */
  readonly text: string;
  readonly value: unknown;
  /** The line, from 1, of a field as Kubernetes names it, or of the nearest field above that is there. */
  readonly lineOf: (field: string) => number;
}

/** The documents of a YAML or JSON text, or what keeps it from being read. Empty documents are left out. */
export function parseManifests(text: string): { readonly manifests: readonly Manifest[] } | { readonly faults: readonly Fault[] } {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: counter, prettyErrors: false }) as readonly Document.Parsed[];
  const faults = documents.flatMap(({ errors }) => errors.map(({ message, pos }) => ({ message, line: counter.linePos(pos[0]).line })));
  if (faults.length > 0) return { faults };
  const manifests = documents
    .filter(({ contents }) => contents !== null && !(isScalar(contents) && contents.value === null))
    .map(
      (document): Manifest => ({
        text: text.slice(document.range[0], document.range[1]),
        value: document.toJS(),
        lineOf: (field) => counter.linePos(placeOf(document, field)).line,
      }),
    );
  return { manifests };
}

/** Where in the text a field is. */
function placeOf(document: Document.Parsed, field: string): number {
  let node: unknown = document.contents;
  let place = document.contents?.range[0] ?? document.range[0];
  for (const step of stepsOf(field)) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
      if (pair === undefined) break;
      place = isScalar(pair.key) ? (pair.key.range?.[0] ?? place) : place;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      if (node === undefined) break;
      place = (node as { range?: readonly number[] }).range?.[0] ?? place;
    } else break;
  }
  return place;
}
