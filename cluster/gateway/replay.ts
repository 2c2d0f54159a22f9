import { badRequest } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import { resourceOf } from "../../actors/kinds/kind.ts";
import { charactersOf } from "../../actors/kinds/text.ts";
import { type Change, RevisionExpired } from "../../actors/store/view.ts";
import { PLAIN_JSON } from "./accept.ts";
import type { Answer } from "./answer.ts";
import type { GatewayContext } from "./context.ts";
import { untilNewest } from "./context.ts";
import { checkedOptions, reach, tooOld } from "./list.ts";
import { badRevisionMessage, revisionOf } from "./list-options.ts";
import type { Rendering } from "./object-text.ts";
import type { ResourceRequest } from "./route.ts";
import { ofOne, selectionOf } from "./selection.ts";
import { eventFor, eventLine, type WatchEvent } from "./watch-event.ts";

/** About how much text one answer has. */
const REPLAY_CHARS = 512 * 1024;
/** Changes that are looked through for one answer, so that what nobody wants holds nobody up. */
const REPLAY_CHANGES = 2_000;

/**
 * Answers a watch where only messages are exchanged: what has happened after `resourceVersion`, up to the revision that the answer names. `complete` is false where
 * there was more than an answer holds: it is asked for from that revision on. Without `resourceVersion` it says where a watch that begins now begins.
 */
export async function replay(context: GatewayContext, info: ResourceRequest, kind: Kind): Promise<Answer> {
  const { view, registry, clock } = context;
  const options = checkedOptions(info.query, true);
  const selection = selectionOf(kind, info.namespace, info.named ? ofOne(info.name, options) : options);
  if (options.resourceVersion === "" || options.resourceVersion === "0") {
    await untilNewest(context);
    return answerOf([], view.revision, true);
  }
  const since = revisionOf(options.resourceVersion);
  if (since === undefined) throw badRequest(`invalid resource version: ${badRevisionMessage(options.resourceVersion)}`);
  await reach(context, { state: "at-least", revision: since });
  await untilNewest(context);
  const newest = view.revision;
  const changes = changesAfter(context, kind, since);
  const rendering: Rendering = { kind, as: PLAIN_JSON.as, viewVersion: PLAIN_JSON.viewVersion, includeObject: "Object" };
  const events: WatchEvent[] = [];
  let chars = 0;
  let looked = 0;
  while (looked < changes.length && chars < REPLAY_CHARS) {
    const event = eventFor(changes[looked++] as Change, selection, view);
    if (event === undefined) continue;
    events.push(event);
    chars += charactersOf(event.entry);
  }
  const complete = looked === changes.length && changes.length < REPLAY_CHANGES;
  const until = complete ? newest : (changes[looked - 1] as Change).revision;
  const entries =
    kind.custom?.conversion === undefined
      ? undefined
      : await registry.served(
          kind,
          events.map(({ entry }) => entry),
        );
  const lines = events.map((event, at) =>
    eventLine(rendering, view, { ...event, entry: entries?.[at] ?? event.entry }, clock.now_ms(), false),
  );
  return answerOf(lines, until, complete);
}

function changesAfter({ view }: GatewayContext, kind: Kind, since: number): readonly Change[] {
  try {
    return view.changesAfter(resourceOf(kind), since, REPLAY_CHANGES);
  } catch (error) {
    throw error instanceof RevisionExpired ? tooOld(since, error.oldest) : error;
  }
}

function answerOf(lines: readonly string[], revision: number, complete: boolean): Answer {
  const head = `"kind":"WatchEvents","apiVersion":"troupe.dev/v1","metadata":{"resourceVersion":"${revision}"},"complete":${complete}`;
  return { type: "json", code: 200, json: `{${head},"events":[${lines.map((line) => line.trimEnd()).join(",")}]}` };
}
