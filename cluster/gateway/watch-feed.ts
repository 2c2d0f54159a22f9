import type { Kind } from "../../actors/kinds/kind.ts";
import { resourceOf } from "../../actors/kinds/kind.ts";
import type { KubeObject } from "../../actors/kinds/object.ts";
import type { Change, Entry, Subscription, View } from "../../actors/store/view.ts";
import type { Clock, Timer } from "../../runtime/mod.ts";
import { AnchorIndex } from "./anchor-index.ts";
import type { Rendering } from "./object-text.ts";
import { protobufFrames } from "./protobuf-frames.ts";
import type { Selection } from "./selection.ts";
import type { WatchEvent } from "./watch-event.ts";
import { bookmarkLine, eventFor, eventLine } from "./watch-event.ts";
import type { Watcher } from "./watcher.ts";

/**
 * The least time between two sends of the same feed. The first change after a quiet time goes out at once; in a storm, lines
 * gather this long, because one TLS record of fifty events costs little more than one of a single event.
 */
export const WATCH_GATHER_MS = 5;
/**
 * Where many watch, sending is what costs, and it must not starve those who write. So after this many sends the others have their turn; it is
 * measured how long the sends took,
 */
const SENDS_PER_TURN = 200;
/** and so many times as long passes before the next; */
const PAUSE_PER_COST = 1;
/** less, in proportion, once lines have waited longer than this. */
const GATHER_MS_MAX = 100;

/** A watcher that catches up with the past gets it in pieces of about this size, each when it has taken the one before. */
const PAST_PIECE_CHARS = 256 * 1024;
/** Changes that are looked through for one piece, so that what nobody wants holds nobody up. */
const PAST_PIECE_CHANGES = 2_000;

/** Watchers that see the same things in the same words: each event is selected and printed once for all of them. */
interface Channel {
  readonly key: string;
  readonly rendering: Rendering;
  readonly selection: Selection;
  readonly protobuf: boolean;
  readonly watchers: Set<Watcher>;
  /** Lines not sent yet; of protobuf, frames. Invariant: empty whenever a watcher joins. */
  lines: string;
  frames: Buffer[];
  /** Whether a table's columns still have to be named. */
  columns: boolean;
}

/**
 * All watches of one resource on this gateway. It follows the view once and tells each channel what concerns it, without asking those that
 * it cannot concern. A watcher first gets its past by itself, at its own pace, and then joins a channel in the turn in which nothing is left.
 */
export class WatchFeed {
  readonly #view: View;
  readonly #clock: Clock;
  readonly #kind: Kind;
  readonly #channels = new Map<string, Channel>();
  readonly #index = new AnchorIndex<Channel>();
  readonly #decoded: DecodedOnce;
  #subscription: Subscription | undefined;
  #afterBatch: Subscription | undefined;
  /** Those with lines to send, in the order in which they got the first: with each, since when. */
  readonly #dirty = new Map<Channel, number>();
  readonly #concerned = new Set<Channel>();
  /** The earliest time for the next send. */
  #next_ms = 0;
  #timer: Timer | undefined;
  /** Runs while what was sent last is still going out. */
  #settling: Timer | undefined;
  #serial = 0;
  /** Watchers that are catching up. */
  #joining = 0;

  constructor(view: View, clock: Clock, kind: Kind) {
    this.#view = view;
    this.#clock = clock;
    this.#kind = kind;
    this.#decoded = new DecodedOnce(view);
  }

  /** Nobody watches, and nobody is about to. */
  get empty(): boolean {
    return this.#channels.size === 0 && this.#joining === 0;
  }

  /**
   * Tells the watcher everything after `since`, which may be the view's revision at most, and then what happens. Resolves, once it has caught
   * up, to how it leaves; to undefined when it has gone meanwhile. Rejects with RevisionExpired, also when it was so slow that the history was
   * forgotten before it came. `told` says that the watcher has had a table's columns.
   */
  async join(
    watcher: Watcher,
    rendering: Rendering,
    selection: Selection,
    since: number,
    told: boolean,
  ): Promise<(() => void) | undefined> {
    this.#joining++;
    try {
      const past = { position: since, columns: !told };
      // The turn that finds nothing left also joins: between the two nothing can happen.
      while (!this.#sendPast(watcher, rendering, selection, past)) {
        await watcher.room(this.#clock);
        if (!watcher.open) return undefined;
      }
      this.flush();
      const channel = this.#channel(rendering, selection, watcher.protobuf, past.columns);
      channel.watchers.add(watcher);
      return () => this.#leave(channel, watcher);
    } finally {
      this.#joining--;
    }
  }

  /** Sends a piece of the history and moves `past` behind it. Gives whether nothing is left. */
  #sendPast(watcher: Watcher, rendering: Rendering, selection: Selection, past: { position: number; columns: boolean }): boolean {
    const changes = this.#view.changesAfter(resourceOf(this.#kind), past.position, PAST_PIECE_CHANGES);
    let lines = "";
    let taken = 0;
    while (taken < changes.length && lines.length < PAST_PIECE_CHARS) {
      const change = changes[taken++] as Change;
      past.position = change.revision;
      const event = eventFor(change, selection, this.#view);
      if (event === undefined) continue;
      lines += eventLine(rendering, this.#view, event, this.#clock.now_ms(), past.columns);
      past.columns = false;
    }
    if (lines !== "") watcher.send(lines);
    return taken === changes.length && changes.length < PAST_PIECE_CHANGES;
  }

  /** Sends what waits, at once. */
  flush(): void {
    this.#send(Number.POSITIVE_INFINITY);
  }

  /** Sends what waits, the oldest first, until there were so many sends. */
  #send(sendsMax: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const begun_ms = this.#clock.monotonic_ms();
    let sends = 0;
    let waited_ms = 0;
    for (const [channel, since_ms] of this.#dirty) {
      if (sends >= sendsMax) break;
      if (sends === 0) waited_ms = begun_ms - since_ms;
      this.#dirty.delete(channel);
      const bytes = channel.protobuf ? Buffer.concat(channel.frames) : Buffer.from(channel.lines, "utf8");
      channel.lines = "";
      channel.frames = [];
      sends += channel.watchers.size;
      for (const watcher of channel.watchers) watcher.sendBytes(bytes);
    }
    if (sends === 0) return;
    this.#next_ms = begun_ms + WATCH_GATHER_MS;
    if (sends < SENDS_PER_TURN || this.#settling !== undefined) return;
    // What is sent goes out, and is encrypted, after this turn; a timer comes after that.
    this.#settling = this.#clock.after(0, () => {
      this.#settling = undefined;
      const now_ms = this.#clock.monotonic_ms();
      const pause_ms = (now_ms - begun_ms) * PAUSE_PER_COST * Math.min(1, GATHER_MS_MAX / waited_ms);
      this.#next_ms = this.#dirty.size > 0 ? now_ms + pause_ms : Math.max(now_ms + pause_ms, this.#next_ms);
      this.#batchEnded();
    });
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

  #channel(rendering: Rendering, selection: Selection, protobuf: boolean, columns: boolean): Channel {
    // A table's first line differs from the others, so tables share no channel.
    const unique = rendering.as === "table" ? `#${this.#serial++}` : "";
    const key = `${rendering.as} ${rendering.viewVersion}${unique}\n${protobuf}\n${selection.key}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = { key, rendering, selection, protobuf, watchers: new Set(), lines: "", frames: [], columns };
      this.#channels.set(key, channel);
      this.#index.add(selection.anchor, channel);
    }
    this.#subscription ??= this.#view.watch(resourceOf(this.#kind), this.#view.revision, (change) => this.#apply(change));
    this.#afterBatch ??= this.#view.afterBatch(() => this.#batchEnded());
    return channel;
  }

  #leave(channel: Channel, watcher: Watcher): void {
    if (!channel.watchers.delete(watcher) || channel.watchers.size > 0) return;
    this.#channels.delete(channel.key);
    this.#index.remove(channel.selection.anchor, channel);
    this.#dirty.delete(channel);
    if (this.#channels.size > 0) return;
    this.#subscription?.cancel();
    this.#afterBatch?.cancel();
    this.#subscription = undefined;
    this.#afterBatch = undefined;
  }

  #apply(change: Change): void {
    const { now, before } = change;
    if (now !== undefined) this.#index.find(this.#decoded, now, this.#concerned);
    if (before !== undefined) this.#index.find(this.#decoded, before, this.#concerned);
    if (this.#concerned.size === 0) return;
    const printed = new Map<string, string>();
    const framed = new Map<string, Buffer>();
    for (const channel of this.#concerned) {
      const event = eventFor(change, channel.selection, this.#decoded);
      if (event === undefined) continue;
      const line = this.#line(channel, event, printed);
      if (channel.protobuf) channel.frames.push(frameOf(line, framed));
      else channel.lines += line;
      if (!this.#dirty.has(channel)) this.#dirty.set(channel, this.#clock.monotonic_ms());
    }
    this.#concerned.clear();
  }

  /** The line of an event; channels that differ only in what they select share it. */
  #line(channel: Channel, event: WatchEvent, printed: Map<string, string>): string {
    const { rendering } = channel;
    if (rendering.as === "table") {
      const line = eventLine(rendering, this.#view, event, this.#clock.now_ms(), channel.columns);
      channel.columns = false;
      return line;
    }
    const key = `${rendering.as}${rendering.viewVersion}${event.type}`;
    let line = printed.get(key);
    if (line === undefined) {
      line = eventLine(rendering, this.#view, event, 0, false);
      printed.set(key, line);
    }
    return line;
  }

  #batchEnded(): void {
    if (this.#dirty.size === 0 || this.#timer !== undefined || this.#settling !== undefined) return;
    const wait_ms = this.#next_ms - this.#clock.monotonic_ms();
    if (wait_ms <= 0) this.#send(SENDS_PER_TURN);
    else this.#timer = this.#clock.after(wait_ms, () => this.#send(SENDS_PER_TURN));
  }
}

function frameOf(line: string, framed: Map<string, Buffer>): Buffer {
  let frame = framed.get(line);
  if (frame === undefined) {
    frame = protobufFrames(line);
    framed.set(line, frame);
  }
  return frame;
}

/** Decodes the two states of a change once, whoever asks; the view itself remembers only what is asked for again and again. */
class DecodedOnce implements Pick<View, "decode"> {
  readonly #view: View;
  #last: readonly [Entry, KubeObject] | undefined;
  #older: readonly [Entry, KubeObject] | undefined;

  constructor(view: View) {
    this.#view = view;
  }

  decode<T extends KubeObject>(entry: Entry): T {
    if (this.#last?.[0] === entry) return this.#last[1] as T;
    if (this.#older?.[0] !== entry) this.#older = [entry, this.#view.decode(entry)];
    [this.#last, this.#older] = [this.#older, this.#last];
    return this.#last[1] as T;
  }
}
