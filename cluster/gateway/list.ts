import { setImmediate as nextTurn } from "node:timers/promises";
import { badRequest, expired, invalid, resourceVersionTooLarge } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import { resourceOf } from "../../actors/kinds/kind.ts";
import { StatusError } from "../../actors/kinds/status.ts";
import type { Entry, View } from "../../actors/store/view.ts";
import { RevisionExpired } from "../../actors/store/view.ts";
import type { ListAnswer } from "./answer.ts";
import type { GatewayContext } from "./context.ts";
import { untilNewest } from "./context.ts";
import { CONTINUE_AT_NEWEST, decodeContinue, encodeContinue } from "./continue-token.ts";
import type { ListOptions, ListState } from "./list-options.ts";
import { badRevisionMessage, listState, parseListOptions, validateListOptions } from "./list-options.ts";
import type { ResourceRequest } from "./route.ts";
import type { Selection } from "./selection.ts";
import { selectionOf } from "./selection.ts";

/** How long a list waits for a revision that the replica has not applied yet. Source: apiserver's blockTimeout of its watch cache. */
export const FRESHNESS_WAIT_MS = 3_000;

/** Objects that a selection is asked about in one turn of the event loop: 1 ms where their texts say enough, 10 ms where they are read. */
const ASKED_IN_A_TURN = 512;

const LIST_TOO_OLD = "The resourceVersion for the provided list is too old.";
const CONTINUE_TOO_OLD =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
  "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. " +
  "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or " +
  "deleted between the time the first chunk was returned and now may show up in the list.";

/** Answers `GET` of a collection. Refuses with 400 and 422 for bad options, 410 for lost revisions, 504 for revisions to come. */
export async function list(context: GatewayContext, info: ResourceRequest, kind: Kind): Promise<ListAnswer> {
  const options = checkedOptions(info.query, false);
  const selection = selectionOf(kind, info.namespace, options);
  if (options.continue !== "") return continued(context, kind, info.namespace, options, selection);
  const state = listState(options);
  if (state === undefined) throw badRequest(`invalid resource version: ${badRevisionMessage(options.resourceVersion)}`);
  await reach(context, state);
  const { view } = context;
  const resource = resourceOf(kind);
  const namespace = info.namespace === "" ? undefined : info.namespace;
  if (state.state !== "exactly") {
    const sole = selection.soleKey === undefined ? undefined : view.entry(selection.soleKey);
    const entries = selection.soleKey === undefined ? view.list(resource, namespace) : sole === undefined ? [] : [sole];
    return pageAnswer(kind, view, entries, view.revision, selection, options.limit, 0);
  }
  const entries = unlessExpired(() => view.listAt(state.revision, resource, namespace), LIST_TOO_OLD);
  return pageAnswer(kind, view, entries, state.revision, selection, options.limit, 0);
}

/** The options of a list or watch, or the refusal that they deserve. */
export function checkedOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const options = parseListOptions(query);
  if ("message" in options) throw badRequest(options.message);
  const errors = validateListOptions(options, watch);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
  return options;
}

/** Waits until the view can show the state. */
export async function reach(context: GatewayContext, state: ListState): Promise<void> {
  if (state.state === "any") return;
  if (state.state === "newest") return untilNewest(context);
  if (context.view.revision >= state.revision) return;
  try {
    await context.view.until(state.revision, FRESHNESS_WAIT_MS);
  } catch {
    throw resourceVersionTooLarge(state.revision, context.view.revision);
  }
}

async function continued(
  context: GatewayContext,
  kind: Kind,
  namespace: string,
  options: ListOptions,
  selection: Selection,
): Promise<ListAnswer> {
  const token = decodeContinue(options.continue);
  if (typeof token === "string") throw badRequest(`invalid continue token: ${token}`);
  if (options.resourceVersion !== "" && options.resourceVersion !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  const { view } = context;
  const resource = resourceOf(kind);
  const inside = namespace === "" ? undefined : namespace;
  if (token.revision === CONTINUE_AT_NEWEST) {
    await untilNewest(context);
    const entries = view.list(resource, inside);
    return pageAnswer(kind, view, entries, view.revision, selection, options.limit, indexFrom(entries, `${resource}/${token.start}`));
  }
  await reach(context, { state: "at-least", revision: token.revision });
  const restart = encodeContinue({ revision: CONTINUE_AT_NEWEST, start: token.start });
  const entries = unlessExpired(() => view.listAt(token.revision, resource, inside), CONTINUE_TOO_OLD, restart);
  return pageAnswer(kind, view, entries, token.revision, selection, options.limit, indexFrom(entries, `${resource}/${token.start}`));
}

function unlessExpired<T>(read: () => T, message: string, restart?: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RevisionExpired)) throw error;
    const { status } = expired(message);
    // A client that can live with an inconsistent rest of the list goes on with this token.
    throw new StatusError(restart === undefined ? status : { ...status, metadata: { continue: restart } });
  }
}

/** A watch cannot begin so long ago. */
export function tooOld(asked: number, oldest: number): StatusError {
  return expired(`too old resource version: ${asked} (${oldest})`);
}

/** Where the first key not below `key` stands; entries are in key order. */
export function indexFrom(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && entry.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** Index of the first entry that was not looked at; the length when all were. */
  readonly next: number;
}

/** Up to `limit` (0: all) entries from `from` on that the selection takes. Of many it is asked in several turns of the event loop. */
export async function pageOf(view: View, entries: readonly Entry[], selection: Selection, limit: number, from: number): Promise<Page> {
  if (selection.everything) {
    const to = limit === 0 ? entries.length : Math.min(entries.length, from + limit);
    return { entries: from === 0 && to === entries.length ? entries : entries.slice(from, to), next: to };
  }
  const taken: Entry[] = [];
  let at = from;
  for (; at < entries.length && (limit === 0 || taken.length < limit); at++) {
    if ((at - from) % ASKED_IN_A_TURN === ASKED_IN_A_TURN - 1) await nextTurn();
    const entry = entries[at];
    if (entry !== undefined && selection.takes(view, entry)) taken.push(entry);
  }
  return { entries: taken, next: at };
}

async function pageAnswer(
  kind: Kind,
  view: View,
  all: readonly Entry[],
  revision: number,
  selection: Selection,
  limit: number,
  from: number,
): Promise<ListAnswer> {
  const { entries, next } = await pageOf(view, all, selection, limit, from);
  const last = entries.at(-1);
  if (next >= all.length || last === undefined) return { type: "list", kind, entries, revision, continue: "", remaining: undefined };
  const remaining = selection.everything ? all.length - next : undefined;
  return { type: "list", kind, entries, revision, continue: continueAfter(kind, revision, last), remaining };
}

function continueAfter(kind: Kind, revision: number, last: Entry): string {
  // The key behind the resource, and the least text above it.
  return encodeContinue({ revision, start: `${last.key.slice(resourceOf(kind).length + 1)}\0` });
}

/** The beginning of a list, as if it had been asked for with a limit. `count` is less than it has, and not 0. */
export function beginningOf(answer: ListAnswer, count: number): ListAnswer {
  const { kind, entries, revision, remaining } = answer;
  const kept = entries.slice(0, count);
  const more = answer.continue === "" || remaining !== undefined ? { remaining: (remaining ?? 0) + entries.length - count } : {};
  return { ...answer, ...more, entries: kept, continue: continueAfter(kind, revision, kept.at(-1) as Entry) };
}
