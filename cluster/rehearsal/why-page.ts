import { setImmediate as nextTurn } from "node:timers/promises";
import type { KubeObject } from "../../actors/kinds/object.ts";
import {
  type Account,
  type AskExtender,
  ObjectList,
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
 * What `/troupe/why` answers: what each node says of a pod, as the scheduler would find it now. One at a time, and each in slices, so that the gateway's other
 * clients do not notice.
 */
export class Rehearsals {
  readonly #options: RehearsalsOptions;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RehearsalsOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#waiting >= WAITING_MAX;
  }

  /** Undefined: there is no such pod. */
  why(namespace: string, pod: string): Promise<Account | undefined> {
    this.#waiting += 1;
    const account = this.#last
      .then(() => this.#why(`pods/${namespace}/${pod}`))
      .finally(() => {
        this.#waiting -= 1;
      });
    this.#last = account.catch(() => undefined);
    return account;
  }

  async #why(key: string): Promise<Account | undefined> {
    const { view, configuration, askExtender } = this.#options;
    if (view.get<KubeObject>(key) === undefined) return undefined;
    const rehearsal = new Rehearsal(new ObjectList(), configuration, askExtender);
    const { clock } = this.#options;
    // As it is in one moment: lists of entries, which do not change.
    const lists = RESOURCES_REHEARSED.map((resource) => [resource, view.list(resource)] as const);
    let since_ms = clock.now_ms();
    for (const [resource, entries] of lists) {
      for (const [at, entry] of entries.entries()) {
        rehearsal.add(resource, entry);
        if (at % OBJECTS_A_LOOK !== 0 || clock.now_ms() - since_ms < SLICE_MS) continue;
        await nextTurn();
        since_ms = clock.now_ms();
      }
    }
    const account = rehearsal.why(key);
    return account && rehearsal.consulted(key, account);
  }
}
