import { alreadyExists, conflict, generateNameConflict, invalid } from "../kinds/errors.ts";
import type { Kind } from "../kinds/kind.ts";
import { keyFor, resourceOf } from "../kinds/kind.ts";
import { type FieldManager, managersJson } from "../kinds/managed-fields/managers.ts";
import type { KubeObject } from "../kinds/object.ts";
import { errorsInNew } from "../kinds/object-rules.ts";
import type { FieldError } from "../kinds/status.ts";
import { managersText } from "../kinds/text.ts";
import type { Mutation } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";
import { adminAccessErrors } from "./admin-access.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission/admission.ts";
import { admit } from "./admission/admission.ts";
import type { Companion, Plan } from "./companion.ts";
import { fieldWrite, ownedByCreate } from "./field-ownership.ts";
import { generateName } from "./names.ts";
import { newObject } from "./object-state.ts";
import type { WriteOptions } from "./registry.ts";
import type { StoreAccess } from "./store-access.ts";
import { storedText } from "./writes.ts";

/** How many names `generateName` may try. Source: apiserver's registry.maxNameGenerationCreateAttempts. */
const NAME_ATTEMPTS_MAX = 8;
/** How often what goes along may be decided anew when others are faster: they take an allocation, or charge a quota. */
const ALONGSIDE_ATTEMPTS_MAX = 32;

/** The world of a write: what there is, who has a say, and what goes along. */
export interface WriteWorld {
  readonly access: StoreAccess;
  readonly admission: readonly AdmissionPlugin[];
  /** Those of them that see writes through subresources, while they are busy; and the others. */
  readonly partAdmission: readonly AdmissionPlugin[];
  readonly wholeAdmission: readonly AdmissionPlugin[];
  readonly companions: ReadonlyMap<string, Companion>;
  /** What is a mistake in other clusters and none in this one. */
  readonly tolerates: (error: FieldError) => boolean;
}

/** `applied`: the managers of what an apply made; others are told from the object. `requested`: the kind as which the client named it. Admission, names, metadata, defaults, validation, admission again, one transaction. Source: apiserver's registry.Store.Create. */
export async function createObject<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  object: T,
  options: WriteOptions,
  applied?: readonly FieldManager[],
  requested: Kind = kind as unknown as Kind,
): Promise<Entry> {
  const { access, admission } = world;
  const resource = resourceOf(kind);
  const { name = "", generateName: base = "" } = object.metadata as Partial<KubeObject["metadata"]>;
  const request: AdmissionRequest = {
    operation: "create",
    kind: kind as unknown as Kind,
    requested,
    resource,
    namespace: kind.namespaced ? object.metadata.namespace : undefined,
    name,
    subresource: undefined,
    object,
    current: undefined,
    options,
  };
  const now_ms = access.clock.now_ms();
  // What a client leaves to the defaults is its own all the same; what admission fills in is nobody's.
  kind.applyDefaults?.(object);
  const owned = applied === undefined ? ownedByCreate(fieldWrite(kind, options, undefined, now_ms), object) : managersJson(applied);
  const mutating = admit(admission, "mutate", request, access);
  if (mutating !== undefined) await mutating;
  const generated = name === "" && base !== "";
  const next = newObject(kind, request.object as T, generated ? generateName(base, access.random) : name, access.random, now_ms);
  kind.applyDefaults?.(next);
  kind.prepareForCreate?.(next, options.requester === undefined ? { now_ms } : { now_ms, requester: options.requester });
  const errors = [...adminAccessErrors(access, kind, next), ...errorsInNew(kind, next)].filter((error) => !world.tolerates(error));
  if (errors.length > 0) throw invalid(kind, next.metadata.name, errors);
  if (options.warn !== undefined) for (const text of kind.warnings?.(next) ?? []) options.warn(text);
  const admitted: AdmissionRequest = { ...request, name: next.metadata.name, object: next };
  const validating = admit(admission, "validate", admitted, access);
  if (validating !== undefined) await validating;
  const companion = world.companions.get(resource) as Companion<T> | undefined;
  const { alongside } = admitted;
  const managers = managersText(owned);
  if (options.dryRun !== true)
    return createNamed(world, kind, next, { companion, alongside }, generated ? base : undefined, managers, options.insists);
  alongside?.();
  return createDry(world, kind, companion === undefined ? next : companion.plan(next, undefined).object, managers);
}

/** What is written in the transaction that creates an object. */
interface Escort<T extends KubeObject> {
  readonly companion: Companion<T> | undefined;
  readonly alongside: AdmissionRequest["alongside"];
}

/** Creates under the object's name, or under others made from `base` while they are taken. */
async function createNamed<T extends KubeObject>(
  { access }: WriteWorld,
  kind: Kind<T>,
  wanted: T,
  { companion, alongside }: Escort<T>,
  base: string | undefined,
  managers: string | undefined,
  insists: (() => boolean) | undefined,
): Promise<Entry> {
  let named = wanted;
  let names = 1;
  for (let attempt = 1; ; attempt++) {
    const plan: Plan<T> = companion === undefined ? { object: named, mutations: [] } : companion.plan(named, undefined);
    const { namespace, name } = plan.object.metadata;
    const encoded = storedText(access, kind, plan.object, managers);
    const stored = encoded instanceof Promise ? await encoded : encoded;
    const own = { op: "create", key: keyFor(kind, kind.namespaced ? namespace : undefined, name), ...stored } as const;
    const mutations: readonly Mutation[] = [own, ...plan.mutations, ...(alongside?.() ?? [])];
    const outcome = await access.commit(mutations, undefined, insists);
    if (outcome.committed) {
      access.wrote(own.key, outcome.revision, plan.object);
      return { key: own.key, revision: outcome.revision, ...stored };
    }
    const taken = mutations[outcome.index];
    if (taken === undefined || taken === own) {
      if (base === undefined) throw alreadyExists(kind, name);
      if (names++ >= NAME_ATTEMPTS_MAX) throw generateNameConflict(kind, name);
      named = { ...named, metadata: { ...named.metadata, name: generateName(base, access.random) } };
      // A namespace has its name in a label, too.
      kind.applyDefaults?.(named);
      continue;
    }
    const refusal = plan.mutations.includes(taken) ? companion?.refusal(plan.object, named, taken) : undefined;
    if (refusal !== undefined) throw refusal;
    if (attempt >= ALONGSIDE_ATTEMPTS_MAX) throw plan.mutations.includes(taken) ? alreadyExists(kind, name) : conflict(kind, name);
    await access.awaitActual(outcome.actual);
  }
}

/** What would have been created, with revision 0. */
async function createDry<T extends KubeObject>(
  { access }: WriteWorld,
  kind: Kind<T>,
  object: T,
  managers: string | undefined,
): Promise<Entry> {
  const { namespace, name } = object.metadata;
  const key = keyFor(kind, kind.namespaced ? namespace : undefined, name);
  if ((await access.find(key)) !== undefined) throw alreadyExists(kind, name);
  return { key, revision: 0, ...(await storedText(access, kind, object, managers)) };
}
