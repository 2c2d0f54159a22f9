import type { ConfigMap } from "../../kinds/generated/types.ts";
import { durationMs } from "../../kinds/machinery/duration.ts";
import { type Amount, parseAmount } from "./usage-profile.ts";

export type UsedResource = "cpu" | "memory";

interface Step {
  readonly at_ms: number;
  readonly amount: Amount;
}

/**
 * Usage as a file has it, one line a step: `time,container,cpu,memory`, the time as `90s` or in seconds since the pod started, an empty container for
 * all that have no line of their own, an empty amount where that resource goes on as before. A step holds until the next of its container. Lines that
 * begin with `#`, a heading, and lines that are none of this are passed over.
 */
export class Recording {
  /** In order of time, by resource and container. */
  readonly #steps = new Map<string, Step[]>();

  constructor(text: string) {
    for (const line of text.split(/\r?\n/)) {
      const [time = "", container = "", cpu = "", memory = ""] = line.split(",").map((word) => word.trim());
      const at_ms = /^\d+(\.\d+)?$/.test(time) ? Number(time) * MS_PER_S : durationMs(time);
      if (at_ms === undefined) continue;
      this.#add("cpu", container, at_ms, cpu);
      this.#add("memory", container, at_ms, memory);
    }
    for (const steps of this.#steps.values()) steps.sort((one, other) => one.at_ms - other.at_ms);
  }

  /** What the container used so long after the start; undefined before its first step, and when there is none. */
  at(resource: UsedResource, container: string, elapsed_ms: number): Amount | undefined {
    const steps = this.#steps.get(`${resource}/${container}`) ?? this.#steps.get(`${resource}/`) ?? [];
    let low = 0;
    let high = steps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((steps[middle]?.at_ms ?? 0) <= elapsed_ms) low = middle + 1;
      else high = middle;
    }
    return steps[low - 1]?.amount;
  }

  #add(resource: UsedResource, container: string, at_ms: number, text: string): void {
    const amount = text === "" ? undefined : parseAmount(text);
    if (amount === undefined) return;
    const name = `${resource}/${container}`;
    const steps = this.#steps.get(name);
    if (steps === undefined) this.#steps.set(name, [{ at_ms, amount }]);
    else steps.push({ at_ms, amount });
  }
}

const MS_PER_S = 1_000;

const read = new WeakMap<ConfigMap, Map<string, Recording>>();

/** The recording under this key; read once for each state of the ConfigMap. Undefined when there is none. */
export function recordingIn(configMap: ConfigMap, key: string): Recording | undefined {
  const text = configMap.data?.[key];
  if (text === undefined) return undefined;
  const known = read.get(configMap) ?? new Map<string, Recording>();
  read.set(configMap, known);
  const recording = known.get(key) ?? new Recording(text);
  known.set(key, recording);
  return recording;
}
