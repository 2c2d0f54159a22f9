import { EventKind } from "../../kinds/core/event.ts";
import type { Event } from "../../kinds/generated/types.ts";
import { APISERVER } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { remove } from "../actions.ts";
import { type Action, type Controller, NOTHING } from "../controller.ts";

const EVENTS = "events";
/** How long an Event is kept after it was written last. Source: kube-apiserver's --event-ttl. */
const TTL_MS = 3_600_000;
const SWEEP_MS = 60_000;
const DELETIONS_PER_ROUND = 500;

/** The newest revision there was at some time. */
interface Sample {
  readonly time_ms: number;
  readonly revision: number;
}

/**
 * Deletes Events that nobody wrote for an hour. Their age is told by their revision, beside a note of the newest revision of each minute, so no Event is decoded
 * before it goes. What was written before this controller started may stay an hour longer.
 */
export function eventExpiryController(): Controller {
  let samples: readonly Sample[] = [];
  return {
    name: "event-expiry",
    component: "kube-apiserver",
    author: APISERVER,
    watches: [],
    resync: { period_ms: SWEEP_MS, keys: () => [EVENTS] },
    reconcile(view, _key, now_ms) {
      samples = [...samples.filter(({ time_ms }) => time_ms > now_ms - TTL_MS - SWEEP_MS), { time_ms: now_ms, revision: view.revision }];
      const expired = samples.findLast(({ time_ms }) => time_ms <= now_ms - TTL_MS);
      return expired === undefined ? NOTHING : deletions(view, expired.revision);
    },
  };
}

function deletions(view: View, revision: number): readonly Action[] {
  const actions: Action[] = [];
  for (const entry of view.list(EVENTS)) {
    if (entry.revision > revision) continue;
    if (actions.length >= DELETIONS_PER_ROUND) return [...actions, { do: "requeue", after_ms: 0 }];
    actions.push(remove(EventKind, view.decode<Event>(entry)));
  }
  return actions;
}
