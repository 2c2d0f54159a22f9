import type { Family, Sample } from "../../observation/families.ts";
import { histogramSamples } from "../../observation/families.ts";

/** Why a request was turned away, in Kubernetes' words. */
export type Refusal = "queue-full" | "concurrency-limit" | "time-out";

/** Source: apiserver's pkg/util/flowcontrol/metrics. */
const SECONDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const SEATS = [1, 2, 4, 10, 20, 50, 100];
const MS_PER_S = 1_000;

/** Observations in buckets. */
class Observed {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    this.#sum += value;
    let bucket = 0;
    while (value > (this.#bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  samples(labels: Sample["labels"]): Sample[] {
    return histogramSamples(labels, this.#bounds, this.#counts, this.#sum);
  }
}

/** What became of the requests of one schema at one level. */
export class FlowCounts {
  readonly level: string;
  readonly schema: string;
  executing = 0;
  executingSeats = 0;
  waiting = 0;
  waitingSeats = 0;
  dispatched = 0;
  readonly refused: Map<Refusal, number> = new Map();
  readonly #waited = new Observed(SECONDS);
  readonly #gaveUp = new Observed(SECONDS);
  readonly #executed = new Observed(SECONDS);
  readonly #estimated = new Observed(SEATS);

  constructor(level: string, schema: string) {
    this.level = level;
    this.schema = schema;
  }

  began(seats: number, waited_ms: number): void {
    this.dispatched++;
    this.executing++;
    this.executingSeats += seats;
    this.#estimated.observe(seats);
    this.#waited.observe(waited_ms / MS_PER_S);
  }

  ended(seats: number, took_ms: number): void {
    this.executing--;
    this.executingSeats -= seats;
    this.#executed.observe(took_ms / MS_PER_S);
  }

  refuse(why: Refusal, waited_ms: number): void {
    this.refused.set(why, (this.refused.get(why) ?? 0) + 1);
    if (why === "time-out") this.#gaveUp.observe(waited_ms / MS_PER_S);
  }

  get waits(): { readonly executed: Observed; readonly refused: Observed } {
    return { executed: this.#waited, refused: this.#gaveUp };
  }

  get executions(): Observed {
    return this.#executed;
  }

  get estimates(): Observed {
    return this.#estimated;
  }
}

type Labels = Sample["labels"];

/** By name and labels as kube-apiserver has them. */
export function flowFamilies(counts: readonly FlowCounts[]): readonly Family[] {
  const labelsOf = ({ level, schema }: FlowCounts): Labels => ({ priority_level: level, flow_schema: schema });
  const gauge = (name: string, help: string, value: (one: FlowCounts) => number, type: Family["type"] = "gauge"): Family => ({
    name: `apiserver_flowcontrol_${name}`,
    help,
    type,
    samples: counts.map((one) => ({ labels: labelsOf(one), value: value(one) })),
  });
  const histogram = (name: string, help: string, samples: (one: FlowCounts, labels: Labels) => Sample[]): Family => ({
    name: `apiserver_flowcontrol_${name}`,
    help,
    type: "histogram",
    samples: counts.flatMap((one) => samples(one, labelsOf(one))),
  });
  return [
    gauge("dispatched_requests_total", "Requests that got their seats.", ({ dispatched }) => dispatched, "counter"),
    {
      name: "apiserver_flowcontrol_rejected_requests_total",
      help: "Requests that were turned away.",
      type: "counter",
      samples: counts.flatMap((one) => [...one.refused].map(([reason, value]) => ({ labels: { ...labelsOf(one), reason }, value }))),
    },
    gauge("current_executing_requests", "Requests that have seats.", ({ executing }) => executing),
    gauge("current_executing_seats", "Seats that are taken.", ({ executingSeats }) => executingSeats),
    gauge("request_concurrency_in_use", "Seats that are taken.", ({ executingSeats }) => executingSeats),
    gauge("current_inqueue_requests", "Requests that wait for seats.", ({ waiting }) => waiting),
    gauge("current_inqueue_seats", "Seats that are waited for.", ({ waitingSeats }) => waitingSeats),
    histogram("request_wait_duration_seconds", "How long requests waited for their seats.", ({ waits }, labels) => [
      ...waits.executed.samples({ ...labels, execute: "true" }),
      ...waits.refused.samples({ ...labels, execute: "false" }),
    ]),
    histogram("request_execution_seconds", "How long requests had their seats.", ({ executions }, labels) => executions.samples(labels)),
    histogram("work_estimated_seats", "Seats that requests were to take.", ({ estimates }, labels) => estimates.samples(labels)),
  ];
}
