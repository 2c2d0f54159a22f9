import { HISTOGRAM_BOUNDS_MS, type HistogramCounts, type HostReport, type KindCounters, type PoolState } from "../../runtime/mod.ts";
import { type Family, histogramSamples, type Labels, type Sample } from "./families.ts";
import type { HostAnswer } from "./hosts.ts";

const MS_PER_S = 1_000;
const BOUNDS_S: readonly number[] = HISTOGRAM_BOUNDS_MS.map((bound_ms) => bound_ms / MS_PER_S);

/** A metric of each kind on each host: what it counts, and where it is found. */
interface KindMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  read(counters: KindCounters): number;
}

const KIND_METRICS: readonly KindMetric[] = [
  { name: "troupe_actors", help: "Addresses that are active.", type: "gauge", read: ({ active }) => active },
  { name: "troupe_actor_messages_total", help: "Messages handed to actors.", type: "counter", read: ({ delivered }) => delivered },
  { name: "troupe_actor_activations_total", help: "Activations.", type: "counter", read: ({ activations }) => activations },
  { name: "troupe_actor_crashes_total", help: "Throws of actors.", type: "counter", read: ({ crashes }) => crashes },
  {
    name: "troupe_actor_restarts_total",
    help: "Crashes after which an actor was activated anew.",
    type: "counter",
    read: (kind) => kind.restarts,
  },
  {
    name: "troupe_actor_escalations_total",
    help: "Crashes after which an actor was given up.",
    type: "counter",
    read: ({ escalations }) => escalations,
  },
  {
    name: "troupe_actor_fenced_total",
    help: "Activations that ended because their host was removed from the cluster.",
    type: "counter",
    read: ({ fenced }) => fenced,
  },
  {
    name: "troupe_actor_cancelled_total",
    help: "Messages that were not handled because their asker had cancelled.",
    type: "counter",
    read: ({ cancelled }) => cancelled,
  },
  { name: "troupe_actor_mailbox_messages", help: "Messages that wait in mailboxes.", type: "gauge", read: ({ queued }) => queued },
  {
    name: "troupe_actor_mailbox_messages_max",
    help: "The most messages that have waited in one mailbox.",
    type: "gauge",
    read: ({ queuedMax }) => queuedMax,
  },
];

/** What went between a host and all others. */
interface LinkMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  read(links: HostReport["counters"]["links"]): number;
}

const LINK_METRICS: readonly LinkMetric[] = [
  { name: "troupe_frames_sent_total", help: "Frames sent to other hosts.", type: "counter", read: ({ frames }) => frames },
  { name: "troupe_frames_received_total", help: "Frames from other hosts.", type: "counter", read: ({ framesTaken }) => framesTaken },
  { name: "troupe_frames_doubled_total", help: "Frames that came a second time.", type: "counter", read: ({ doubled }) => doubled },
  {
    name: "troupe_envelopes_sent_total",
    help: "Envelopes in the frames that were sent.",
    type: "counter",
    read: ({ envelopes }) => envelopes,
  },
  { name: "troupe_sent_bytes_total", help: "Bytes of the frames that were sent.", type: "counter", read: ({ bytes }) => bytes },
  { name: "troupe_missed_bytes_total", help: "What others sent here and did not arrive.", type: "counter", read: ({ missed }) => missed },
  { name: "troupe_outbox_bytes", help: "What waits for other hosts to take in more.", type: "gauge", read: ({ waiting }) => waiting },
];

const POOL_OUTCOMES = ["done", "failed", "cancelled", "killed", "refused"] as const;

/** What every host's kernel has counted, as Prometheus sees it: seconds, one series for each host and kind. */
export function kernelFamilies(answers: readonly HostAnswer<HostReport>[]): readonly Family[] {
  const reports = answers.flatMap((answer) => ("said" in answer ? [answer.said] : []));
  const ofHosts = (name: string, help: string, type: Family["type"], read: (report: HostReport) => readonly Sample[]): Family => ({
    name,
    help,
    type,
    samples: reports.flatMap(read),
  });
  const ofKinds = (name: string, help: string, type: Family["type"], read: (counters: KindCounters, labels: Labels) => Sample[]): Family =>
    ofHosts(name, help, type, ({ host, counters }) => Object.entries(counters.kinds).flatMap(([kind, own]) => read(own, { host, kind })));
  const ofPools = (name: string, help: string, type: Family["type"], read: (pool: PoolState, labels: Labels) => Sample[]): Family =>
    ofHosts(name, help, type, ({ host, pools }) => pools.flatMap((pool) => read(pool, { host, pool: pool.name })));
  return [
    {
      name: "troupe_host_up",
      help: "Whether a host answers.",
      type: "gauge",
      samples: answers.map((answer) => ({ labels: { host: answer.host }, value: "said" in answer ? 1 : 0 })),
    },
    ...KIND_METRICS.map(({ name, help, type, read }) => ofKinds(name, help, type, (own, labels) => [{ labels, value: read(own) }])),
    ofKinds("troupe_actor_mailbox_seconds", "Time that messages wait in mailboxes.", "histogram", (own, labels) =>
      seconds(labels, own.inMailbox),
    ),
    ofKinds("troupe_actor_handler_seconds", "Time that turns take.", "histogram", (own, labels) => seconds(labels, own.inHandler)),
    ofHosts(
      "troupe_dead_letters_total",
      "Messages that nobody handled; of no kind where the host does not have it.",
      "counter",
      deadLetters,
    ),
    ofHosts("troupe_asks_waiting", "Asks that wait for an answer.", "gauge", ({ host, counters }) => [
      { labels: { host }, value: counters.asksWaiting },
    ]),
    ofHosts("troupe_late_answers_total", "Answers that came after their ask had ended.", "counter", ({ host, counters }) => [
      { labels: { host }, value: counters.lateAnswers },
    ]),
    ...LINK_METRICS.map(({ name, help, type, read }) =>
      ofHosts(name, help, type, ({ host, counters }) => [{ labels: { host }, value: read(counters.links) }]),
    ),
    ofHosts("troupe_kernel_block_seconds", "Time for which the kernel holds the event loop.", "histogram", ({ host, counters }) =>
      seconds({ host }, counters.blocks),
    ),
    ofHosts("troupe_event_loop_delay_seconds", "How late timers fire.", "histogram", ({ host, counters }) =>
      counters.eventLoop === undefined ? [] : seconds({ host }, counters.eventLoop.delay),
    ),
    ofHosts("troupe_event_loop_utilization", "The share of time in which the event loop was busy.", "gauge", ({ host, counters }) =>
      counters.eventLoop === undefined ? [] : [{ labels: { host }, value: counters.eventLoop.utilization }],
    ),
    ofHosts("troupe_host_heap_bytes", "Used by the JavaScript objects of a host.", "gauge", ({ host, heap_bytes }) => [
      { labels: { host }, value: heap_bytes },
    ]),
    ofPools("troupe_worker_pool_queued", "Tasks that wait for a thread of a worker pool.", "gauge", (pool, labels) => [
      { labels, value: pool.queued + pool.waiting },
    ]),
    ofPools("troupe_worker_pool_running", "Tasks in work.", "gauge", (pool, labels) => [{ labels, value: pool.running }]),
    ofPools("troupe_worker_pool_tasks_total", "Tasks that ended, by how.", "counter", (pool, labels) =>
      POOL_OUTCOMES.map((outcome) => ({ labels: { ...labels, outcome }, value: pool[outcome] })),
    ),
    ofPools("troupe_worker_pool_queue_seconds", "Time that tasks wait for a thread.", "histogram", (pool, labels) =>
      seconds(labels, pool.inQueue),
    ),
    ofPools("troupe_worker_pool_work_seconds", "Time that tasks are in work.", "histogram", (pool, labels) => seconds(labels, pool.inWork)),
    ofPools("troupe_worker_pool_block_seconds", "Time for which handing a task over holds the event loop.", "histogram", (pool, labels) =>
      seconds(labels, pool.blocks),
    ),
    ...measureFamilies(reports),
  ];
}

/** What those who run on the hosts measure of their own. */
function measureFamilies(reports: readonly HostReport[]): readonly Family[] {
  const families = new Map<string, Omit<Family, "samples"> & { readonly samples: Sample[] }>();
  for (const { host, measures } of reports) {
    for (const { name, help, type, value } of measures) {
      const family = families.get(name) ?? { name, help, type, samples: [] };
      families.set(name, family);
      family.samples.push({ labels: { host }, value });
    }
  }
  return [...families.values()];
}

/** By reason and kind; what is counted of the host but of none of its kinds has the kind "". */
function deadLetters({ host, counters }: HostReport): Sample[] {
  return Object.entries(counters.deadLetters).flatMap(([reason, total]) => {
    let left = total;
    const ofKinds = Object.entries(counters.kinds).map(([kind, own]): Sample => {
      const value = own.deadLetters[reason as keyof typeof own.deadLetters] ?? 0;
      left -= value;
      return { labels: { host, kind, reason }, value };
    });
    return [...ofKinds, { labels: { host, kind: "", reason }, value: left }];
  });
}

function seconds(labels: Labels, { counts, sum_ms }: HistogramCounts): Sample[] {
  return histogramSamples(labels, BOUNDS_S, counts, sum_ms / MS_PER_S);
}
