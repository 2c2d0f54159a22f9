import type { Kind } from "../../actors/kinds/kind.ts";
import { apiVersionOf, asServed } from "../../actors/kinds/kind.ts";
import { metadataText } from "../../actors/kinds/metadata-text.ts";
import type { StoredText } from "../../actors/kinds/text.ts";
import { decodeObject, encodeObject, gvkJson, itemHead, objectJson, wholeText } from "../../actors/kinds/text.ts";
import type { Entry, View } from "../../actors/store/view.ts";
import type { Format, ViewVersion } from "./accept.ts";

const gvks = new WeakMap<Kind, string>();

/** What of an object stands in a row of a table. Source: metav1.IncludeObjectPolicy. */
export type IncludeObject = "None" | "Metadata" | "Object";

/** All that decides what an object's JSON looks like, but the object. */
export interface Rendering {
  readonly kind: Kind;
  readonly as: Format["as"];
  readonly includeObject: IncludeObject;
  readonly viewVersion: ViewVersion;
}

/** The `kind` and `apiVersion` members of a view. */
export function viewGvk(kind: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList", version: ViewVersion): string {
  return `"kind":"${kind}","apiVersion":"meta.k8s.io/${version}"`;
}

/** The `kind` and `apiVersion` members of a kind's objects. */
export function gvkOf(kind: Kind): string {
  let gvk = gvks.get(kind);
  if (gvk === undefined) {
    gvk = gvkJson(kind.kind, apiVersionOf(kind));
    gvks.set(kind, gvk);
  }
  return gvk;
}

/** The text of an object in the version in which it is served. */
function servedText(kind: Kind, stored: StoredText): StoredText {
  if (kind.stored === undefined && kind.custom === undefined) return stored;
  return { text: encodeObject(asServed(kind, decodeObject(stored.text, 0))), managers: stored.managers };
}

/** The JSON of a whole object that stands alone. Revision 0 is an object that was never stored (a dry run): it has no version. */
export function wholeObject(kind: Kind, stored: StoredText, revision: number): string {
  const served = servedText(kind, stored);
  return revision === 0 ? `{${gvkOf(kind)},"metadata":{${wholeText(served)}` : objectJson(served, revision, gvkOf(kind));
}

/** The JSON of an object's metadata alone. */
export function partialObject(stored: StoredText, revision: number, version: ViewVersion): string {
  return `{${viewGvk("PartialObjectMetadata", version)},"metadata":{${revision === 0 ? "" : `"resourceVersion":"${revision}",`}${metadataText(wholeText(stored))}}`;
}

/**
 * An object as an item of a list of its kind, behind `separator`, in pieces: items carry no kind of their own, except metadata. Most of it is the texts that are
 * there already, which are not put together: in a list of a hundred thousand that would be hundreds of megabytes for the garbage collector.
 */
export function* listItem({ as, kind, viewVersion }: Rendering, entry: Entry, separator: string): Generator<string> {
  const { revision } = entry;
  if (as === "metadata") {
    yield separator + partialObject(entry, revision, viewVersion);
    return;
  }
  const { text, managers } = revision === 0 ? entry : servedText(kind, entry);
  yield separator + (revision === 0 ? '{"metadata":{' : itemHead(revision));
  if (managers !== undefined) yield managers;
  yield text;
}

/** `"columnDefinitions":[...]` of a kind's tables. */
export function columnDefinitions(kind: Kind): string {
  const columns = kind.columns.map(({ name, type, format = "", description, priority }) => ({ name, type, format, description, priority }));
  return `"columnDefinitions":${JSON.stringify(columns)}`;
}

/** One row of a table. `text` and `revision` are the entry's, but for the last state of a deleted object, whose revision is the deletion's. */
export function tableRow(rendering: Rendering, view: View, entry: Entry, revision: number, now_ms: number): string {
  const { kind, includeObject, viewVersion } = rendering;
  // What a webhook has converted is not what the view knows under this key.
  const object = kind.custom?.conversion === undefined ? view.decode(entry) : decodeObject(entry.text, entry.revision);
  const cells = JSON.stringify(kind.cells(object, now_ms));
  if (includeObject === "None") return `{"cells":${cells},"object":null}`;
  const shown = includeObject === "Object" ? wholeObject(kind, entry, revision) : rowMetadata(kind, entry, revision, viewVersion);
  return `{"cells":${cells},"object":${shown}}`;
}

/** Rows are made of Kubernetes' internal objects, in which what some versions keep in an annotation is a field. */
function rowMetadata({ fieldAnnotation: name }: Kind, stored: StoredText, revision: number, version: ViewVersion): string {
  const printed = partialObject(stored, revision, version);
  if (name === undefined) return printed;
  const { metadata, ...rest } = JSON.parse(printed) as { metadata: { annotations?: Record<string, string> } };
  const { annotations = {}, ...others } = metadata;
  const { [name]: _field, ...kept } = annotations;
  return JSON.stringify({ ...rest, metadata: Object.keys(kept).length === 0 ? others : { ...others, annotations: kept } });
}

/** A table of one row, for a single object or an event; `columns` are left out where the client has them already. */
export function tableOfOne(rendering: Rendering, view: View, entry: Entry, revision: number, now_ms: number, columns: boolean): string {
  const definitions = columns ? columnDefinitions(rendering.kind) : '"columnDefinitions":null';
  const row = tableRow(rendering, view, entry, revision, now_ms);
  const metadata = revision === 0 ? "{}" : `{"resourceVersion":"${revision}"}`;
  return `{${viewGvk("Table", rendering.viewVersion)},"metadata":${metadata},${definitions},"rows":[${row}]}`;
}
