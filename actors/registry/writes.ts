import { conflict, notFound } from "../kinds/errors.ts";
import type { Kind } from "../kinds/kind.ts";
import { keyFor } from "../kinds/kind.ts";
import type { KubeObject } from "../kinds/object.ts";
import { decodeObject, encodeObject, type StoredText } from "../kinds/text.ts";
import type { Premises } from "../store/premises.ts";
import { type Mutation, PREMISES_BROKEN } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";
import type { StoreAccess } from "./store-access.ts";

/** How often a write starts over when others change the same object at the same time. Each time at least one of them succeeded. */
export const WRITE_ATTEMPTS_MAX = 32;

/** What a write rested on has been touched by somebody else: it is to be decided anew, and the view shows why. */
export class Outdated extends Error {
  override readonly name = "Outdated";
}

/** What an attempt at a write has decided. */
export type Step<Result> =
  | { readonly done: Result }
  | {
      readonly mutations: readonly Mutation[];
      readonly premises?: Premises;
      /** The result when all were committed; `revision` is the first mutation's. */
      readonly result: (revision: number) => Result;
      /** What to say when mutation `index` lost its compare-and-set; undefined starts over with what is there then. */
      readonly lost?: (index: number) => Error | undefined;
    };

/**
 * Reads an object, decides, writes, and starts over when somebody else was faster. `decide` sees a copy of its own, and what it returns
 * may share parts with it. Without `converts` it sees the object in whatever version it is stored. That nothing is to be written, or that it is refused, is
 * never said of what this host's view alone shows: somebody else may have changed the object a moment ago. Throws NotFound when there is none, and Conflict
 * when starting over does not end. Source: origStateIsCurrent in etcd3's GuaranteedUpdate.
 */
export async function changeStored<T extends KubeObject, Result>(
  access: StoreAccess,
  kind: Kind<T>,
  namespace: string | undefined,
  name: string,
  decide: (entry: Entry, current: T) => Step<Result> | Promise<Step<Result>>,
  read: (entry: Entry) => T = (entry) => decodeObject<T>(entry.text, entry.revision),
  converts = true,
): Promise<Result> {
  const key = keyFor(kind, kind.namespaced ? namespace : undefined, name);
  let isCurrent = false;
  const isOutdated = async (entry: Entry): Promise<boolean> => {
    if (isCurrent) return false;
    isCurrent = true;
    await access.catchUp();
    return access.view.entry(key) !== entry;
  };
  for (let attempt = 0; attempt < WRITE_ATTEMPTS_MAX; attempt++) {
    const found = access.find(key);
    const entry = found instanceof Promise ? await found : found;
    if (entry === undefined) throw notFound(kind, name);
    const conversion = kind.custom?.conversion;
    const current = conversion === undefined || !converts ? read(entry) : await access.conversion.read(kind, conversion, entry);
    let step: Step<Result>;
    try {
      const decided = decide(entry, current);
      step = decided instanceof Promise ? await decided : decided;
    } catch (error) {
      if (await isOutdated(entry)) continue;
      throw error;
    }
    if ("done" in step) {
      if (await isOutdated(entry)) continue;
      return step.done;
    }
    const outcome = await access.commit(step.mutations, step.premises);
    if (outcome.committed) return step.result(outcome.revision);
    if (outcome.index === PREMISES_BROKEN) {
      await access.awaitActual(outcome.actual);
      throw new Outdated(`${key} was decided on what is not so any more`);
    }
    const refusal = step.lost?.(outcome.index);
    if (refusal !== undefined) throw refusal;
    await access.awaitActual(outcome.actual);
  }
  throw conflict(kind, name);
}

/** An object of this kind as it is stored; a promise only where somebody has to be asked to convert it. */
export function storedText<T extends KubeObject>(
  access: StoreAccess,
  kind: Kind<T>,
  object: T,
  managers: string | undefined,
): StoredText | Promise<StoredText> {
  const conversion = kind.custom?.conversion;
  return conversion === undefined ? { text: encodeObject(object), managers } : access.conversion.stored(kind, conversion, object, managers);
}

/** How Kubernetes says that an object was replaced by another of the same name. Source: storage.Preconditions.Check. */
export function uidConflict(
  resource: { readonly group: string; readonly plural: string },
  kind: Kind,
  object: KubeObject,
  wanted: string,
): Error {
  const { namespace, name, uid } = object.metadata;
  const key = `/registry/${kind.plural}/${namespace === undefined ? "" : `${namespace}/`}${name}`;
  const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`;
  return conflict(resource, name, why);
}
