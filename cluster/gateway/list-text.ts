import { apiVersionOf } from "../../actors/kinds/kind.ts";
import { charactersOf, gvkJson } from "../../actors/kinds/text.ts";
import type { View } from "../../actors/store/view.ts";
import type { ListAnswer } from "./answer.ts";
import type { Rendering } from "./object-text.ts";
import { columnDefinitions, listItem, tableRow, viewGvk } from "./object-text.ts";

/** About how much text one piece of a long list has: large enough to be quick, small enough not to hold up the others. */
const CHUNK_CHARS = 128 * 1024;

/** The members of `metav1.ListMeta`. */
function listMeta(answer: ListAnswer): string {
  // What was never stored is of no revision.
  if (answer.revision === 0) return '"metadata":{}';
  const next = answer.continue === "" ? "" : `,"continue":"${answer.continue}"`;
  const remaining = answer.remaining === undefined ? "" : `,"remainingItemCount":${answer.remaining}`;
  return `"metadata":{"resourceVersion":"${answer.revision}"${next}${remaining}}`;
}

/** How large a list is about, without printing it. */
export function listSize(answer: ListAnswer): number {
  let characters = 0;
  for (const entry of answer.entries) characters += charactersOf(entry);
  return characters;
}

/** The JSON of a list in pieces, printed as they are asked for. */
export function* listChunks(answer: ListAnswer, rendering: Rendering, view: View, now_ms: number): Generator<string> {
  const { kind, entries } = answer;
  // Source: apiserver's asPartialObjectMetadataList, which makes no list for nothing.
  if (rendering.as === "metadata" && entries.length === 0) {
    yield `{${viewGvk("PartialObjectMetadataList", rendering.viewVersion)},${listMeta(answer)},"items":null}`;
    return;
  }
  let chunk = "";
  switch (rendering.as) {
    case "object":
      chunk = `{${gvkJson(kind.custom?.listKind ?? `${kind.kind}List`, apiVersionOf(kind))},${listMeta(answer)},"items":[`;
      break;
    case "metadata":
      chunk = `{${viewGvk("PartialObjectMetadataList", rendering.viewVersion)},${listMeta(answer)},"items":[`;
      break;
    case "table":
      chunk = `{${viewGvk("Table", rendering.viewVersion)},${listMeta(answer)},${columnDefinitions(kind)},"rows":[`;
      break;
  }
  let first = true;
  for (const entry of entries) {
    if (!first) chunk += ",";
    first = false;
    chunk += rendering.as === "table" ? tableRow(rendering, view, entry, entry.revision, now_ms) : listItem(rendering, entry);
    if (chunk.length < CHUNK_CHARS) continue;
    yield chunk;
    chunk = "";
  }
  yield `${chunk}]}`;
}
