import { html, type TemplateResult } from "lit-html";
import { bytes, duration, rateOf } from "../format.ts";
import { each, type Filter, parseMetrics, quantile, rate, type Scrape, sum } from "../metrics.ts";
import { Plot, type Series } from "../plots/plot.ts";
import { loading, problem } from "../states.ts";
import { drawing, repeatedly, type ViewContext } from "../view.ts";

const SCRAPE_MS = 2_000;
/** A quarter of an hour. */
const POINTS_MAX = 450;

interface Line extends Series {
  /** Undefined: nothing to tell. */
  readonly value: (then: Scrape, now: Scrape) => number | undefined;
}

interface Chart {
  readonly title: string;
  /** What it is about, in a few words. */
  readonly about: string;
  readonly format: (value: number) => string;
  /** The axis reaches this far at least. */
  readonly least: number;
  readonly lines: readonly Line[];
}

const REQUESTS = "apiserver_request_duration_seconds";
const verb =
  (...verbs: readonly string[]): Filter =>
  (labels) =>
    verbs.includes(labels.verb ?? "");
const isPod: Filter = ({ verb: of, resource, subresource }) => of === "POST" && resource === "pods" && subresource === "";
const isWriter: Filter = ({ kind }) => kind === "writer";
/** Of objects: the console's own looks at the metrics are none. */
const isRead: Filter = (labels) => labels.resource !== "" && verb("GET", "LIST")(labels);
const isWrite = verb("POST", "PUT", "PATCH", "DELETE");

const CHARTS: readonly Chart[] = [
  {
    title: "Requests",
    about: "answered by the API, a second",
    format: rateOf,
    least: 1,
    lines: [
      { label: "reads", colour: "--accent", value: (then, now) => rate(then, now, "apiserver_request_total", isRead) },
      { label: "writes", colour: "--plot-2", value: (then, now) => rate(then, now, "apiserver_request_total", isWrite) },
    ],
  },
  {
    title: "Latency of reads",
    about: "get and list, by the API",
    format: duration,
    least: 0.001,
    lines: [
      { label: "p50", colour: "--accent", value: (then, now) => quantile(then, now, REQUESTS, 0.5, isRead) },
      { label: "p99", colour: "--plot-2", value: (then, now) => quantile(then, now, REQUESTS, 0.99, isRead) },
    ],
  },
  {
    title: "Latency of writes",
    about: "create, update, patch and delete, by the API",
    format: duration,
    least: 0.001,
    lines: [
      { label: "p50", colour: "--accent", value: (then, now) => quantile(then, now, REQUESTS, 0.5, isWrite) },
      { label: "p99", colour: "--plot-2", value: (then, now) => quantile(then, now, REQUESTS, 0.99, isWrite) },
    ],
  },
  {
    title: "Pods",
    about: "created by way of the API, and batches that the store appended, a second",
    format: rateOf,
    least: 1,
    lines: [
      { label: "pods", colour: "--accent", value: (then, now) => rate(then, now, "apiserver_request_total", isPod) },
      { label: "appends", colour: "--plot-2", value: (then, now) => rate(then, now, "troupe_store_appends_total") },
    ],
  },
  {
    title: "The store",
    about: "an append on the disk; a proposal's wait for the writer",
    format: duration,
    least: 0.001,
    lines: [
      {
        label: "append",
        colour: "--accent",
        value: (then, now) => each(then, now, "troupe_store_append_seconds_total", "troupe_store_appends_total"),
      },
      { label: "wait p99", colour: "--plot-2", value: (then, now) => quantile(then, now, "troupe_actor_mailbox_seconds", 0.99, isWriter) },
    ],
  },
  {
    title: "Actors",
    about: "messages handled, a second",
    format: rateOf,
    least: 1,
    lines: [{ label: "messages", colour: "--accent", value: (then, now) => rate(then, now, "troupe_actor_messages_total") }],
  },
  {
    title: "Event loops",
    about: "how busy the busiest host's is",
    format: (share) => `${Math.round(share * 100)}%`,
    least: 0.1,
    lines: [{ label: "busy", colour: "--accent", value: (_, now) => most(now, "troupe_event_loop_utilization") }],
  },
  {
    title: "Memory",
    about: "of the process, and of JavaScript in it",
    format: bytes,
    least: 1024 * 1024,
    lines: [
      { label: "process", colour: "--accent", value: (_, now) => sum(now, "process_resident_memory_bytes") },
      { label: "heaps", colour: "--plot-2", value: (_, now) => sum(now, "troupe_host_heap_bytes") },
    ],
  },
];

/** How fast the API and the store are, from the API's own metrics while the view is open. */
export async function open(context: ViewContext): Promise<void> {
  const { api, root, signal } = context;
  const times: number[] = [];
  const values = CHARTS.map(({ lines }) => lines.map((): (number | null)[] => []));
  let plots: readonly Plot[] = [];
  let last: Scrape | undefined;
  let failure: unknown;
  const plot = (): void => {
    const places = [...root.querySelectorAll<HTMLElement>(".plot")];
    if (places.length === 0) plots = [];
    else if (plots.length === 0) plots = places.map((place, at) => plotOf(place, at, signal));
    for (const [at, each] of plots.entries()) each.set(times, values[at] ?? []);
  };
  const draw = drawing(context, () => template(failure, times.length > 0), plot);
  const scrape = async (): Promise<void> => {
    const now = parseMetrics(await api.text("/metrics", { signal }), Date.now());
    if (last !== undefined) note(last, now, times, values);
    last = now;
  };
  await repeatedly(context, SCRAPE_MS, scrape, (error) => {
    failure = error;
    if (error !== undefined) last = undefined;
    draw();
  });
}

function note(then: Scrape, now: Scrape, times: number[], values: readonly (readonly (number | null)[][])[]): void {
  times.push(now.at_ms / 1_000);
  for (const [chart, { lines }] of CHARTS.entries())
    for (const [line, { value }] of lines.entries()) values[chart]?.[line]?.push(value(then, now) ?? null);
  if (times.length <= POINTS_MAX) return;
  times.shift();
  for (const chart of values) for (const line of chart) line.shift();
}

function plotOf(place: HTMLElement, at: number, signal: AbortSignal): Plot {
  const { format, lines, least } = CHARTS[at] as Chart;
  return new Plot(place, { format, series: lines, least }, signal);
}

function template(failure: unknown, hasPoints: boolean): TemplateResult {
  const body =
    failure !== undefined && !hasPoints
      ? problem(failure)
      : hasPoints
        ? html`
            <div class="plots">
              ${CHARTS.map(
                ({ title, about }) => html`
                  <section class="card" aria-label=${title}>
                    <h2>${title}</h2>
                    <p class="muted">${about}</p>
                    <div class="plot"></div>
                  </section>
                `,
              )}
            </div>
          `
        : loading("metrics");
  return html`
    <header class="page-head">
      <h1>Performance</h1>
      <span class="muted">since this view was opened</span>
    </header>
    ${body}
  `;
}

function most({ samples }: Scrape, name: string): number {
  return Math.max(0, ...(samples.get(name) ?? []).map(({ value }) => value));
}
