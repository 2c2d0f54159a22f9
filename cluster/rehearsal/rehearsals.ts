import { setImmediate as nextTurn } from "node:timers/promises";
import type { KubeObject } from "../../actors/kinds/object.ts";
import {
  type Account,
  type AskExtender,
  ObjectList,
  type Placement,
  type Pod,
  RESOURCES_REHEARSED,
  Rehearsal,
  type SchedulerConfiguration,
} from "../../actors/mod.ts";
import type { View } from "../../actors/store/view.ts";
import type { Clock } from "../../runtime/mod.ts";

/** The host's other work waits no longer than this for a rehearsal's; then it has its turn. */
const SLICE_MS = 4;
/** Objects taken in between two looks at the clock. */
const OBJECTS_A_LOOK = 32;
/** Rehearsals that wait for the one that is under way: each reads the whole cluster. */
const WAITING_MAX = 8;

export interface RehearsalsOptions {
  readonly view: View;
  readonly clock: Clock;
  /** The cluster's own; undefined: Kubernetes' default. */
  readonly configuration?: SchedulerConfiguration;
  readonly askExtender?: AskExtender;
}

/**
 * What `/troupe/why` and `/troupe/what-if` answer: what each node says of a pod, and where pods would go, as the scheduler would find it now. One at a time, and
 * each in slices, so that the gateway's other clients do not notice.
 */
export class Rehearsals {
  readonly #options: RehearsalsOptions;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** When the slice began that is under way. */
  #since_ms = 0;

  constructor(options: RehearsalsOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#waiting >= WAITING_MAX;
  }

  /** Undefined: there is no such pod. */
  why(namespace: string, pod: string): Promise<Account | undefined> {
    return this.#inTurn(async () => {
      const key = `pods/${namespace}/${pod}`;
      if (this.#options.view.get<KubeObject>(key) === undefined) return undefined;
      const rehearsal = await this.#read(new ObjectList());
      const account = rehearsal.why(key);
      return account && rehearsal.consulted(key, account);
    });
  }

  /** Where pods would go with these objects beside those there are, or in their place. Extenders are named, and not asked. */
  whatIf(pods: readonly Pod[], beside: ObjectList): Promise<Placement[]> {
    return this.#inTurn(async () => {
      const rehearsal = await this.#read(beside);
      const placements = new Map<Pod, Placement>();
      for (const [pod, placement] of rehearsal.placing(pods)) {
        placements.set(pod, placement);
        await this.#giveWay();
      }
      return pods.map((pod) => placements.get(pod) as Placement);
    });
  }

  #inTurn<T>(rehearse: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const rehearsed = this.#last.then(rehearse).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = rehearsed.catch(() => undefined);
    return rehearsed;
  }

  async #read(beside: ObjectList): Promise<Rehearsal> {
    const { view, clock, configuration, askExtender } = this.#options;
    const rehearsal = new Rehearsal(new ObjectList(), configuration, askExtender);
    // As it is in one moment: lists of entries, which do not change.
    const lists = RESOURCES_REHEARSED.map((resource) => [resource, view.list(resource)] as const);
    this.#since_ms = clock.now_ms();
    for (const [resource, entries] of lists) {
      for (const [at, entry] of entries.entries()) {
        if (beside.entry(entry.key) === undefined) rehearsal.add(resource, entry);
        if (at % OBJECTS_A_LOOK === 0) await this.#giveWay();
      }
      for (const entry of beside.list(resource)) rehearsal.add(resource, entry);
    }
    return rehearsal;
  }

  async #giveWay(): Promise<void> {
    const { clock } = this.#options;
    if (clock.now_ms() - this.#since_ms < SLICE_MS) return;
    await nextTurn();
    this.#since_ms = clock.now_ms();
  }
}
