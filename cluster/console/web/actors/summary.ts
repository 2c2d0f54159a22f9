import { type Filter, quantile, rate, type Scrape, sum } from "../metrics.ts";

/** What a kind of actors did on one host between two scrapes. Durations in seconds; undefined where nothing was timed. */
export interface KindRow {
  readonly host: string;
  readonly kind: string;
  readonly active: number;
  readonly messages_per_s: number;
  /** Messages that wait now. */
  readonly waiting: number;
  readonly wait_s: number | undefined;
  readonly turn_s: number | undefined;
  readonly crashes: number;
  readonly restarts: number;
}

export interface HostRow {
  readonly host: string;
  readonly isUp: boolean;
  readonly active: number;
  readonly messages_per_s: number;
  /** Of its event loop, 0 to 1. */
  readonly busy: number;
  readonly heap_bytes: number;
}

const P99 = 0.99;

/** The kinds of all hosts, the busiest first. */
export function kindRows(then: Scrape, now: Scrape): readonly KindRow[] {
  const rows = (now.samples.get("troupe_actors") ?? []).map(({ labels, value }): KindRow => {
    const { host = "", kind = "" } = labels;
    const own: Filter = (of) => of.host === host && of.kind === kind;
    return {
      host,
      kind,
      active: value,
      messages_per_s: rate(then, now, "troupe_actor_messages_total", own),
      waiting: sum(now, "troupe_actor_mailbox_messages", own),
      wait_s: quantile(then, now, "troupe_actor_mailbox_seconds", P99, own),
      turn_s: quantile(then, now, "troupe_actor_handler_seconds", P99, own),
      crashes: sum(now, "troupe_actor_crashes_total", own),
      restarts: sum(now, "troupe_actor_restarts_total", own),
    };
  });
  return rows.sort((a, b) => b.messages_per_s - a.messages_per_s || b.active - a.active || a.kind.localeCompare(b.kind));
}

export function hostRows(then: Scrape, now: Scrape): readonly HostRow[] {
  return (now.samples.get("troupe_host_up") ?? []).map(({ labels, value }) => {
    const { host = "" } = labels;
    const own: Filter = (of) => of.host === host;
    return {
      host,
      isUp: value === 1,
      active: sum(now, "troupe_actors", own),
      messages_per_s: rate(then, now, "troupe_actor_messages_total", own),
      busy: sum(now, "troupe_event_loop_utilization", own),
      heap_bytes: sum(now, "troupe_host_heap_bytes", own),
    };
  });
}
