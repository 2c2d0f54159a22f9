import { type Column, columnLines } from "../command-line/columns.ts";
import type { ActorRow, KindRow, Summary } from "./summary.ts";

const NOTHING = "-";

export const KIND_COLUMNS: readonly Column<KindRow>[] = [
  { title: "HOST", text: ({ host }) => host },
  { title: "KIND", text: ({ kind }) => kind },
  { title: "ACTIVE", right: true, text: ({ active }) => String(active) },
  { title: "MSG/S", right: true, text: ({ messages_per_s }) => rate(messages_per_s) },
  { title: "QUEUE", right: true, text: ({ queued }) => String(queued) },
  { title: "WAIT P50", right: true, text: ({ mailbox_p50_ms }) => duration(mailbox_p50_ms) },
  { title: "P99", right: true, text: ({ mailbox_p99_ms }) => duration(mailbox_p99_ms) },
  { title: "TURN P50", right: true, text: ({ handler_p50_ms }) => duration(handler_p50_ms) },
  { title: "P99", right: true, text: ({ handler_p99_ms }) => duration(handler_p99_ms) },
  { title: "CRASHES", right: true, text: ({ crashes }) => String(crashes) },
  { title: "RESTARTS", right: true, text: ({ restarts }) => String(restarts) },
  { title: "LOOPS", right: true, text: ({ looping }) => String(looping) },
];

const ACTOR_COLUMNS: readonly Column<ActorRow>[] = [
  { title: "ACTOR", text: ({ address }) => address },
  { title: "HOST", text: ({ host }) => host },
  { title: "PHASE", text: ({ phase, restart_ms }) => (restart_ms === undefined ? phase : `${phase}, ${duration(restart_ms)} left`) },
  { title: "MSG/S", right: true, text: ({ messages_per_s }) => rate(messages_per_s) },
  { title: "QUEUE", right: true, text: ({ waiting }) => String(waiting) },
  { title: "HANDLED", right: true, text: ({ handled }) => String(handled) },
  { title: "CRASHES", right: true, text: ({ crashes }) => String(crashes) },
  { title: "LAST ERROR", text: ({ error }) => (error ?? "").split("\n", 1)[0] ?? "" },
];

/** The lines of a summary: a line of totals, the kinds, then up to so many single actors. No line is longer than `width`. */
export function tableLines({ hosts, kinds, actors }: Summary, actors_max: number, width: number = Number.POSITIVE_INFINITY): string[] {
  const active = hosts.reduce((sum, host) => sum + host.active, 0);
  const messages = hosts.reduce((sum, host) => sum + host.messages_per_s, 0);
  const lines = [`${hosts.length} host${hosts.length === 1 ? "" : "s"}, ${active} actors, ${rate(messages)} messages/s`];
  for (const { host, failure } of hosts) if (failure !== undefined) lines.push(`${host} does not answer: ${failure}`);
  lines.push("", ...columnLines(KIND_COLUMNS, kinds));
  if (actors_max > 0 && actors.length > 0) lines.push("", ...columnLines(ACTOR_COLUMNS, actors.slice(0, actors_max)));
  return lines.map((line) => line.slice(0, width));
}

function rate(per_s: number): string {
  return per_s >= 100 ? String(Math.round(per_s)) : per_s.toFixed(1);
}

/** With three digits: `7 us`, `0.25 ms`, `12.5 ms`, `1.2 s`. */
function duration(ms: number | undefined): string {
  if (ms === undefined) return NOTHING;
  if (ms < 0.1) return `${Math.round(ms * 1_000)} us`;
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
  return `${(ms / 1_000).toFixed(1)} s`;
}
