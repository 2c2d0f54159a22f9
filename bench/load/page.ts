import { percentile } from "../driver/percentile.ts";
import type { Figure } from "../figure.ts";
import { type Chart, chartSvg, escaped, type Line } from "./chart.ts";
import { START_UP } from "./figures.ts";
import type { LoadResult } from "./run.ts";
import type { Samples } from "./samples.ts";

const MIB = 1_048_576;
/** Points of a line: more cannot be told apart, and the page stays small. */
const POINTS_MAX = 240;
const MS_PER_S = 1_000;

/** The result as one page of HTML that needs nothing else: no script, no request. */
export function pageOf(title: string, result: LoadResult, figures: readonly Figure[]): string {
  const from_ms = result.phases[0]?.from_ms ?? 0;
  const to_ms = result.phases.at(-1)?.to_ms ?? from_ms + 1;
  const window_ms = Math.max(MS_PER_S, (to_ms - from_ms) / POINTS_MAX);
  const over = (samples: Samples, worth: (values: number[]) => number | undefined): Line["points"] =>
    windowed(samples, from_ms, to_ms, window_ms).flatMap(([at_ms, values]) => {
      const value = worth(values);
      return value === undefined ? [] : [[at_ms, value] as const];
    });
  const p99 = (values: number[]): number | undefined => percentile(values, 0.99);
  const median = (values: number[]): number | undefined => percentile(values, 0.5);
  const perSecond = (values: number[]): number => values.length / (window_ms / MS_PER_S);
  const { census, calls, slices, processes, running } = result;
  const charts: Chart[] = [
    { title: "Pods that run", unit: "pods", lines: [{ name: "running", points: over(running, (values) => values.at(-1)) }] },
    { title: "Pods started", unit: "pods/s", lines: [{ name: "started", points: over(census.started, perSecond) }] },
    {
      title: "Pod start-up",
      unit: "ms",
      limit: START_UP.ours_ms,
      lines: [
        { name: "p50", points: over(census.startUps, median) },
        { name: "p99", points: over(census.startUps, p99) },
      ],
    },
    {
      title: "API calls, p99",
      unit: "ms",
      lines: [...calls.times].map(({ kind, samples }) => ({
        name: `${kind.verb} ${kind.resource} (${kind.scope})`,
        points: over(samples, p99),
      })),
    },
    {
      title: "EndpointSlice after readiness",
      unit: "ms",
      lines: [
        { name: "p50", points: over(slices.delays, median) },
        { name: "p99", points: over(slices.delays, p99) },
      ],
    },
    {
      title: "Resident memory of all processes",
      unit: "MiB",
      lines: [{ name: "resident", points: over(processes.resident, (values) => (values.at(-1) ?? 0) / MIB) }],
    },
  ];
  const drawn = charts.filter(({ lines }) => lines.some(({ points }) => points.length > 0)).map((chart) => chartSvg(chart, from_ms, to_ms));
  const rows = figures.map(
    ({ case: name, metric, value, unit }) =>
      `<tr><td>${escaped(name)}</td><td>${escaped(metric)}</td><td class="n">${value.toLocaleString("en", { maximumFractionDigits: 3 })}</td><td>${escaped(unit)}</td></tr>`,
  );
  const phases = result.phases.map(
    ({ phase, from_ms: began_ms, to_ms: ended_ms }) =>
      `<li>${escaped(phase.name)}: ${((began_ms - from_ms) / MS_PER_S).toFixed(1)} s to ${((ended_ms - from_ms) / MS_PER_S).toFixed(1)} s</li>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title><style>${STYLE}</style><h1>${escaped(title)}</h1><p>${escaped(figures[0]?.conditions ?? "")}</p><ol>${phases.join("")}</ol>${drawn.join("")}<table><thead><tr><th>phase</th><th>figure</th><th>value</th><th>unit</th></tr></thead><tbody>${rows.join("")}</tbody></table></html>\n`;
}

const STYLE =
  "body{font:14px system-ui,sans-serif;margin:2em auto;max-width:900px;padding:0 1em}svg{width:100%;height:auto}svg text{font-size:11px;fill:currentColor}.g{stroke:#8884;fill:none}.l{stroke:#d1242f;stroke-dasharray:6 4;fill:none}figure{margin:1.5em 0}figcaption{font-weight:600}.legend span{margin-right:1em;font-size:12px}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.3em}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8884;padding:.2em .5em;text-align:left}.n{text-align:right}@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}}";

/** The values by windows of time, empty ones left out. */
function windowed(samples: Samples, from_ms: number, to_ms: number, window_ms: number): readonly (readonly [number, number[]])[] {
  const windows = new Map<number, number[]>();
  samples.values.forEach((value, index) => {
    const at_ms = samples.moments_ms[index] ?? 0;
    if (at_ms < from_ms || at_ms > to_ms) return;
    const window = Math.floor((at_ms - from_ms) / window_ms);
    const known = windows.get(window);
    if (known === undefined) windows.set(window, [value]);
    else known.push(value);
  });
  return [...windows].sort(([a], [b]) => a - b).map(([window, values]) => [from_ms + (window + 0.5) * window_ms, values] as const);
}
