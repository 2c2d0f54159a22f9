import { resourceOf } from "../../actors/kinds/kind.ts";
import type { GatewayContext } from "./context.ts";
import type { Rendering } from "./object-text.ts";
import type { Selection } from "./selection.ts";
import { bookmarkLine, eventFor, eventLine, type WatchEvent } from "./watch-event.ts";
import type { Watcher } from "./watcher.ts";

/** Changes that are converted in one question. */
const CHANGES_MAX = 200;
/** How often a watcher that hears nothing is told how far it is. */
const BOOKMARK_EVERY_MS = 60_000;

/**
 * Tells a watcher of a kind whose versions a webhook converts everything after `since`, in order, until it has gone: what has changed meanwhile is converted
 * together. Such watchers share nothing, since each waits for the webhook at its own pace. Throws RevisionExpired, and StatusError when the webhook fails.
 */
export async function followConverted(
  context: GatewayContext,
  watcher: Watcher,
  rendering: Rendering,
  selection: Selection,
  since: number,
  told: boolean,
): Promise<void> {
  const { view, clock, registry } = context;
  const { kind } = rendering;
  const resource = resourceOf(kind);
  let wake = (): void => {};
  const subscription = view.afterBatch(() => wake());
  let at = since;
  let columns = !told;
  try {
    while (watcher.open) {
      const newest = view.revision;
      const changes = view.changesAfter(resource, at, CHANGES_MAX);
      const events = changes.flatMap((change) => eventFor(change, selection, view) ?? []);
      const entries = await registry.served(
        kind,
        events.map(({ entry }) => entry),
      );
      let lines = "";
      for (const [index, event] of events.entries()) {
        const converted: WatchEvent = { ...event, entry: entries[index] ?? event.entry };
        lines += eventLine(rendering, view, converted, clock.now_ms(), columns);
        columns = false;
      }
      if (lines !== "") {
        watcher.send(lines);
        await watcher.room(clock);
      }
      at = changes.at(-1)?.revision ?? newest;
      if (changes.length > 0 || view.revision > newest) continue;
      const quiet = await new Promise<boolean>((resolve) => {
        const timer = clock.after(BOOKMARK_EVERY_MS, () => resolve(true));
        wake = () => {
          timer.cancel();
          resolve(false);
        };
        // It may have gone, or something may have come, since it was looked.
        watcher.onceClosed(wake);
        if (view.revision > newest) wake();
      });
      if (quiet && watcher.bookmarks) watcher.send(bookmarkLine(rendering, at, false));
    }
  } finally {
    subscription.cancel();
  }
}
