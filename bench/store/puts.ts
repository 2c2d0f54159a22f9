import { performance } from "node:perf_hooks";
import { systemRandom } from "../../runtime/mod.ts";
import { percentile } from "../driver/percentile.ts";
import type { Figure } from "../figure.ts";
import { podText } from "./pod-text.ts";
import { processorTime_us } from "./processor-time.ts";

/** A store to put pods into, and the process beside this one whose processor time counts. */
export interface Putting {
  readonly name: string;
  readonly conditions: string;
  readonly pid: number;
  put(name: string, text: string): Promise<void>;
}

const random = systemRandom();

/** Puts so many new pods, so many at a time. */
export async function measurePuts(target: Putting, inFlight: number, puts: number): Promise<readonly Figure[]> {
  const run = random.uuid().slice(0, 8);
  const texts = Array.from({ length: puts }, (_, i) => podText(`p${run}-${i}`, random.uuid()));
  const latencies_ms = new Float64Array(puts);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < puts; i = next++) {
      const start_ms = performance.now();
      await target.put(`p${run}-${i}`, texts[i] ?? "");
      latencies_ms[i] = performance.now() - start_ms;
    }
  };
  const start_ms = performance.now();
  const here = process.cpuUsage();
  const there_us = processorTime_us(target.pid);
  await Promise.all(Array.from({ length: inFlight }, lane));
  const took_ms = performance.now() - start_ms;
  const used = process.cpuUsage(here);
  const named = { suite: "store", case: `${target.name}, ${inFlight} in flight`, conditions: target.conditions };
  return [
    { ...named, metric: "puts", value: (puts / took_ms) * 1_000, unit: "1/s" },
    { ...named, metric: "p50", value: percentile(latencies_ms, 0.5) ?? 0, unit: "ms" },
    { ...named, metric: "p99", value: percentile(latencies_ms, 0.99) ?? 0, unit: "ms" },
    { ...named, metric: "processor time here", value: (used.user + used.system) / puts, unit: "us a put" },
    { ...named, metric: "processor time of the server", value: (processorTime_us(target.pid) - there_us) / puts, unit: "us a put" },
  ];
}
