import { conflict, invalid } from "../kinds/errors.ts";
import type { Kind } from "../kinds/kind.ts";
import { keyFor, resourceOf } from "../kinds/kind.ts";
import { type FieldManager, type ManagedFieldsEntry, managersJson, sameManagers } from "../kinds/managed-fields/managers.ts";
import type { KubeObject } from "../kinds/object.ts";
import { errorsBesideStatus, errorsInUpdate } from "../kinds/object-rules.ts";
import type { FieldError } from "../kinds/status.ts";
import { decodeObject, managersText, type ObjectText } from "../kinds/text.ts";
import type { Mutation } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";
import { adminAccessErrors } from "./admin-access.ts";
import type { AdmissionRequest } from "./admission/admission.ts";
import { admit } from "./admission/admission.ts";
import { isBusy } from "./admission/part-admission.ts";
import type { Companion, Plan } from "./companion.ts";
import type { WriteWorld } from "./create.ts";
import { isReleased } from "./deletion.ts";
import { fieldWrite, managersOf, ownedAfterUpdate } from "./field-ownership.ts";
import { carryOver, countGeneration, sameObject } from "./object-state.ts";
import type { ModifyOptions, WriteOptions, WrittenPart } from "./registry.ts";
import type { StoreAccess } from "./store-access.ts";
import type { Step } from "./writes.ts";
import { changeStored, storedText, uidConflict } from "./writes.ts";

export interface UpdateOptions extends WriteOptions {
  readonly subresource?: WrittenPart;
  /** The door that is named beside the manager of the fields, where it is another than `subresource`. */
  readonly door?: "scale";
  /** The kind as which the client named it, where it is not the one that is stored. */
  readonly requested?: Kind;
  /** The managers after an apply; those of other updates are told from what changes. */
  readonly applied?: readonly FieldManager[];
}

/** The revision that an update insists on; undefined when it takes any. */
export function namedRevision(object: KubeObject): string | undefined {
  const { resourceVersion } = object.metadata;
  return resourceVersion === undefined || resourceVersion === "" || resourceVersion === "0" ? undefined : resourceVersion;
}

/** A full replacement by what a client sent. Source: apiserver's registry.Store.Update. */
export async function updateObject<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  object: T,
  options: UpdateOptions,
): Promise<Entry> {
  const { namespace, name } = object.metadata;
  const named = namedRevision(object);
  if (named === undefined && kind.updatesNameRevision === true) throw revisionMissing(kind, name);
  if (named !== undefined) await catchUpWith(world, kind, namespace, name, named);
  return changeStored(world.access, kind, namespace, name, (entry, current) => {
    const { uid } = object.metadata;
    if (uid !== undefined && uid !== "" && uid !== current.metadata.uid) throw uidConflict(kind, kind as unknown as Kind, current, uid);
    if (named !== undefined && named !== String(entry.revision)) throw conflict(kind, name);
    return decideUpdate(world, kind, entry, current, object, options, named !== undefined);
  });
}

function revisionMissing(kind: Kind<never>, name: string): Error {
  const message = "Invalid value: 0x0: must be specified for an update";
  const { group, plural } = kind;
  return invalid({ group, kind: plural }, name, [{ reason: "FieldValueInvalid", field: "metadata.resourceVersion", message }]);
}

/** This host may not have seen yet the revision that the client has. */
async function catchUpWith(
  world: WriteWorld,
  kind: Kind<never>,
  namespace: string | undefined,
  name: string,
  named: string,
): Promise<void> {
  const key = keyFor(kind, kind.namespaced ? namespace : undefined, name);
  const entry = world.access.view.entry(key);
  if (entry !== undefined && entry.revision < Number(named)) await world.access.catchUp();
}

/** Reads, modifies, writes, and starts over on a conflict. */
export async function modifyObject<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  namespace: string | undefined,
  name: string,
  modify: (current: T, entry: Entry) => T | undefined,
  options: UpdateOptions & ModifyOptions,
): Promise<Entry> {
  const decide = (entry: Entry, current: T): Step<Entry> | Promise<Step<Entry>> => {
    // A status is put beside the rest, which then is known to be unchanged at a glance. For a change of anything else, defaults and
    // preparation need a copy of their own, and parsing the text again is the cheapest there is.
    const copy = (): T => (kind.custom?.conversion === undefined ? decodeObject<T>(entry.text, entry.revision) : structuredClone(current));
    const next = modify(options.subresource !== undefined ? current : copy(), entry);
    return next === undefined ? { done: entry } : decideUpdate(world, kind, entry, current, next, options, false);
  };
  return changeStored(world.access, kind, namespace, name, decide, (entry) => world.access.read<T>(entry));
}

/** Whether nobody else has a say in a write of this kind, and nothing goes along with it. */
function isRewritable({ partAdmission, companions }: WriteWorld, kind: Kind<never>, options: UpdateOptions): boolean {
  const resource = resourceOf(kind);
  return options.dryRun !== true && !companions.has(resource) && !isBusy(partAdmission, options, resource);
}

/** See Registry.rewriteTogether. */
export async function rewriteTexts(
  world: WriteWorld,
  kind: Kind<never>,
  namespace: string | undefined,
  names: readonly string[],
  rewrite: (text: ObjectText, name: string) => ObjectText | undefined,
  options: WriteOptions,
): Promise<ReadonlySet<string>> {
  const { access } = world;
  const changed = new Set<string>();
  const mutations: Mutation[] = [];
  if (!isRewritable(world, kind, options)) return changed;
  for (const name of names) {
    const entry = access.view.entry(keyFor(kind, namespace, name));
    const text = entry === undefined ? undefined : rewrite(entry.text, name);
    if (entry === undefined || text === undefined) continue;
    changed.add(name);
    mutations.push({ op: "update", key: entry.key, text, managers: entry.managers, expect: entry.revision });
  }
  if (mutations.length === 0) return changed;
  const outcome = await access.commit(mutations);
  if (outcome.committed) return changed;
  await access.awaitActual(outcome.actual);
  return new Set();
}

/** `insists`: the client named the revision that it changes, so a lost compare-and-set is its conflict to solve. */
export async function decideUpdate<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  entry: Entry,
  current: T,
  wanted: T,
  options: UpdateOptions,
  insists: boolean,
): Promise<Step<Entry>> {
  const companion = options.subresource === undefined ? (world.companions.get(resourceOf(kind)) as Companion<T> | undefined) : undefined;
  const { subresource } = options;
  const { next, alongside }: Admitted<T> =
    subresource === undefined || kind.specDoors?.[subresource] !== undefined
      ? await nextBySpec(world, kind, wanted, current, companion, options)
      : {
          next: isBusy(world.partAdmission, options, resourceOf(kind))
            ? await admittedByStatus(world, kind, wanted, current, subresource, options)
            : nextByStatus(world.access, kind, wanted, current, subresource, options),
        };
  const plan: Plan<T> = companion === undefined ? { object: next, mutations: [] } : companion.plan(next, current);
  const same = plan.mutations.length === 0 && sameObject(plan.object, current);
  if (same && !ownsAnew(wanted, options, entry)) return { done: entry };
  const managers = managersAfter(world, kind, entry, current, wanted, plan.object, options);
  // Texts do not tell: versions that are stored in another's form have their fields in another order.
  if (same && managers === entry.managers) return { done: entry };
  const encoded = storedText(world.access, kind, plan.object, managers);
  const stored = encoded instanceof Promise ? await encoded : encoded;
  const { key, revision: expect } = entry;
  const charges = alongside?.() ?? [];
  if (options.dryRun === true) return { done: { key, revision: expect, ...stored } };
  const released = isReleased(kind as unknown as Kind, plan.object);
  const own: Mutation = released ? { op: "delete", key, expect } : { op: "update", key, ...stored, expect };
  const others = released && companion !== undefined ? companion.release(current) : plan.mutations;
  const { name } = current.metadata;
  return {
    mutations: [own, ...others, ...charges],
    result: (revision) => {
      if (options.subresource !== undefined) world.access.wrote(key, revision, plan.object);
      return { key, revision, ...stored };
    },
    lost: (index) => {
      const other = index === 0 ? undefined : others[index - 1];
      if (other !== undefined) return companion?.refusal(plan.object, next, other);
      return insists && index === 0 ? conflict(kind, name) : undefined;
    },
  };
}

/** Whether fields change hands though the object stays as it is. */
function ownsAnew(wanted: KubeObject, options: UpdateOptions, entry: Entry): boolean {
  if (options.applied !== undefined) return !sameManagers(options.applied, managersOf(entry));
  return options.subresource === undefined && wanted.metadata.managedFields !== undefined;
}

function managersAfter<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  entry: Entry,
  current: T,
  wanted: T,
  next: T,
  options: UpdateOptions,
): string | undefined {
  if (options.applied !== undefined) return managersText(managersJson(options.applied));
  if (options.unmanaged === true) return entry.managers;
  const write = fieldWrite(kind, options, options.door ?? options.subresource, world.access.clock.now_ms());
  const given = wanted.metadata.managedFields as ManagedFieldsEntry[] | undefined;
  return managersText(ownedAfterUpdate(write, entry, current, next, given));
}

/**
 * Through `status` the status changes, and metadata with most built-in kinds; who owns the object is never decided there, and what was
 * checked when it came in is not checked again.
 */
function nextByStatus<T extends KubeObject>(
  access: StoreAccess,
  kind: Kind<T>,
  wanted: T,
  current: T,
  part: WrittenPart,
  options: UpdateOptions,
): T {
  const now_ms = access.clock.now_ms();
  const { status } = wanted as T & { readonly status?: unknown };
  if (part === "approval") {
    const next = { ...current, status };
    kind.prepareForApproval?.(next, current, { now_ms });
    const errors = kind.validateApproval?.(next, current) ?? [];
    if (errors.length > 0) throw invalid(kind, current.metadata.name, errors);
    return next;
  }
  if (kind.custom !== undefined || kind.statusKeepsMetadata === true) return withStatus(access, kind, current, status, options);
  const { ownerReferences: _ignored, ...given } = wanted.metadata;
  const owners = current.metadata.ownerReferences;
  const metadata = owners === undefined ? given : { ...given, ownerReferences: owners };
  const next = { ...current, metadata: carryOver({ ...wanted, metadata }, current).metadata, status };
  kind.prepareForStatusUpdate?.(next, current, { now_ms });
  const errors = statusErrors(kind, next, current, options);
  if (!sameObject({ metadata: next.metadata }, { metadata: current.metadata })) {
    errors.unshift(...errorsBesideStatus(kind, next, current));
  }
  if (errors.length > 0) throw invalid(kind, current.metadata.name, errors);
  return next;
}

/** The same where webhooks or policies have a say. */
async function admittedByStatus<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  wanted: T,
  current: T,
  part: WrittenPart,
  options: UpdateOptions,
): Promise<T> {
  const { access, partAdmission } = world;
  // What is wanted may share parts with what there is.
  const request = updateRequest(kind, structuredClone(wanted), current, options);
  await admit(partAdmission, "mutate", request, access);
  const next = nextByStatus(access, kind, request.object as T, current, part, options);
  await admit(partAdmission, "validate", { ...request, object: next }, access);
  return next;
}

function updateRequest<T extends KubeObject>(kind: Kind<T>, object: T, current: T, options: UpdateOptions): AdmissionRequest {
  const { namespace, name } = current.metadata;
  const own = kind as unknown as Kind;
  const { requested = own, subresource } = options;
  return { operation: "update", kind: own, requested, resource: resourceOf(kind), namespace, name, subresource, object, current, options };
}

function withStatus<T extends KubeObject>(access: StoreAccess, kind: Kind<T>, current: T, status: unknown, options: UpdateOptions): T {
  const { status: _before, ...rest } = current as T & { readonly status?: unknown };
  const next = (status === undefined && kind.custom !== undefined ? rest : { ...current, status }) as T;
  kind.prepareForStatusUpdate?.(next, current, { now_ms: access.clock.now_ms() });
  const errors =
    kind.validatesStatus === true
      ? kind.validate(next, current)
      : [...adminAccessErrors(access, kind, next, current), ...statusErrors(kind, next, current, options)];
  if (errors.length > 0) throw invalid(kind, current.metadata.name, errors);
  return next;
}

/** What the house says of its own objects is as it should be. */
function statusErrors<T extends KubeObject>(kind: Kind<T>, next: T, current: T, { requester }: UpdateOptions): FieldError[] {
  return requester === undefined ? [] : (kind.validateStatus?.(next, current) ?? []);
}

async function nextBySpec<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  wanted: T,
  current: T,
  companion: Companion<T> | undefined,
  options: UpdateOptions,
): Promise<Admitted<T>> {
  const { name } = current.metadata;
  // A Scale was seen as what it is.
  const admission = options.door === "scale" ? world.wholeAdmission : world.admission;
  const request = updateRequest(kind, wanted, current, options);
  const mutating = admit(admission, "mutate", request, world.access);
  if (mutating !== undefined) await mutating;
  const admitted = request.object as T;
  kind.applyDefaults?.(admitted);
  const door = options.subresource === undefined ? undefined : kind.specDoors?.[options.subresource];
  const prepared = (door?.through(admitted, current) as T | undefined) ?? preparedUpdate(world, kind, admitted, current, companion);
  const next = countGeneration(kind, prepared, current);
  const found = door?.validate(next, current) ?? errorsInUpdate(kind, next, current);
  const errors = found.filter((error) => !world.tolerates(error));
  if (errors.length > 0) throw invalid(kind, name, errors);
  if (options.warn !== undefined && door === undefined) for (const text of kind.warnings?.(next, current) ?? []) options.warn(text);
  const validated: AdmissionRequest = { ...request, object: next };
  const validating = admit(admission, "validate", validated, world.access);
  if (validating !== undefined) await validating;
  return { next, alongside: validated.alongside };
}

/** What an object is to become, and what admission wants to be written with it. */
interface Admitted<T extends KubeObject> {
  readonly next: T;
  readonly alongside?: AdmissionRequest["alongside"];
}

function preparedUpdate<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  wanted: T,
  current: T,
  companion: Companion<T> | undefined,
): T {
  const carried = carryOver(wanted, current);
  const prepared = companion === undefined ? carried : companion.keep(carried, current);
  kind.prepareForUpdate?.(prepared, current, { now_ms: world.access.clock.now_ms() });
  return prepared;
}
