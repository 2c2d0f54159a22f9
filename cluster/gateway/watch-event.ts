import type { Change, Entry, View } from "../../actors/store/view.ts";
import type { Rendering } from "./object-text.ts";
import { gvkOf, partialObject, tableOfOne, viewGvk, wholeObject } from "./object-text.ts";
import type { Selection } from "./selection.ts";

/** One event as a watcher sees it. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly entry: Entry;
  /** The change's; for a DELETED event it is not the entry's own. */
  readonly revision: number;
}

/**
 * What a change means to a watcher with this selection: an object that begins to match is ADDED to its world, one that ceases to
 * match is DELETED from it (in its last matching state). Source: apiserver's convertToWatchEvent.
 */
export function eventFor(change: Change, selection: Selection, view: Pick<View, "decode">): WatchEvent | undefined {
  const { now, before, revision } = change;
  const matches = now !== undefined && selection.takes(view, now);
  const matched = before !== undefined && selection.takes(view, before);
  if (matches) return { type: matched ? "MODIFIED" : "ADDED", entry: now, revision };
  return matched ? { type: "DELETED", entry: before, revision } : undefined;
}

/** One line of a watch, with its newline. `columns`: whether a table names its columns (only a watch's first does). */
export function eventLine(rendering: Rendering, view: View, event: WatchEvent, now_ms: number, columns: boolean): string {
  return `{"type":"${event.type}","object":${objectOf(rendering, view, event, now_ms, columns)}}\n`;
}

function objectOf(rendering: Rendering, view: View, event: WatchEvent, now_ms: number, columns: boolean): string {
  const { entry, revision } = event;
  switch (rendering.as) {
    case "object":
      return wholeObject(rendering.kind, entry, revision);
    case "metadata":
      return partialObject(entry, revision, rendering.viewVersion);
    case "table":
      return tableOfOne(rendering, view, entry, revision, now_ms, columns);
  }
}

/** A bookmark: nothing happened up to this revision that the watcher was not told. `initialEnd` marks the end of the initial events. */
export function bookmarkLine(rendering: Rendering, revision: number, initialEnd: boolean): string {
  const annotations = initialEnd ? ',"annotations":{"k8s.io/initial-events-end":"true"}' : "";
  const metadata = `"metadata":{"resourceVersion":"${revision}","creationTimestamp":null${annotations}}`;
  const partial = viewGvk("PartialObjectMetadata", rendering.viewVersion);
  switch (rendering.as) {
    case "object":
      return `{"type":"BOOKMARK","object":{${gvkOf(rendering.kind)},${metadata}}}\n`;
    case "metadata":
      return `{"type":"BOOKMARK","object":{${partial},${metadata}}}\n`;
    case "table": {
      const object = `{${partial},${metadata}}`;
      const table = `"metadata":{"resourceVersion":"${revision}"},"columnDefinitions":null,"rows":[{"cells":[],"object":${object}}]`;
      return `{"type":"BOOKMARK","object":{${viewGvk("Table", rendering.viewVersion)},${table}}}\n`;
    }
  }
}

/** The event that ends a watch that cannot go on. */
export function errorLine(status: object): string {
  return `{"type":"ERROR","object":${JSON.stringify(status)}}\n`;
}
