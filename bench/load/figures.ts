import { availableParallelism, loadavg } from "node:os";
import type { Figure } from "../figure.ts";
import type { LoadResult, PhaseResult } from "./run.ts";
import type { Samples } from "./samples.ts";

const MS_PER_S = 1_000;
const MS_PER_MIN = 60_000;
const MIB = 1_048_576;
/** Throughput is told of windows of so long, as ClusterLoader2 does. */
const WINDOW_MS = 5_000;
/** Memory is flat or not over so long at the end of the last phase. */
const FLAT_OVER_MS = 8 * MS_PER_MIN;

/** A level of service that a figure is held to: what Kubernetes promises for 5,000 nodes and 150,000 pods, and a tenth of it. */
export interface Level {
  readonly kubernetes_ms: number;
  readonly ours_ms: number;
}

const SINGLE: Level = { kubernetes_ms: 1_000, ours_ms: 100 };
const LISTS: Readonly<Record<string, Level>> = {
  namespace: { kubernetes_ms: 5_000, ours_ms: 500 },
  cluster: { kubernetes_ms: 30_000, ours_ms: 3_000 },
};
export const START_UP: Level = { kubernetes_ms: 5_000, ours_ms: 500 };

/** Source: kubernetes/community, sig-scalability/slos/api_call_latency.md. */
export function levelOf(verb: string, scope: string): Level {
  return verb === "list" ? (LISTS[scope] ?? SINGLE) : SINGLE;
}

/** The figures of a run, those that have a level of service with how they stand to it. */
export function figuresOf(result: LoadResult, suite: string, about: string): readonly Figure[] {
  const conditions = `server=${result.server} nodes=${result.nodes} ${about} cpus=${availableParallelism()} load=${loadavg()[0]?.toFixed(1)}`;
  const figures: Figure[] = [];
  const add = (name: string, metric: string, value: number | undefined, unit: string): void => {
    if (value !== undefined && Number.isFinite(value)) figures.push({ suite, case: name, metric, value, unit, conditions });
  };
  const quantiles = (name: string, what: string, samples: Samples, unit: string): void => {
    for (const share of [0.5, 0.99]) add(name, `${what} p${share * 100}`, samples.percentile(share), unit);
  };
  for (const phase of result.phases) {
    const within = (samples: Samples): Samples => samples.between(phase.from_ms, phase.to_ms);
    const { name } = phase.phase;
    add(name, "time", (phase.to_ms - phase.from_ms) / MS_PER_S, "s");
    add(name, "pods asked for", phase.wanted, "pods");
    add(name, "pods running at its end", phase.running, "pods");
    const started = within(result.census.started);
    add(name, "pods started", started.count, "pods");
    if (phase.used_ms > 0) add(name, "processor time of the cluster", phase.used_ms / MS_PER_S, "s");
    if (started.count > 0) {
      add(name, "pods started in 5 s, best", busiest(started) / (WINDOW_MS / MS_PER_S), "pods/s");
      add(name, "pods started, all the time to the last", (started.count / timeToLast_ms(started, phase)) * MS_PER_S, "pods/s");
      add(name, "time to the last pod", timeToLast_ms(started, phase) / MS_PER_S, "s");
    }
    quantiles(name, "pod start-up by creationTimestamp", started, "s");
    quantiles(name, "pod start-up", within(result.census.startUps), "ms");
    quantiles(name, "pod created to scheduled", within(result.census.scheduled), "ms");
    quantiles(name, "EndpointSlice after readiness", within(result.slices.delays), "ms");
    let worst = 0;
    for (const { kind, samples } of result.calls.times) {
      const calls = within(samples);
      if (calls.count === 0) continue;
      worst = Math.max(worst, (calls.percentile(0.99) ?? 0) / levelOf(kind.verb, kind.scope).ours_ms);
      const what = `${kind.verb} ${kind.resource} (${kind.scope})`;
      add(name, `${what} calls`, calls.count, "calls");
      quantiles(name, what, calls, "ms");
    }
    if (worst > 0) add(name, "worst p99 of calls beside a tenth of what Kubernetes promises", worst, "x");
    const memory = within(result.processes.resident);
    add(name, "resident memory, most", memory.count === 0 ? undefined : Math.max(...memory.values) / MIB, "MiB");
  }
  const last = result.phases.at(-1);
  // Of a shorter run it would be how fast a cluster fills.
  if (last !== undefined && last.to_ms - last.from_ms >= FLAT_OVER_MS) {
    const end = result.processes.resident.between(last.to_ms - FLAT_OVER_MS, last.to_ms);
    const slope = end.slope();
    add(
      last.phase.name,
      "resident memory, growth over its last 8 minutes",
      slope === undefined ? undefined : (slope * MS_PER_MIN) / MIB,
      "MiB/min",
    );
  }
  add("all", "calls told to come again", result.calls.busy, "calls");
  for (const { what, count, p99_ms } of result.serverTimes) {
    add("by the server", `${what} calls`, count, "calls");
    add("by the server", `${what} p99, at most`, p99_ms, "ms");
  }
  return figures;
}

/** The most that fell into a window of five seconds. */
function busiest({ moments_ms }: Samples): number {
  let most = 0;
  let from = 0;
  for (let to = 0; to < moments_ms.length; to++) {
    while ((moments_ms[to] ?? 0) - (moments_ms[from] ?? 0) >= WINDOW_MS) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

function timeToLast_ms(started: Samples, { from_ms }: PhaseResult): number {
  return (started.moments_ms.at(-1) ?? from_ms) - from_ms;
}
