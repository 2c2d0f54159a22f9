import { conflict } from "../kinds/errors.ts";
import { keyFor } from "../kinds/kind.ts";
import type { KubeObject } from "../kinds/object.ts";
import { StatusError } from "../kinds/status.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import type { Author, Registry, WriteOptions } from "../registry/registry.ts";
import type { WriteGate } from "../registry/write-gate.ts";
import { nameOfKey } from "../store/resource-table.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry, View } from "../store/view.ts";
import type { Action, Note, Notes, Refusal, Write } from "./controller.ts";

/** The field manager of what controllers write that name none, as in Kubernetes, where they are one process. */
const FIELD_MANAGER = "kube-controller-manager";

/** Writes of the first batch of a slowStart; each next has twice as many. Source: SlowStartInitialBatchSize. */
const SLOW_START_FIRST = 1;

/** When work that failed is tried again. */
const WORK_AGAIN_MS = 1_000;

/** What became of a round's actions. */
export interface Performed {
  /** Highest revision written; 0 when nothing was. */
  revision: number;
  /** Objects that were removed, with the last revision they had. */
  readonly removed: { readonly key: Key; readonly revision: number }[];
  readonly refusals: Refusal[];
  /** Milliseconds until the key wants to be looked at again; undefined: not. */
  requeue_ms: number | undefined;
  writes: number;
}

export interface Performer {
  readonly registry: Registry;
  /** Default FIELD_MANAGER. */
  readonly fieldManager?: string | undefined;
  readonly author: Author;
  /** Whether somebody else decides by now: what has not been sent is left to them. */
  readonly isOver: () => boolean;
  readonly recorder: Pick<EventRecorder, "event">;
  readonly gate: WriteGate;
}

export function nothingPerformed(): Performed {
  return { revision: 0, removed: [], refusals: [], requeue_ms: undefined, writes: 0 };
}

/** Performs the actions and collects in `result` what became of them. Never rejects. */
export async function perform(actions: readonly Action[], by: Performer, result: Performed): Promise<void> {
  const waiting: Promise<boolean>[] = [];
  for (const action of actions) {
    const running = performOne(action, by, result);
    if (running !== undefined) waiting.push(running);
  }
  if (waiting.length > 0) await Promise.all(waiting);
}

/** Undefined: done already, and well. Otherwise resolves to whether it went well. */
function performOne(action: Action, by: Performer, result: Performed): Promise<boolean> | undefined {
  switch (action.do) {
    case "event":
      record(action.note, by.recorder, "", "");
      return undefined;
    case "requeue":
      result.requeue_ms = Math.min(result.requeue_ms ?? Number.POSITIVE_INFINITY, Math.max(0, action.after_ms));
      return undefined;
    case "work":
      return performWork(action.work, by, result);
    case "inOrder":
      return performInOrder(action.steps, by, result);
    case "together":
      return performTogether(action.actions, by, result);
    case "slowStart":
      return performSlowly(action.writes, by, result);
    case "create":
    case "updateStatus":
    case "modify":
    case "scale":
    case "finalize":
    case "delete":
      return write(action, by, result);
  }
}

async function performWork(work: () => Promise<readonly Action[]>, by: Performer, result: Performed): Promise<boolean> {
  const before = result.refusals.length;
  const actions = await work().catch(() => [{ do: "requeue", after_ms: WORK_AGAIN_MS }] as const);
  if (by.isOver()) return false;
  await perform(actions, by, result);
  return result.refusals.length === before;
}

async function performInOrder(steps: readonly Action[], by: Performer, result: Performed): Promise<boolean> {
  for (const step of steps) {
    const running = performOne(step, by, result);
    if (running !== undefined && (!(await running) || by.isOver())) return false;
  }
  return true;
}

async function performTogether(actions: readonly Action[], by: Performer, result: Performed): Promise<boolean> {
  const outcomes = await Promise.all(actions.map((action) => performOne(action, by, result)));
  return !outcomes.includes(false);
}

async function performSlowly(writes: readonly Write[], by: Performer, result: Performed): Promise<boolean> {
  for (let from = 0, size = SLOW_START_FIRST; from < writes.length; from += size, size *= 2) {
    const batch = await Promise.all(writes.slice(from, from + size).map((one) => write(one, by, result)));
    if (batch.includes(false) || by.isOver()) return false;
  }
  return true;
}

async function write(action: Write, by: Performer, result: Performed): Promise<boolean> {
  result.writes++;
  const notes: Notes | undefined = action.do === "updateStatus" || action.do === "finalize" ? undefined : action.notes;
  try {
    const entry = await by.gate.through(() => send(action, by, result));
    if (notes?.done !== undefined && entry !== undefined) record(notes.done, by.recorder, nameOfKey(entry.key), "");
    return true;
  } catch (error) {
    if (isPointless(action, error)) return true;
    const reason = error instanceof Error ? error : new Error(String(error));
    result.refusals.push({ write: action, error: reason });
    if (notes?.refused !== undefined && !isConflict(error))
      record(notes.refused, by.recorder, action.do === "create" ? "" : action.of.metadata.name, reason.message);
    return false;
  }
}

/** What was written, where it is known. */
type Written = Pick<Entry, "key" | "revision">;

async function send(action: Write, by: Performer, result: Performed): Promise<Written | undefined> {
  const { registry, author, fieldManager = FIELD_MANAGER } = by;
  const own: WriteOptions = { fieldManager, author };
  // Of a create that had no answer the next round would know nothing, and make another one. All other writes are of an object as it was.
  if (action.do === "create")
    return seen(await registry.create(action.kind, action.object, { ...own, insists: () => !by.isOver() }), result);
  const { namespace, name, uid } = action.of.metadata;
  if (action.do === "delete") {
    const deleted = await registry.delete(action.kind, namespace, name, {
      ...own,
      ...action.options,
      preconditions: { uid, ...action.options?.preconditions },
    });
    if (deleted.removed) result.removed.push({ key: keyFor(action.kind, namespace, name), revision: deleted.entry.revision });
    else seen(deleted.entry, result);
    return deleted.entry;
  }
  if (action.do === "scale") {
    const { labels: _labels, annotations: _annotations, managedFields: _managers, ...metadata } = action.of.metadata;
    const written = await registry.updateScale(action.kind, { metadata, spec: { replicas: action.replicas } }, own);
    return seen({ key: keyFor(action.kind, namespace, name), revision: Number(written.metadata?.resourceVersion) }, result);
  }
  if (action.do === "finalize") {
    return seen(await registry.finalizeNamespace({ ...action.of, spec: { finalizers: [...action.finalizers] } }, own), result);
  }
  const update = action;
  let changed = false;
  function change(current: KubeObject): KubeObject | undefined {
    changed = false;
    if (current.metadata.uid !== uid) return undefined;
    // A status is worked out from one state of the object. On another it would undo what others wrote meanwhile, as an eviction does to its budget.
    if (update.do === "updateStatus" && current.metadata.resourceVersion !== update.of.metadata.resourceVersion)
      throw conflict(update.kind, current.metadata.name);
    const next = update.do === "modify" ? update.change(current) : ({ ...current, status: update.status } as KubeObject);
    changed = next !== undefined;
    return next;
  }
  const subresource = action.do === "updateStatus" ? "status" : action.subresource;
  const options = subresource === undefined ? own : { ...own, subresource };
  const entry = seen(await registry.modify(action.kind, namespace, name, change, options), result);
  return changed ? entry : undefined;
}

function seen<T extends Written>(entry: T, result: Performed): T {
  if (entry.revision > result.revision) result.revision = entry.revision;
  return entry;
}

/** Refusals that mean that there is nothing left to do: the object is gone or another one by now, or its namespace is going. */
function isPointless(action: Write, error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  const { reason, details } = error.status;
  if (action.do === "create") return details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") === true;
  if (reason === "NotFound") return true;
  return action.do === "delete" && reason === "Conflict" && action.options?.preconditions?.resourceVersion === undefined;
}

function isConflict(error: unknown): boolean {
  return error instanceof StatusError && error.status.reason === "Conflict";
}

function record(note: Note, recorder: Pick<EventRecorder, "event">, name: string, error: string): void {
  recorder.event(
    note.about,
    note.type,
    note.reason,
    note.message.replace("{name}", name).replace("{error}", () => error),
  );
}

/** Whether the view shows everything that the round wrote: before, the next round of the key would decide on what is past. */
export function isSeen(view: View, { revision, removed }: Performed): boolean {
  return revision <= view.revision && removed.every((gone) => view.entry(gone.key)?.revision !== gone.revision);
}
