import { TokenBucket } from "../../runtime/mod.ts";
import { Recent } from "../store/recent.ts";
import type { Regarding } from "./event-recorder.ts";

/** Different messages with one reason about one object that get Events of their own; all further ones share one. */
const MESSAGES_APART_MAX = 9;
/** After so long without any of them, similar messages are told apart again. */
const SIMILAR_FOR_MS = 600_000;
/** Events about one object that may be written in a burst, and how fast more are allowed. */
const BURST_EVENTS = 25;
const REFILLED_PER_S = 1 / 300;
/** Objects whose Events are remembered. */
const OBJECTS_MAX = 4_096;

const COMBINED = "(combined from similar events): ";

/** An Event as it is to be recorded. */
export interface Correlated {
  /** The same for Events that are one and raise its count. */
  readonly identity: string;
  readonly message: string;
  /** False: it counts, but is not worth a write any more. */
  readonly written: boolean;
}

/** Messages with one type and reason. */
interface Similar {
  readonly type: string;
  readonly reason: string;
  readonly messages: string[];
  last_ms: number;
}

interface ObjectHistory {
  readonly similar: Similar[];
  readonly allowance: TokenBucket;
}

/**
 * Keeps one object from filling the store with its Events: a ReplicaSet that makes 500 pods says so ten times, and the tenth Event counts
 * on. Source: EventCorrelator of client-go's tools/record, with its defaults.
 */
export class EventCorrelator {
  readonly #objects = new Recent<ObjectHistory>(OBJECTS_MAX);

  correlate(about: Regarding, type: "Normal" | "Warning", reason: string, message: string, now_ms: number): Correlated {
    const object = identityOf(about);
    let history = this.#objects.find(object);
    if (history === undefined) {
      history = { similar: [], allowance: new TokenBucket(BURST_EVENTS, REFILLED_PER_S, now_ms) };
      this.#objects.remember(object, history);
    }
    const combined = isOneOfMany(history, type, reason, message, now_ms);
    return {
      identity: combined ? `${object} ${type} ${reason}` : identityOfEvent(about, type, reason, message),
      message: combined ? `${COMBINED}${message}` : message,
      written: history.allowance.take(now_ms),
    };
  }
}

/** The same for two Events that say the same of the same object. */
export function identityOfEvent(about: Regarding, type: "Normal" | "Warning", reason: string, message: string): string {
  return `${identityOf(about)} ${type} ${reason} ${about.fieldPath ?? ""} ${message}`;
}

function identityOf({ kind, metadata }: Regarding): string {
  return `${metadata.uid} ${kind} ${metadata.name}`;
}

/** Remembers the message, and tells whether it is one too many to be told apart. */
function isOneOfMany(history: ObjectHistory, type: string, reason: string, message: string, now_ms: number): boolean {
  let similar = history.similar.find((one) => one.reason === reason && one.type === type);
  if (similar === undefined) {
    similar = { type, reason, messages: [], last_ms: now_ms };
    history.similar.push(similar);
  }
  if (now_ms - similar.last_ms > SIMILAR_FOR_MS) similar.messages.length = 0;
  similar.last_ms = now_ms;
  if (similar.messages.includes(message)) return false;
  if (similar.messages.length >= MESSAGES_APART_MAX) return true;
  similar.messages.push(message);
  return false;
}
