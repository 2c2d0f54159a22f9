import type { Clock, Random } from "../../runtime/mod.ts";
import { requestTooLarge, serviceUnavailable } from "../kinds/errors.ts";
import type { KubeObject } from "../kinds/object.ts";
import { decodeObject } from "../kinds/text.ts";
import type { Premises } from "../store/premises.ts";
import { Recent } from "../store/recent.ts";
import { requestIds } from "../store/request-ids.ts";
import type { Key, Mutation, Outcome, StoreClient } from "../store/transaction.ts";
import type { Entry, View } from "../store/view.ts";
import { NO_WEBHOOKS, type WebhookClient } from "./admission/webhooks/webhook-client.ts";
import { type Conversion, createConversion } from "./conversion.ts";

/** Objects that are remembered as they were written: enough for the pods that are on their way at one time. */
const WRITTEN_MAX = 1_024;
/** So long at least they are remembered, and while there are writes at most twice as long: so briefly that they die young. */
const WRITTEN_MS = 250;

/** What the parts of the registry know of the world. */
export interface StoreAccess {
  readonly view: View;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * The entry under a key. This host's view may lag behind what was just written elsewhere, so where it has none, it first
   * catches up with the writer and looks again: undefined means that there was none when the question was asked.
   */
  find(key: Key): Entry | Promise<Entry | undefined>;
  /** Waits until the view has everything that was committed when this was called. */
  catchUp(): Promise<void>;
  /** Waits until the view shows what a lost compare-and-set has met: `actual` as the outcome says it. */
  awaitActual(actual: number | undefined): Promise<void>;
  /**
   * The object of an entry, for who does not change it: what was written through this access a moment ago is not parsed again. A pod is bound, reported
   * as being created and as running within some milliseconds.
   */
  read<T extends KubeObject>(entry: Entry): T;
  /** Keeps an object that was written as it is for `read`. */
  wrote(key: Key, revision: number, object: KubeObject): void;
  /** For custom resources whose versions are made of one another by a webhook. */
  readonly conversion: Conversion;
  /** Proposes one transaction. Refusals of the store become StatusErrors: 500 for an object too large, 503 when no writer answers. */
  commit(mutations: readonly Mutation[], premises?: Premises, insists?: () => boolean): Promise<Outcome>;
}

export function createStoreAccess(
  view: View,
  store: StoreClient,
  clock: Clock,
  random: Random,
  webhooks: WebhookClient = NO_WEBHOOKS,
): StoreAccess {
  const nextRequest = requestIds(random);
  const written = new Recent<KubeObject>(WRITTEN_MAX);
  let aged_ms = clock.monotonic_ms();
  const catchUp = async (): Promise<void> => {
    try {
      const revision = await store.committedRevision();
      if (view.revision < revision) await view.until(revision);
    } catch (error) {
      throw refusal(error);
    }
  };
  return {
    view,
    clock,
    random,
    conversion: createConversion(webhooks, random),
    catchUp,
    find(key) {
      return view.entry(key) ?? catchUp().then(() => view.entry(key));
    },
    async awaitActual(actual) {
      if (actual === undefined) return catchUp();
      try {
        if (view.revision < actual) await view.until(actual);
      } catch (error) {
        throw refusal(error);
      }
    },
    read<T extends KubeObject>({ key, text, revision }: Entry): T {
      const known = written.find(key);
      return known?.metadata.resourceVersion === String(revision) ? (known as T) : decodeObject<T>(text, revision);
    },
    wrote(key, revision, object) {
      const now_ms = clock.monotonic_ms();
      if (now_ms - aged_ms >= WRITTEN_MS) {
        written.age();
        aged_ms = now_ms;
      }
      written.remember(key, { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
    },
    async commit(mutations, premises, insists) {
      try {
        return await store.propose({ request: nextRequest(), mutations, ...(premises === undefined ? {} : { premises }) }, insists);
      } catch (error) {
        throw refusal(error);
      }
    },
  };
}

/** A store that is away is back soon, or not at all. */
const STORE_RETRY_AFTER_S = 1;

/** The store names its refusals; what it does not name is a fault of ours and stays as it is. */
function refusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === "ObjectTooLarge") return requestTooLarge();
  if (error.name === "StoreUnavailable") return serviceUnavailable(error.message, STORE_RETRY_AFTER_S);
  return error;
}
