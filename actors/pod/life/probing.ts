import type { Clock, Timer } from "../../../runtime/mod.ts";
import type { Container, Pod, Probe } from "../../kinds/generated/types.ts";
import type { ContainerObserved, PodObserved } from "../../node/container-runtime.ts";
import type { ProbeOutcome, Target } from "./handlers.ts";
import type { ProbeKind } from "./plan.ts";
import { initContainersOf, newestOf } from "./pod-containers.ts";

/** One probe of one run of a container. */
interface Probed {
  readonly probe: Probe;
  readonly kind: ProbeKind;
  readonly container: Container;
  readonly run: ContainerObserved;
  /** Undefined: nothing has been found out yet. */
  verdict: boolean | undefined;
  /** The last result, and how often it has come in a row. */
  last: boolean | undefined;
  inARow: number;
  /** It has said all that it will say of this run. */
  isOver: boolean;
  timer: Timer | undefined;
}

export interface ProbingOptions {
  readonly clock: Clock;
  readonly after: (ms: number, probe: { readonly id: string; readonly probe: ProbeKind }) => Timer;
  readonly perform: (probe: Probe, target: Target) => Promise<ProbeOutcome>;
  /** A probe has failed, or warns. */
  readonly tell: (container: Container, reason: string, message: string) => void;
  /** A verdict has changed. */
  readonly changed: () => void;
}

const KINDS: readonly ProbeKind[] = ["startup", "readiness", "liveness"];
const PROPERTY = { liveness: "livenessProbe", readiness: "readinessProbe", startup: "startupProbe" } as const;
const TITLE = { liveness: "Liveness", readiness: "Readiness", startup: "Startup" } as const;
const MS_PER_S = 1_000;
/** A probe that could not be made is made again so often before that counts. Source: maxProbeRetries. */
const RETRIES_MAX = 3;

/**
 * The probes of a pod's containers. Startup probes go first; the others begin when theirs has succeeded. A verdict holds for one run of a container.
 * Source: kubelet's prober worker (Kubernetes 1.34).
 */
export class Probing {
  readonly #options: ProbingOptions;
  readonly #probed = new Map<string, Probed>();
  #address = "";

  constructor(options: ProbingOptions) {
    this.#options = options;
  }

  /** Begins with the containers that have come to run, and forgets those that run no more. */
  follow(pod: Pod, observed: PodObserved, address: string, isEnding: boolean): void {
    this.#address = address;
    const runs = new Set<string>();
    for (const container of [...initContainersOf(pod), ...pod.spec.containers]) {
      const run = newestOf(observed, container.name);
      if (run?.state !== "running") continue;
      for (const kind of KINDS) {
        const probe = container[PROPERTY[kind]];
        // What is on its way out is not killed for being unwell.
        if (probe === undefined || (isEnding && kind !== "readiness")) continue;
        runs.add(keyOf(run.id, kind));
        if (!this.#probed.has(keyOf(run.id, kind))) this.#begin(container, run, kind, probe);
      }
    }
    for (const [key, probed] of this.#probed) {
      if (runs.has(key)) continue;
      probed.timer?.cancel();
      this.#probed.delete(key);
    }
  }

  verdict = (id: string, kind: ProbeKind): boolean | undefined => this.#probed.get(keyOf(id, kind))?.verdict;

  stop(): void {
    for (const { timer } of this.#probed.values()) timer?.cancel();
    this.#probed.clear();
  }

  /** The time of a probe has come. */
  async due(id: string, kind: ProbeKind): Promise<void> {
    const probed = this.#probed.get(keyOf(id, kind));
    if (probed === undefined || probed.isOver) return;
    const began_ms = this.#options.clock.now_ms();
    const outcome = await this.#perform(probed);
    if (this.#probed.get(keyOf(id, kind)) !== probed) return;
    if (outcome !== undefined) this.#take(probed, outcome);
    if (probed.isOver) return;
    const took_ms = this.#options.clock.now_ms() - began_ms;
    this.#plan(probed, Math.max(0, (probed.probe.periodSeconds ?? 10) * MS_PER_S - took_ms));
  }

  #begin(container: Container, run: ContainerObserved, kind: ProbeKind, probe: Probe): void {
    const probed: Probed = { probe, kind, container, run, verdict: undefined, last: undefined, inARow: 0, isOver: false, timer: undefined };
    this.#probed.set(keyOf(run.id, kind), probed);
    if (kind === "startup" || container.startupProbe === undefined) this.#planFirst(probed);
  }

  #planFirst(probed: Probed): void {
    const since_ms = this.#options.clock.now_ms() - probed.run.startedAt_ms;
    this.#plan(probed, Math.max(0, (probed.probe.initialDelaySeconds ?? 0) * MS_PER_S - since_ms));
  }

  #plan(probed: Probed, ms: number): void {
    probed.timer = this.#options.after(ms, { id: probed.run.id, probe: probed.kind });
  }

  /** Undefined: nothing can be said. */
  async #perform({ probe, container, run, kind }: Probed): Promise<ProbeOutcome | undefined> {
    let failure: unknown;
    for (let attempt = 0; attempt < RETRIES_MAX; attempt++) {
      try {
        return await this.#options.perform(probe, { container, id: run.id, address: this.#address });
      } catch (error) {
        failure = error;
      }
    }
    this.#options.tell(container, "Unhealthy", `${TITLE[kind]} probe errored and resulted in unknown state: ${(failure as Error).message}`);
    return undefined;
  }

  #take(probed: Probed, { result, output }: ProbeOutcome): void {
    const { kind, probe, container } = probed;
    if (result === "failure") this.#options.tell(container, "Unhealthy", `${TITLE[kind]} probe failed: ${output}`);
    if (result === "warning") this.#options.tell(container, "ProbeWarning", `${TITLE[kind]} probe warning: ${output}`);
    const went = result !== "failure";
    probed.inARow = probed.last === went ? probed.inARow + 1 : 1;
    probed.last = went;
    if (probed.inARow < ((went ? probe.successThreshold : probe.failureThreshold) ?? (went ? 1 : 3))) return;
    const before = probed.verdict;
    probed.verdict = went;
    probed.isOver = kind === "startup" || (kind === "liveness" && !went);
    if (kind === "startup" && went) this.#startedUp(probed);
    if (before !== went) this.#options.changed();
  }

  /** The other probes of the container may begin. */
  #startedUp({ run }: Probed): void {
    for (const kind of KINDS) {
      const other = this.#probed.get(keyOf(run.id, kind));
      if (kind !== "startup" && other !== undefined) this.#planFirst(other);
    }
  }
}

const keyOf = (id: string, kind: ProbeKind): string => `${kind}/${id}`;
