import type { Registry } from "prom-client";
import { type Family, register } from "./families.ts";
import type { Hosts } from "./hosts.ts";
import { kernelFamilies } from "./kernel-families.ts";

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The page /metrics of the whole cluster: what its requests, its kernels and this process do. prom-client is loaded by the first who asks, so
 * that nobody's start waits for it; what it measures itself (the process, garbage collection) begins then.
 */
export class MetricsPage {
  readonly #hosts: Hosts;
  /** What the gateway counts. */
  readonly #own: () => readonly Family[];
  #process: Promise<Registry> | undefined;

  constructor(hosts: Hosts, own: () => readonly Family[]) {
    this.#hosts = hosts;
    this.#own = own;
  }

  async text(): Promise<string> {
    this.#process ??= processRegistry();
    const [answers, process] = await Promise.all([this.#hosts.reports(), this.#process]);
    return `${await textOf([...this.#own(), ...kernelFamilies(answers)])}\n${await process.metrics()}`;
  }
}

/** Families as Prometheus reads them. */
export async function textOf(families: readonly Family[]): Promise<string> {
  const { Registry } = await import("prom-client");
  const registry = new Registry();
  register(registry, families);
  return registry.metrics();
}

/** prom-client's measures of this process: processor time, memory, open files, garbage collection. */
async function processRegistry(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import("prom-client");
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
