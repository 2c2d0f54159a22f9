import { HISTOGRAM_BOUNDS_MS, type HistogramCounts } from "../../runtime/histogram.ts";
import type { ActorState, HostSnapshot, KindCounters } from "../../runtime/mod.ts";
import type { ActorsPage } from "../gateway/actors-page.ts";

/** What a kind of actors did on one host between two looks. Times are undefined where nothing was timed. */
export interface KindRow {
  readonly host: string;
  readonly kind: string;
  readonly active: number;
  readonly messages_per_s: number;
  /** Messages that wait now, in all mailboxes of the kind. */
  readonly queued: number;
  readonly mailbox_p50_ms: number | undefined;
  readonly mailbox_p99_ms: number | undefined;
  readonly handler_p50_ms: number | undefined;
  readonly handler_p99_ms: number | undefined;
  /** Since the host started. */
  readonly crashes: number;
  readonly restarts: number;
  /** Actors that crash again and again now: the second crash in a row makes a loop. */
  readonly looping: number;
}

export interface ActorRow extends ActorState {
  readonly host: string;
  readonly messages_per_s: number;
}

/** The actors of a cluster, as `troupe actors` shows them. */
export interface Summary {
  readonly hosts: readonly { readonly host: string; readonly active: number; readonly messages_per_s: number; readonly failure?: string }[];
  readonly kinds: readonly KindRow[];
  readonly actors: readonly ActorRow[];
}

export type Sort = "messages" | "queue" | "mailbox" | "handler" | "active" | "restarts";

/** Kinds come with the largest of it first. */
export const SORTS: Readonly<Record<Sort, (row: KindRow) => number>> = {
  messages: (row) => row.messages_per_s,
  queue: (row) => row.queued,
  mailbox: (row) => row.mailbox_p99_ms ?? 0,
  handler: (row) => row.handler_p99_ms ?? 0,
  active: (row) => row.active,
  restarts: (row) => row.restarts,
};

export interface SummaryOptions {
  /** Of this kind only. */
  readonly kind: string | undefined;
  readonly sort: Sort;
}

/** What happened from one look to the next. A host that was started anew in between is counted from its start. */
export function summarize(before: ActorsPage, now: ActorsPage, { kind, sort }: SummaryOptions): Summary {
  const earlier = new Map(before.hosts.flatMap((answer) => ("said" in answer ? [[answer.host, answer.said] as const] : [])));
  const kinds: KindRow[] = [];
  const actors: ActorRow[] = [];
  const hosts = now.hosts.map((answer) => {
    if (!("said" in answer)) return { host: answer.host, active: 0, messages_per_s: 0, failure: answer.failure };
    const { host, said } = answer;
    const then = sameLife(earlier.get(host), said);
    const seconds = (said.taken_ms - (then?.taken_ms ?? 0)) / 1_000;
    const rate = (handled: number, handledBefore: number): number => (seconds <= 0 ? 0 : Math.max(0, handled - handledBefore) / seconds);
    for (const [name, counters] of Object.entries(said.counters.kinds)) {
      if (kind !== undefined && name !== kind) continue;
      const looping = said.actors.filter(({ address, crashes }) => crashes > 1 && address.startsWith(`${name}/`)).length;
      kinds.push({ host, kind: name, looping, ...kindRow(counters, then?.counters.kinds[name], rate) });
    }
    const handledBefore = new Map(then?.actors.map(({ address, handled }) => [address, handled]));
    for (const actor of said.actors) {
      const since = handledBefore.get(actor.address);
      // One that was not named the last time may have come since, or have been among the many: its rate is not known.
      actors.push({ ...actor, host, messages_per_s: since === undefined ? 0 : rate(actor.handled, since) });
    }
    return { host, active: said.counters.active, messages_per_s: rate(said.counters.delivered, then?.counters.delivered ?? 0) };
  });
  kinds.sort((a, b) => SORTS[sort](b) - SORTS[sort](a) || b.active - a.active || (`${a.host}/${a.kind}` < `${b.host}/${b.kind}` ? -1 : 1));
  actors.sort((a, b) => b.crashes - a.crashes || b.waiting - a.waiting || b.messages_per_s - a.messages_per_s || b.handled - a.handled);
  return { hosts, kinds, actors };
}

function sameLife(then: HostSnapshot | undefined, now: HostSnapshot): HostSnapshot | undefined {
  return then !== undefined && then.taken_ms < now.taken_ms && then.counters.delivered <= now.counters.delivered ? then : undefined;
}

function kindRow(
  now: KindCounters,
  then: KindCounters | undefined,
  rate: (now: number, then: number) => number,
): Omit<KindRow, "host" | "kind" | "looping"> {
  const mailbox = since(now.inMailbox, then?.inMailbox);
  const handler = since(now.inHandler, then?.inHandler);
  return {
    active: now.active,
    messages_per_s: rate(now.delivered, then?.delivered ?? 0),
    queued: now.queued,
    mailbox_p50_ms: percentile(mailbox, 0.5),
    mailbox_p99_ms: percentile(mailbox, 0.99),
    handler_p50_ms: percentile(handler, 0.5),
    handler_p99_ms: percentile(handler, 0.99),
    crashes: now.crashes,
    restarts: now.restarts,
  };
}

/** What came into a histogram since. Its longest is that of all time: the only one that is known. */
function since(now: HistogramCounts, then: HistogramCounts | undefined): HistogramCounts {
  if (then === undefined) return now;
  const counts = now.counts.map((count, bucket) => count - (then.counts[bucket] ?? 0));
  return { counts, count: now.count - then.count, sum_ms: now.sum_ms - then.sum_ms, max_ms: now.max_ms };
}

/**
 * The duration that this share of all does not exceed: within its bucket, as far along as the share is (Prometheus' histogram_quantile
 * does the same), and never more than the longest. Undefined of nothing.
 */
export function percentile({ counts, count, max_ms }: HistogramCounts, share: number): number | undefined {
  if (count <= 0) return undefined;
  const rank = share * count;
  let below = 0;
  for (const [bucket, own] of counts.entries()) {
    if (own > 0 && below + own >= rank) {
      const from = bucket === 0 ? 0 : (HISTOGRAM_BOUNDS_MS[bucket - 1] ?? 0);
      const to = HISTOGRAM_BOUNDS_MS[bucket] ?? max_ms;
      return Math.min(max_ms, from + ((to - from) * (rank - below)) / own);
    }
    below += own;
  }
  return max_ms;
}
