import type { Clock } from "../../../runtime/mod.ts";
import type { Pod } from "../../kinds/generated/types.ts";
import type { Key } from "../../store/transaction.ts";
import type { ObjectView } from "../../store/view.ts";
import type { ContainerUsage, NodeUsage, PodUsage, UsageOf } from "./usage.ts";

interface Measured {
  readonly key: Key;
  readonly pod: Pod;
  readonly containers: readonly ContainerUsage[];
}

/** What pods of a node use, as far as anything of them runs. */
export class PodsUsage {
  readonly #view: Pick<ObjectView, "get">;
  readonly #clock: Clock;
  readonly #usageOf: UsageOf;

  constructor(view: Pick<ObjectView, "get">, clock: Clock, usageOf: UsageOf) {
    this.#view = view;
    this.#clock = clock;
    this.#usageOf = usageOf;
  }

  measured(pods: Iterable<Key>): readonly Measured[] {
    const now_ms = this.#clock.now_ms();
    const measured: Measured[] = [];
    for (const key of pods) {
      const pod = this.#view.get<Pod>(key);
      const containers = pod === undefined ? [] : this.#usageOf(pod, now_ms);
      if (pod !== undefined && containers.length > 0) measured.push({ key, pod, containers });
    }
    return measured;
  }

  of(pods: Iterable<Key>): readonly PodUsage[] {
    const at_ms = this.#clock.now_ms();
    return this.measured(pods).map(({ key, containers }) => ({ key, containers, at_ms }));
  }

  total(pods: Iterable<Key>): NodeUsage {
    let cpu_nanocores = 0;
    let memory_bytes = 0;
    for (const { containers } of this.measured(pods)) {
      for (const container of containers) {
        cpu_nanocores += container.cpu_nanocores;
        memory_bytes += container.memory_bytes;
      }
    }
    return { cpu_nanocores, memory_bytes, at_ms: this.#clock.now_ms() };
  }
}
