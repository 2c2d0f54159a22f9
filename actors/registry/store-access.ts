import type { Clock, Random } from "../../runtime/mod.ts";
import { requestTooLarge, serviceUnavailable } from "../kinds/errors.ts";
import { requestIds } from "../store/request-ids.ts";
import type { Key, Mutation, Outcome, StoreClient } from "../store/transaction.ts";
import type { Entry, View } from "../store/view.ts";

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
  /** Proposes one transaction. Refusals of the store become StatusErrors: 500 for an object too large, 503 when no writer answers. */
  commit(mutations: readonly Mutation[]): Promise<Outcome>;
}

export function createStoreAccess(view: View, store: StoreClient, clock: Clock, random: Random): StoreAccess {
  const nextRequest = requestIds(random);
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
    async commit(mutations) {
      try {
        return await store.propose({ request: nextRequest(), mutations });
      } catch (error) {
        throw refusal(error);
      }
    },
  };
}

/** The store names its refusals; what it does not name is a fault of ours and stays as it is. */
function refusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === "ObjectTooLarge") return requestTooLarge();
  if (error.name === "StoreUnavailable") return serviceUnavailable(error.message);
  return error;
}
