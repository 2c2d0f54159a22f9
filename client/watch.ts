import type { NatsConnection } from "nats";
import type { KubeObject } from "../actors/kinds/object.ts";
import { TroupeError } from "./error.ts";
import { watchSubject } from "./subjects.ts";

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: T;
  /** Of the event: a watch that begins `since` then goes on behind it. */
  readonly resourceVersion: string;
}

/** What is watched; without a namespace all of them, without a name all objects. */
export interface Scope {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface WatchOptions {
  /** The events after that revision alone, without what there is. */
  readonly since?: string;
  /** Ends it, also while it waits for an event. */
  readonly signal?: AbortSignal;
}

/** How a watch asks for what it did not hear. */
export interface Source<T> {
  readonly connection: NatsConnection;
  list(): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }>;
  replay(since: number): Promise<Replayed<T>>;
  /** Calls `run` whenever the connection is there again, until what is returned is called. */
  onReconnect(run: () => void): () => void;
}

interface Replayed<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly complete: boolean;
  readonly events: readonly { readonly type: WatchEvent<T>["type"]; readonly object: T }[];
}

interface Heard<T> extends WatchEvent<T> {
  readonly revision: number;
  /** Nothing happened between that revision and this event, in what is watched. */
  readonly previous: number;
}

/** Even where everything seems to be heard it is asked, this often, whether something was not: a link between servers may have been down. */
const ASK_AGAIN_MS = 30_000;
/** Events that wait for whoever reads them; beyond that they are asked for again when they are wanted. */
const WAITING_MAX = 10_000;
const GONE = 410;

/**
 * Follows what becomes of objects, each change once and in order, over restarts of Troupe and NATS. Without `since` it begins with what there is, as ADDED events.
 * Each event says after which revision it is the next one; where that is not the last one heard, what lies between is asked for. Where the past is forgotten (410) the
 * objects are listed again, and what differs from what was told is told: then changes that followed one another may be told as one.
 */
export async function* watch<T extends KubeObject>(
  scope: Scope,
  source: Source<T>,
  { since, signal }: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void> {
  const heard: Heard<T>[] = [];
  let wake = (): void => {};
  let refused: Error | undefined;
  /** Whether something may have happened that was not heard. */
  let uncertain = true;
  const again = (): void => {
    uncertain = true;
    wake();
  };
  const subscription = source.connection.subscribe(watchSubject(scope.resource, scope.namespace, scope.name), {
    callback: (error, message) => {
      if (error !== null) refused = error;
      else if (heard.length >= WAITING_MAX) uncertain = heard.splice(0).length > 0;
      else heard.push(readEvent(scope, (header) => message.headers?.get(header) ?? "", message.json<T>()));
      wake();
    },
  });
  const stopHearing = source.onReconnect(again);
  const timer = setInterval(again, ASK_AGAIN_MS);
  timer.unref();
  const end = (): void => wake();
  signal?.addEventListener("abort", end);
  /** What was told, for when it has to be compared. */
  const told = new Map<string, T>();
  const tell = (type: WatchEvent<T>["type"], object: T, revision: string | undefined): WatchEvent<T> => {
    if (type === "DELETED") told.delete(keyOf(object));
    else told.set(keyOf(object), object);
    return { type, object, resourceVersion: revision ?? object.metadata.resourceVersion ?? "" };
  };
  let position = Number(since ?? Number.NaN);
  try {
    while (signal?.aborted !== true) {
      if (Number.isNaN(position)) {
        const { items, resourceVersion } = await source.list();
        const there = new Map(items.map((item) => [keyOf(item), item]));
        for (const [key, object] of told) if (!there.has(key)) yield tell("DELETED", object, resourceVersion);
        for (const [key, object] of there) {
          const before = told.get(key);
          if (before?.metadata.resourceVersion === object.metadata.resourceVersion && before?.metadata.uid === object.metadata.uid)
            continue;
          yield tell(before === undefined ? "ADDED" : "MODIFIED", object, undefined);
        }
        position = Number(resourceVersion);
        uncertain = true;
      }
      while (uncertain) {
        uncertain = false;
        const past = await source.replay(position).catch((error: unknown) => {
          if (error instanceof TroupeError && isLost(error)) return undefined;
          throw error;
        });
        if (past === undefined) {
          position = Number.NaN;
          break;
        }
        for (const { type, object } of past.events) yield tell(type, object, undefined);
        position = Number(past.metadata.resourceVersion);
        uncertain ||= !past.complete;
      }
      for (let next = heard.shift(); next !== undefined && !uncertain; next = heard.shift()) {
        if (next.revision <= position) continue;
        if (next.previous > position) {
          uncertain = true;
          break;
        }
        position = next.revision;
        yield tell(next.type, next.object, next.resourceVersion);
      }
      if (refused !== undefined) throw refusal(refused);
      if (uncertain || Number.isNaN(position) || heard.length > 0) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    clearInterval(timer);
    signal?.removeEventListener("abort", end);
    stopHearing();
    subscription.unsubscribe();
  }
}

/** The past is forgotten; or it is that of a store into which an older backup was restored since. */
function isLost({ code, status }: TroupeError): boolean {
  return code === GONE || status.details?.causes?.some(({ reason }) => reason === "ResourceVersionTooLarge") === true;
}

function keyOf({ metadata: { namespace = "", name } }: KubeObject): string {
  return `${namespace}/${name}`;
}

function readEvent<T>({ namespace, name }: Scope, header: (name: string) => string, object: T): Heard<T> {
  const scope = name !== "" ? "Of-Object" : namespace !== "" ? "In-Namespace" : "In-Resource";
  const resourceVersion = header("Resource-Version");
  return {
    type: header("Type") as WatchEvent<T>["type"],
    object,
    resourceVersion,
    revision: Number(resourceVersion),
    previous: Number(header(`Previous-${scope}`)),
  };
}

function refusal(error: Error): Error {
  if (!/permissions violation/i.test(error.message)) return error;
  return new TroupeError({ kind: "Status", reason: "Forbidden", message: error.message, code: 403 });
}
