import { conflict } from "../kinds/errors.ts";
import type { Kind } from "../kinds/kind.ts";
import { keyFor, resourceOf } from "../kinds/kind.ts";
import type { KubeObject } from "../kinds/object.ts";
import { StatusError } from "../kinds/status.ts";
import { decodeObject, encodeObject, type ObjectText, withVersion } from "../kinds/text.ts";
import type { Mutation } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";
import { type AdmissionRequest, admit } from "./admission/admission.ts";
import { isBusy } from "./admission/part-admission.ts";
import type { WriteWorld } from "./create.ts";
import { checkPreconditions, decideDeletion } from "./deletion.ts";
import type { Deleted, DeleteOptions, Matches } from "./registry.ts";
import type { Step } from "./writes.ts";
import { changeStored } from "./writes.ts";

/** Deletions of one deletecollection that are under way at the same time: they share the writer's batches. */
const COLLECTION_PARALLEL = 256;

/** Source: apiserver's registry.Store.Delete. */
export async function deleteObject(
  world: WriteWorld,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  options: DeleteOptions,
  requested: Kind = kind,
): Promise<Deleted> {
  const wanted = options.preconditions?.resourceVersion;
  if (wanted !== undefined) {
    const seen = world.access.view.entry(keyFor(kind, kind.namespaced ? namespace : undefined, name));
    if (seen !== undefined && seen.revision < Number(wanted)) await world.access.catchUp();
  }
  // What is to go has to be converted only for those who want to see it go: a webhook that is gone itself holds nothing.
  const converts = isBusy(world.partAdmission, options, resourceOf(kind));
  const decide = async (entry: Entry, current: KubeObject): Promise<Step<Deleted>> => {
    const request: AdmissionRequest = {
      operation: "delete",
      kind,
      requested,
      resource: resourceOf(kind),
      namespace,
      name,
      subresource: undefined,
      object: current,
      current,
      options,
    };
    const mutating = admit(world.admission, "mutate", request, world.access);
    if (mutating !== undefined) await mutating;
    const validating = admit(world.admission, "validate", request, world.access);
    if (validating !== undefined) await validating;
    return deletionStep(world, kind, entry, current, options, []);
  };
  return changeStored(world.access, kind, namespace, name, decide, undefined, converts);
}

/** One attempt at deleting what is there now; `others` are changes that happen with it. */
export function deletionStep(
  world: WriteWorld,
  kind: Kind,
  entry: Entry,
  current: KubeObject,
  options: DeleteOptions,
  others: readonly Mutation[],
): Step<Deleted> {
  checkPreconditions(kind, current, options.preconditions);
  const decision = decideDeletion(kind, current, options, world.access.clock.now_ms());
  if (decision.action === "keep") return { done: { removed: false, entry } };
  const { key, revision: expect, managers } = entry;
  const removed = decision.action === "remove";
  const text = decision.object === current ? entry.text : markedText(kind, entry, decision.object);
  if (options.dryRun === true) return { done: { removed, entry: { key, revision: expect, text, managers } } };
  const own: Mutation = removed ? { op: "delete", key, expect } : { op: "update", key, text, managers, expect };
  const released = removed ? (world.companions.get(resourceOf(kind))?.release(current) ?? []) : [];
  const insists = options.preconditions?.resourceVersion !== undefined;
  return {
    mutations: [own, ...released, ...others],
    result: (revision) => ({ removed, entry: { key, revision, text, managers } }),
    lost: (index) => (insists && index === 0 ? conflict({ group: kind.group, plural: kind.kind }, current.metadata.name) : undefined),
  };
}

/** Of what is to go only the metadata changes: an object that a webhook has converted to be looked at stays stored as it was. */
function markedText(kind: Kind, entry: Entry, object: KubeObject): ObjectText {
  if (kind.custom?.conversion === undefined) return encodeObject(object);
  const { apiVersion, ...stored } = decodeObject(entry.text, entry.revision);
  const marked = encodeObject({ ...stored, metadata: object.metadata });
  return apiVersion === undefined ? marked : withVersion(marked, apiVersion);
}

/** Deletes all that match. What is gone by the time it is its turn does not count; other refusals end the call. */
export async function deleteMatching(
  world: WriteWorld,
  kind: Kind,
  namespace: string | undefined,
  matches: Matches,
  options: DeleteOptions,
  requested: Kind = kind,
): Promise<readonly Deleted[]> {
  const { access } = world;
  await access.catchUp();
  const names: { readonly namespace: string | undefined; readonly name: string }[] = [];
  for (const entry of access.view.list(resourceOf(kind), namespace)) {
    const object = access.view.decode(entry);
    if (matches(object)) names.push({ namespace: object.metadata.namespace, name: object.metadata.name });
  }
  const deleted: Deleted[] = [];
  for (let from = 0; from < names.length; from += COLLECTION_PARALLEL) {
    const results = await Promise.all(
      names
        .slice(from, from + COLLECTION_PARALLEL)
        .map((one) => deleteObject(world, kind, one.namespace, one.name, options, requested).catch(unlessGone)),
    );
    for (const result of results) if (result !== undefined) deleted.push(result);
  }
  return deleted;
}

function unlessGone(error: unknown): undefined {
  if (error instanceof StatusError && error.status.code === 404) return undefined;
  throw error;
}
