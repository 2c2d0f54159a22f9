import type { Kind } from "../../actors/kinds/kind.ts";
import { resourceOf } from "../../actors/kinds/kind.ts";
import type { Change, Subscription, View } from "../../actors/store/view.ts";
import type { Clock, Timer } from "../../runtime/mod.ts";
import type { Rendering } from "./object-text.ts";
import type { Selection } from "./selection.ts";
import type { WatchEvent } from "./watch-event.ts";
import { bookmarkLine, eventFor, eventLine } from "./watch-event.ts";
import type { Watcher } from "./watcher.ts";

/**
 * The least time between two sends of the same feed. The first change after a quiet time goes out at once; in a storm, lines
 * gather this long, because one TLS record of fifty events costs little more than one of a single event.
 */
export const WATCH_GATHER_MS = 5;

/** Watchers that see the same things in the same words: each event is selected and printed once for all of them. */
interface Channel {
  readonly key: string;
  readonly rendering: Rendering;
  readonly selection: Selection;
  readonly watchers: Set<Watcher>;
  /** Lines not sent yet. Invariant: empty whenever a watcher joins. */
  pending: string;
  /** Whether a table's columns still have to be named. */
  columns: boolean;
}

/**
 * All watches of one resource on this gateway. It follows the view once and tells each channel what concerns it. A watcher first
 * gets its past by itself, synchronously, and then joins a channel: nothing can happen between the two.
 */
export class WatchFeed {
  readonly #view: View;
  readonly #clock: Clock;
  readonly #kind: Kind;
  readonly #channels = new Map<string, Channel>();
  #subscription: Subscription | undefined;
  #afterBatch: Subscription | undefined;
  #dirty = new Set<Channel>();
  #sent_ms = 0;
  #timer: Timer | undefined;
  #serial = 0;

  constructor(view: View, clock: Clock, kind: Kind) {
    this.#view = view;
    this.#clock = clock;
    this.#kind = kind;
  }

  get empty(): boolean {
    return this.#channels.size === 0;
  }

  /**
   * Tells the watcher everything after `since` from now on; `since` may be the view's revision at most. Returns how it leaves. Throws
   * RevisionExpired. `told` says that the watcher has had a table's columns.
   */
  join(watcher: Watcher, rendering: Rendering, selection: Selection, since: number, told: boolean): () => void {
    this.flush();
    const columns = !told && this.#sendPast(watcher, rendering, selection, since);
    const channel = this.#channel(rendering, selection, columns);
    channel.watchers.add(watcher);
    return () => this.#leave(channel, watcher);
  }

  /** Sends what waits, at once. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#dirty.size === 0) return;
    this.#sent_ms = this.#clock.monotonic_ms();
    for (const channel of this.#dirty) {
      const lines = Buffer.from(channel.pending, "utf8");
      channel.pending = "";
      for (const watcher of channel.watchers) watcher.send(lines);
    }
    this.#dirty.clear();
  }

  /** Tells every watcher that wants it and was last told `age_ms` ago or earlier how far it is. */
  bookmark(age_ms: number): void {
    this.flush();
    const now_ms = this.#clock.monotonic_ms();
    for (const channel of this.#channels.values()) {
      const line = bookmarkLine(channel.rendering, this.#view.revision, false);
      for (const watcher of channel.watchers) {
        if (!watcher.bookmarks || now_ms - watcher.bookmarked_ms < age_ms) continue;
        watcher.bookmarked_ms = now_ms;
        watcher.send(line);
      }
    }
  }

  /** Sends the events of the history after `since`. Returns whether a table's columns are still to be named. */
  #sendPast(watcher: Watcher, rendering: Rendering, selection: Selection, since: number): boolean {
    let lines = "";
    let columns = true;
    if (since < this.#view.revision) {
      const past = this.#view.watch(resourceOf(this.#kind), since, (change) => {
        const event = eventFor(change, selection, this.#view);
        if (event === undefined) return;
        lines += eventLine(rendering, this.#view, event, this.#clock.now_ms(), columns);
        columns = false;
      });
      past.cancel();
    }
    if (lines !== "") watcher.send(lines);
    return columns;
  }

  #channel(rendering: Rendering, selection: Selection, columns: boolean): Channel {
    // A table's first line differs from the others, so tables share no channel.
    const unique = rendering.as === "table" ? `#${this.#serial++}` : "";
    const key = `${rendering.as}${unique}\n${selection.key}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = { key, rendering, selection, watchers: new Set(), pending: "", columns };
      this.#channels.set(key, channel);
    }
    this.#subscription ??= this.#view.watch(resourceOf(this.#kind), this.#view.revision, (change) => this.#apply(change));
    this.#afterBatch ??= this.#view.afterBatch(() => this.#batchEnded());
    return channel;
  }

  #leave(channel: Channel, watcher: Watcher): void {
    channel.watchers.delete(watcher);
    if (channel.watchers.size > 0) return;
    this.#channels.delete(channel.key);
    this.#dirty.delete(channel);
    if (!this.empty) return;
    this.#subscription?.cancel();
    this.#afterBatch?.cancel();
    this.#subscription = undefined;
    this.#afterBatch = undefined;
  }

  #apply(change: Change): void {
    const printed = new Map<string, string>();
    for (const channel of this.#channels.values()) {
      const event = eventFor(change, channel.selection, this.#view);
      if (event === undefined) continue;
      channel.pending += this.#line(channel, event, printed);
      this.#dirty.add(channel);
    }
  }

  /** The line of an event; channels that differ only in what they select share it. */
  #line(channel: Channel, event: WatchEvent, printed: Map<string, string>): string {
    const { rendering } = channel;
    if (rendering.as === "table") {
      const line = eventLine(rendering, this.#view, event, this.#clock.now_ms(), channel.columns);
      channel.columns = false;
      return line;
    }
    const key = `${rendering.as}${event.type}`;
    let line = printed.get(key);
    if (line === undefined) {
      line = eventLine(rendering, this.#view, event, 0, false);
      printed.set(key, line);
    }
    return line;
  }

  #batchEnded(): void {
    if (this.#dirty.size === 0 || this.#timer !== undefined) return;
    const wait_ms = this.#sent_ms + WATCH_GATHER_MS - this.#clock.monotonic_ms();
    if (wait_ms <= 0) this.flush();
    else this.#timer = this.#clock.after(wait_ms, () => this.flush());
  }
}
