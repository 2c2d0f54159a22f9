import type { Timer } from "../../../runtime/mod.ts";
import type { ContainerUsage } from "../usage/usage.ts";
import { ASK_MS, type CriWorld } from "./cri-world.ts";
import type { CriReceived } from "./messages.ts";
import { LABEL } from "./names.ts";

/** Source: kubelet's housekeeping interval. */
const MEASURE_MS = 10_000;
const NS_PER_S = 1e9;

interface Measured {
  readonly at_ns: number;
  readonly cpu_ns: number;
}

/** What containers use, as their runtime measures it. Without anybody who wants to know it is not asked. Source: kubelet's cri_stats_provider.go. */
export class CriUsage {
  readonly #world: CriWorld;
  readonly #wanted: { readonly isWatched: boolean };
  /** By the container's ID; of those that run. */
  now: ReadonlyMap<string, ContainerUsage> = new Map();
  #before: ReadonlyMap<string, Measured> = new Map();
  #next: Timer | undefined;

  constructor(world: CriWorld, wanted: { readonly isWatched: boolean }) {
    this.#world = world;
    this.#wanted = wanted;
    world.closed.addEventListener("abort", () => this.#next?.cancel());
    this.#measureLater();
  }

  #measureLater(): void {
    if (this.#world.closed.aborted) return;
    this.#next = this.#world.clock.after(MEASURE_MS, () => {
      this.#measure()
        .catch(() => {
          this.now = new Map();
        })
        .finally(() => this.#measureLater());
    });
  }

  async #measure(): Promise<void> {
    if (!this.#wanted.isWatched) return;
    const { runtime, owner, closed } = this.#world;
    const filter = { labelSelector: { [LABEL.owner]: owner } };
    const { stats } = await runtime.call("ListContainerStats", { filter }, ASK_MS, closed);
    const before = this.#before;
    // Of what does not run there is nothing to count.
    const counted = stats.flatMap((each) =>
      each.cpu === null || each.memory === null ? [] : [{ ...each, cpu: each.cpu, memory: each.memory }],
    );
    this.#before = new Map(counted.map(({ attributes, cpu }) => [attributes?.id ?? "", measuredOf(cpu)]));
    this.now = new Map(
      counted.map(({ attributes, cpu, memory }) => {
        const cpu_nanocores = Math.round(cpu.usageNanoCores?.value || rateSince(before.get(attributes?.id ?? ""), measuredOf(cpu)));
        const memory_bytes = memory.workingSetBytes?.value ?? 0;
        return [attributes?.id ?? "", { name: attributes?.metadata?.name ?? "", cpu_nanocores, memory_bytes }];
      }),
    );
  }
}

function measuredOf({ timestamp, usageCoreNanoSeconds }: CriReceived<"CpuUsage">): Measured {
  return { at_ns: timestamp, cpu_ns: usageCoreNanoSeconds?.value ?? 0 };
}

/** In billionths of a core. */
function rateSince(before: Measured | undefined, { at_ns, cpu_ns }: Measured): number {
  if (before === undefined || at_ns <= before.at_ns) return 0;
  return (Math.max(0, cpu_ns - before.cpu_ns) / (at_ns - before.at_ns)) * NS_PER_S;
}
