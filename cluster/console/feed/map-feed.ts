import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { constants, createGzip } from "node:zlib";
import type { Node, Pod } from "../../../actors/kinds/generated/types.ts";
import { decodeObject } from "../../../actors/kinds/text.ts";
import type { Key } from "../../../actors/store/transaction.ts";
import type { Entry, Subscription, View } from "../../../actors/store/view.ts";
import type { Clock, Logger, Timer } from "../../../runtime/mod.ts";
import type { FeedLine } from "../web/map/feed-lines.ts";
import { ClusterPicture } from "./cluster-picture.ts";

/** How often a map hears what has changed. */
const TELL_MS = 250;
/** How often it hears the totals, changed or not. */
const BEAT_MS = 1_000;
/** The host's other work waits no longer than this for the map's; then it has its turn, */
const SLICE_MS = 4;
/** and where that takes long, the map takes this share of it, so that it comes to an end on a busy host too, */
const SHARE_OF_BUSY = 0.1;
/** but never more than this. */
const SLICE_MS_MAX = 20;
/** Objects read between two looks at the clock. */
const OBJECTS_A_LOOK = 32;
/** The picture outlives its last viewer by this, for whoever reloads the page. */
const LINGER_MS = 5_000;
/** A viewer asks again after so long, and may not be let in again. */
const VIEW_MS_MAX = 30 * 60_000;
/** Viewers at once. */
export const VIEWERS_MAX = 100;
/** A viewer with more than this unread hears nothing more until it has caught up, and then all at once. */
const UNREAD_BYTES_MAX = 1024 * 1024;

const HEAD = [
  "Content-Type",
  "application/x-ndjson",
  "Cache-Control",
  "no-store",
  "Vary",
  "Accept-Encoding",
  "X-Content-Type-Options",
  "nosniff",
];
/** Each line goes out when it is told. Rows of numbers become a quarter at the lowest level. */
const GZIP = { level: constants.Z_BEST_SPEED, flush: constants.Z_SYNC_FLUSH };

/** Before the names of nodes in keys. */
const NODES = "nodes/";

export interface MapFeedOptions {
  readonly view: View;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Viewer {
  readonly response: ServerResponse;
  /** Where lines go: the response, or what compresses them for it. */
  readonly lines: Writable;
  /** It has missed something, and is to be told everything. */
  isBehind: boolean;
}

/**
 * The live map for browsers, which cannot watch 150,000 pods as Kubernetes tells them. While somebody looks, it follows the replica, sums up nodes and pods
 * (ClusterPicture), and tells all viewers a few times a second what has changed. It works in slices, so that the gateway's other clients do not notice, and
 * when nobody looks it does nothing and holds nothing.
 */
export class MapFeed {
  readonly #options: MapFeedOptions;
  readonly #viewers = new Set<Viewer>();
  #following: Following | undefined;
  #linger: Timer | undefined;

  constructor(options: MapFeedOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#viewers.size >= VIEWERS_MAX;
  }

  /** Answers with the map, for as long as the client looks; compressed for who takes that. */
  join(response: ServerResponse, isGzip: boolean): void {
    response.writeHead(200, [...HEAD, ...(isGzip ? ["Content-Encoding", "gzip"] : [])]);
    response.flushHeaders();
    const lines = isGzip ? createGzip(GZIP) : response;
    if (lines !== response) lines.pipe(response);
    const viewer: Viewer = { response, lines, isBehind: true };
    this.#viewers.add(viewer);
    this.#linger?.cancel();
    const end = this.#options.clock.after(VIEW_MS_MAX, () => lines.end());
    response.once("close", () => {
      end.cancel();
      lines.destroy();
      this.#leave(viewer);
    });
    this.#following ??= new Following(this.#options, this.#viewers);
  }

  /** Ends all of them, in good order. */
  close(): void {
    this.#linger?.cancel();
    this.#following?.stop();
    this.#following = undefined;
    for (const { lines } of this.#viewers) lines.end();
  }

  #leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0 || this.#following === undefined) return;
    this.#linger = this.#options.clock.after(LINGER_MS, () => {
      if (this.#viewers.size > 0) return;
      this.#following?.stop();
      this.#following = undefined;
    });
  }
}

/** The picture, from when the first looks until nobody does. */
class Following {
  readonly #options: MapFeedOptions;
  readonly #viewers: ReadonlySet<Viewer>;
  readonly #picture = new ClusterPicture();
  readonly #subscriptions: readonly Subscription[];
  /** What was there at first, and is still to be looked at: the nodes, and then their pods. */
  #first: readonly (readonly Entry[])[];
  /** Objects that have changed since. Pods in a storm of changes are read once a tick. */
  readonly #nodes = new Set<Key>();
  readonly #pods = new Set<Key>();
  #isWhole = false;
  #isStopped = false;
  #beat_ms = 0;
  #timer: Timer | undefined;

  constructor(options: MapFeedOptions, viewers: ReadonlySet<Viewer>) {
    this.#options = options;
    this.#viewers = viewers;
    const { view } = options;
    this.#first = [view.list("nodes"), view.list("pods")];
    const note = (resource: string, changed: Set<Key>): Subscription =>
      view.watch(resource, view.revision, ({ now, before }) => {
        const key = (now ?? before)?.key;
        if (key !== undefined) changed.add(key);
      });
    this.#subscriptions = [note("nodes", this.#nodes), note("pods", this.#pods)];
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    for (const subscription of this.#subscriptions) subscription.cancel();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopped) {
        await this.#read();
        await this.#pause(TELL_MS);
      }
    } catch (error) {
      this.#options.log.error({ error }, "the map has failed");
      for (const { response } of this.#viewers) response.destroy();
    }
  }

  /** Looks at what has changed, a slice at a time, and tells of each slice while the whole is still to come. */
  async #read(): Promise<void> {
    const { view, clock } = this.#options;
    let slice_ms = clock.monotonic_ms();
    let told_ms = slice_ms;
    let slice = SLICE_MS;
    let looked = 0;
    const rest = async (): Promise<void> => {
      if (++looked % OBJECTS_A_LOOK !== 0) return;
      const stopped_ms = clock.monotonic_ms();
      if (stopped_ms - slice_ms < slice) return;
      await this.#pause(0);
      slice_ms = clock.monotonic_ms();
      slice = Math.min(SLICE_MS_MAX, Math.max(SLICE_MS, (slice_ms - stopped_ms) * SHARE_OF_BUSY));
      // At first every row changes with every slice.
      if (slice_ms - told_ms < (this.#isWhole ? TELL_MS : BEAT_MS)) return;
      this.#tell();
      told_ms = slice_ms;
    };
    const first = this.#first;
    this.#first = [];
    for (const entries of first) {
      for (const { key } of entries) {
        this.#take(key, view.entry(key));
        await rest();
        if (this.#isStopped) return;
      }
      // The nodes are what somebody waits for: they are drawn while their pods are counted.
      this.#tell();
      told_ms = clock.monotonic_ms();
    }
    this.#isWhole = true;
    // What changes meanwhile is for the next time: in a storm this would have no end.
    for (const changed of [this.#nodes, this.#pods]) {
      const keys = [...changed];
      changed.clear();
      for (const key of keys) {
        this.#take(key, view.entry(key));
        await rest();
        if (this.#isStopped) return;
      }
    }
    this.#tell();
  }

  #take(key: Key, entry: Entry | undefined): void {
    if (key.startsWith(NODES)) this.#picture.takeNode(key.slice(NODES.length), entry && decodeObject<Node>(entry.text, entry.revision));
    else this.#picture.takePod(key, entry && decodeObject<Pod>(entry.text, entry.revision));
  }

  #tell(): void {
    const now_ms = this.#options.clock.monotonic_ms();
    const changes = this.#picture.changes();
    const isDue = now_ms - this.#beat_ms >= BEAT_MS;
    if (isDue) this.#beat_ms = now_ms;
    const text = changes.length > 0 || isDue ? textOf([...changes, this.#totals()]) : "";
    for (const viewer of this.#viewers) {
      if (viewer.isBehind) void this.#catchUp(viewer);
      else if (text !== "" && !this.#send(viewer, text)) viewer.isBehind = true;
    }
  }

  /** Tells everything, in pieces; what changes meanwhile is told in between. */
  async #catchUp(viewer: Viewer): Promise<void> {
    if (unreadBy(viewer) > UNREAD_BYTES_MAX) return;
    viewer.isBehind = false;
    for (const line of this.#picture.whole()) {
      if (viewer.response.destroyed || this.#isStopped) return;
      if (!this.#send(viewer, textOf([line]))) {
        viewer.isBehind = true;
        return;
      }
      await this.#pause(0);
    }
    this.#send(viewer, textOf([this.#totals()]));
  }

  /** False: there was no room. */
  #send(viewer: Viewer, text: string): boolean {
    const { lines } = viewer;
    if (lines.destroyed || lines.writableEnded) return true;
    if (unreadBy(viewer) > UNREAD_BYTES_MAX) return false;
    lines.write(text);
    return true;
  }

  #totals(): FeedLine {
    return { totals: this.#picture.totals, whole: this.#isWhole };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, resolve);
      if (ms > 0) this.#timer = timer;
    });
  }
}

function textOf(lines: readonly FeedLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function unreadBy({ response, lines }: Viewer): number {
  return response.writableLength + (lines === response ? 0 : lines.writableLength);
}
