import { apiVersionOf } from "../../actors/kinds/kind.ts";
import { charactersOf, gvkJson } from "../../actors/kinds/text.ts";
import type { View } from "../../actors/store/view.ts";
import type { ListAnswer } from "./answer.ts";
import type { Rendering } from "./object-text.ts";
import { columnDefinitions, listItem, tableRow, viewGvk } from "./object-text.ts";

/** The members of `metav1.ListMeta`. */
function listMeta(answer: ListAnswer): string {
  // What was never stored is of no revision.
  if (answer.revision === 0) return '"metadata":{}';
  const next = answer.continue === "" ? "" : `,"continue":"${answer.continue}"`;
  const remaining = answer.remaining === undefined ? "" : `,"remainingItemCount":${answer.remaining}`;
  return `"metadata":{"resourceVersion":"${answer.revision}"${next}${remaining}}`;
}

/** Whether a list has more text than so much, without printing it. */
export function isLonger(answer: ListAnswer, characters: number): boolean {
  let left = characters;
  for (const entry of answer.entries) {
    left -= charactersOf(entry);
    if (left < 0) return true;
  }
  return false;
}

/** The JSON of a list. */
export function listText(answer: ListAnswer, rendering: Rendering, view: View, now_ms: number): string {
  return [...listPieces(answer, rendering, view, now_ms)].join("");
}

/** The JSON of a list in pieces, each printed when it is asked for. */
export function* listPieces(answer: ListAnswer, rendering: Rendering, view: View, now_ms: number): Generator<string> {
  const { entries } = answer;
  // Source: apiserver's asPartialObjectMetadataList, which makes no list for nothing.
  if (rendering.as === "metadata" && entries.length === 0) {
    yield `{${viewGvk("PartialObjectMetadataList", rendering.viewVersion)},${listMeta(answer)},"items":null}`;
    return;
  }
  yield headOf(answer, rendering);
  let separator = "";
  for (const entry of entries) {
    if (rendering.as === "table") yield separator + tableRow(rendering, view, entry, entry.revision, now_ms);
    else yield* listItem(rendering, entry, separator);
    separator = ",";
  }
  yield "]}";
}

/** All that stands before the first object. */
function headOf(answer: ListAnswer, { as, viewVersion }: Rendering): string {
  const { kind } = answer;
  switch (as) {
    case "object":
      return `{${gvkJson(kind.custom?.listKind ?? `${kind.kind}List`, apiVersionOf(kind))},${listMeta(answer)},"items":[`;
    case "metadata":
      return `{${viewGvk("PartialObjectMetadataList", viewVersion)},${listMeta(answer)},"items":[`;
    case "table":
      return `{${viewGvk("Table", viewVersion)},${listMeta(answer)},${columnDefinitions(kind)},"rows":[`;
  }
}
