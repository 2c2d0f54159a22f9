import type { ServerResponse } from "node:http";
import type { Kind } from "../../actors/kinds/kind.ts";
import { apiVersionOf, resourceOf } from "../../actors/kinds/kind.ts";
import { StatusError } from "../../actors/kinds/status.ts";
import { RevisionExpired } from "../../actors/store/view.ts";
import type { Timer } from "../../runtime/mod.ts";
import { PROTOBUF_TYPE } from "./accept.ts";
import type { GatewayContext } from "./context.ts";
import { followConverted } from "./converted-watch.ts";
import { checkedOptions, pageOf, reach, tooOld } from "./list.ts";
import type { ListOptions } from "./list-options.ts";
import { badRevisionMessage, watchStart } from "./list-options.ts";
import type { Rendering } from "./object-text.ts";
import type { ResourceRequest } from "./route.ts";
import type { Selection } from "./selection.ts";
import { ofOne, selectionOf } from "./selection.ts";
import { bookmarkLine, errorLine, eventLine } from "./watch-event.ts";
import { WatchFeed } from "./watch-feed.ts";
import { Unsent, Watcher } from "./watcher.ts";

/** About how often a watcher that asked for bookmarks gets one. Source: apiserver's bookmarkFrequency. */
export const BOOKMARK_EVERY_MS = 60_000;
/** How often the gateway looks who is due for a bookmark. */
const BOOKMARK_TICK_MS = 5_000;
/** A watch without `timeoutSeconds` lasts between this and twice this. Source: apiserver's --min-request-timeout. */
export const WATCH_TIMEOUT_MIN_S = 1_800;
/** Longer than any client means; longer timers would overflow. */
const WATCH_TIMEOUT_MAX_S = 86_400;
/** Initial events are sent in pieces of about this size, each when the client has taken the one before. */
const INITIAL_CHUNK_CHARS = 256 * 1024;

const MS_PER_S = 1_000;
const CACHE_HEADERS = ["Cache-Control", "no-cache, private"];
const STREAM_HEADERS = ["Content-Type", "application/json", ...CACHE_HEADERS];
const PROTOBUF_STREAM_HEADERS = ["Content-Type", `${PROTOBUF_TYPE};stream=watch`, ...CACHE_HEADERS];

/** All open watches of this gateway. */
export class Watches {
  readonly #context: GatewayContext;
  readonly #feeds = new Map<string, WatchFeed>();
  readonly #open = new Set<Watcher>();
  readonly #unsent = new Unsent();
  #tick: Timer | undefined;

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  get count(): number {
    return this.#open.size;
  }

  /**
   * Answers `GET` of a collection with `watch=1`. What is wrong with the request is refused before the answer begins; what goes
   * wrong later is an ERROR event. Returns once the watch runs; it ends with the client, its timeout or `endAll`.
   */
  async serve(info: ResourceRequest, rendering: Rendering, response: ServerResponse, protobuf = false): Promise<void> {
    const options = checkedOptions(info.query, true);
    const { kind } = rendering;
    const selection = selectionOf(kind, info.namespace, info.named ? ofOne(info.name, options) : options);
    const start = watchStart(options);
    if (start === undefined) throw unreadableRevision(options.resourceVersion);
    if (start.from === "state") await reach(this.#context, start.state);
    if (response.destroyed) return;

    response.writeHead(200, protobuf ? PROTOBUF_STREAM_HEADERS : STREAM_HEADERS);
    response.flushHeaders();
    const now_ms = this.#context.clock.monotonic_ms();
    const watcher = new Watcher(response, this.#unsent, { bookmarks: options.allowWatchBookmarks, now_ms, protobuf });
    const timeout = this.#context.clock.after(this.#timeout_ms(options), () => this.#end(watcher));
    let leave: (() => void) | undefined;
    this.#open.add(watcher);
    response.once("close", () => {
      watcher.end();
      timeout.cancel();
      leave?.();
      this.#open.delete(watcher);
    });
    this.#startTicking();

    try {
      let since = start.from === "revision" ? start.revision : this.#context.view.revision;
      let told = false;
      if (start.from === "state") {
        ({ since, told } = await this.#sendState(watcher, rendering, selection, info.namespace));
        if (start.bookmarkAfter) watcher.send(bookmarkLine(rendering, since, true));
      } else if (since > this.#context.view.revision) {
        await this.#context.view.until(since, this.#timeout_ms(options));
      }
      if (kind.custom?.conversion !== undefined) {
        await followConverted(this.#context, watcher, rendering, selection, since, told);
        return;
      }
      if (watcher.open) leave = await this.#feed(kind).join(watcher, rendering, selection, since, told);
      // It may have gone between joining and now.
      if (response.destroyed) leave?.();
    } catch (error) {
      if (error instanceof RevisionExpired) {
        watcher.send(errorLine(tooOld(start.from === "revision" ? start.revision : 0, error.oldest).status));
      } else if (error instanceof StatusError) {
        watcher.send(errorLine(error.status));
      } else if (!(error instanceof Error && error.name === "StoreUnavailable")) {
        this.#context.log.error({ error, path: info.path }, "a watch failed");
      }
      watcher.end();
    }
  }

  /** Ends every watch in good order, so that clients reconnect elsewhere. */
  endAll(): void {
    this.#tick?.cancel();
    this.#tick = undefined;
    for (const feed of this.#feeds.values()) feed.flush();
    for (const watcher of this.#open) watcher.end();
  }

  #end(watcher: Watcher): void {
    for (const feed of this.#feeds.values()) feed.flush();
    watcher.end();
  }

  #timeout_ms(options: ListOptions): number {
    const asked_s = options.timeout_s ?? 0;
    const timeout_s = asked_s > 0 ? Math.min(asked_s, WATCH_TIMEOUT_MAX_S) : WATCH_TIMEOUT_MIN_S * (1 + this.#context.random.next());
    return timeout_s * MS_PER_S;
  }

  #feed(kind: Kind): WatchFeed {
    // Two versions of one resource are told in their own words.
    const served = `${apiVersionOf(kind)}/${kind.plural}`;
    let feed = this.#feeds.get(served);
    if (feed === undefined) {
      feed = new WatchFeed(this.#context.view, this.#context.clock, kind);
      this.#feeds.set(served, feed);
    }
    return feed;
  }

  /** Sends all that exists as ADDED events; `since` is the revision that it is of. */
  async #sendState(
    watcher: Watcher,
    rendering: Rendering,
    selection: Selection,
    namespace: string,
  ): Promise<{ readonly since: number; readonly told: boolean }> {
    const { view, clock } = this.#context;
    const since = view.revision;
    const all = view.list(resourceOf(rendering.kind), namespace === "" ? undefined : namespace);
    const { entries } = await pageOf(view, all, selection, 0, 0);
    const served = rendering.kind.custom?.conversion === undefined ? entries : await this.#context.registry.served(rendering.kind, entries);
    let lines = "";
    let columns = true;
    for (const entry of served) {
      lines += eventLine(rendering, view, { type: "ADDED", entry, revision: entry.revision }, clock.now_ms(), columns);
      columns = false;
      if (lines.length < INITIAL_CHUNK_CHARS) continue;
      watcher.send(lines);
      lines = "";
      await watcher.room(clock);
      if (!watcher.open) break;
    }
    if (lines !== "") watcher.send(lines);
    return { since, told: !columns };
  }

  #startTicking(): void {
    this.#tick ??= this.#context.clock.after(BOOKMARK_TICK_MS, () => {
      this.#tick = undefined;
      for (const [resource, feed] of this.#feeds) {
        if (feed.empty) this.#feeds.delete(resource);
        else feed.bookmark(BOOKMARK_EVERY_MS);
      }
      if (this.#open.size > 0) this.#startTicking();
    });
  }
}

/** Kubernetes answers an unreadable version of a watch as an unnamed error of its own (500). */
function unreadableRevision(resourceVersion: string): StatusError {
  const message = badRevisionMessage(resourceVersion);
  return new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 });
}
