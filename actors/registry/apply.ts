import { applyConflict, badRequest, notFound, unclassified } from "../kinds/errors.ts";
import type { Kind } from "../kinds/kind.ts";
import { apiVersionOf, asServed, keyFor } from "../kinds/kind.ts";
import { readPatched } from "../kinds/machinery/body.ts";
import { ConfigurationError } from "../kinds/managed-fields/applied-fields.ts";
import { type Applied as AppliedFields, type ApplyConflict, applyConfiguration } from "../kinds/managed-fields/apply.ts";
import { sayPath } from "../kinds/managed-fields/field-set.ts";
import { nextLastApplied } from "../kinds/managed-fields/last-applied.ts";
import { ItemError } from "../kinds/managed-fields/list-items.ts";
import type { FieldManager } from "../kinds/managed-fields/managers.ts";
import { emptyOf } from "../kinds/managed-fields/typed.ts";
import type { KubeObject } from "../kinds/object.ts";
import { StatusError } from "../kinds/status.ts";
import { decodeObject } from "../kinds/text.ts";
import { createObject, type WriteWorld } from "./create.ts";
import { fieldWrite, managersOf, typedKind } from "./field-ownership.ts";
import { checkIdentity } from "./patch.ts";
import type { Applied, Configuration, WriteOptions, WrittenPart } from "./registry.ts";
import { decideUpdate } from "./update.ts";
import { changeStored } from "./writes.ts";

/** How often an apply turns from an update into a create and back, when others delete and create the object at the same time. */
const TURNS_MAX = 8;

export type ApplyOptions = WriteOptions & { readonly fieldManager: string; readonly subresource?: WrittenPart };

/** Server-side apply. Source: apiserver's handlers/patch.go, applyPatcher, and apimachinery's fieldmanager. */
export async function applyObject<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  namespace: string | undefined,
  name: string,
  configuration: Configuration,
  options: ApplyOptions,
): Promise<Applied> {
  const body = checkedBody(kind, configuration.body, name);
  const key = keyFor(kind, kind.namespaced ? namespace : undefined, name);
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    const there = (await world.access.find(key)) !== undefined;
    if (!there && options.subresource !== undefined) throw notFound(kind, name);
    try {
      const entry = there
        ? await applyToStored(world, kind, namespace, name, body, configuration.force, options)
        : await createApplied(world, kind, namespace, name, body, configuration.force, options);
      return { created: !there, entry };
    } catch (error) {
      const { code = 0, reason = "" } = error instanceof StatusError ? error.status : {};
      const turned = there ? code === 404 : code === 409 && reason === "AlreadyExists";
      if (!turned) throw error;
    }
  }
  throw notFound(kind, name);
}

/** The configuration as a bag of members, of the right kind. Its name may be left out. */
function checkedBody(kind: Kind<never>, body: unknown, name: string): object {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const what = body === null ? "null" : Array.isArray(body) ? "array" : typeof body;
    throw badRequest(`error decoding YAML: json: cannot unmarshal ${what} into Go value of type map[string]interface {}`);
  }
  const { apiVersion, kind: named, metadata } = body as { apiVersion?: unknown; kind?: unknown; metadata?: Record<string, unknown> };
  if (apiVersion !== apiVersionOf(kind) || named !== kind.kind) {
    const version = typeof apiVersion === "string" ? apiVersion : "";
    const whole = version.includes("/") ? version : `/${version}`;
    throw badRequest(`invalid object type: ${whole}, Kind=${typeof named === "string" ? named : ""}`);
  }
  if (metadata?.managedFields !== undefined && metadata.managedFields !== null) throw badRequest("metadata.managedFields must be nil");
  return metadata?.name === undefined ? { ...body, metadata: { ...metadata, name } } : body;
}

function applyToStored<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  namespace: string | undefined,
  name: string,
  body: object,
  force: boolean,
  options: ApplyOptions,
): ReturnType<typeof changeStored<T, Applied["entry"]>> {
  const { stored } = kind;
  const own = (stored?.kind ?? kind) as unknown as Kind<T>;
  return changeStored(world.access, own, namespace, name, (entry, current) => {
    const served =
      kind.custom?.conversion === undefined ? asServed(kind, decodeObject<T>(entry.text, entry.revision)) : structuredClone(current);
    const live = { ...served, kind: kind.kind, apiVersion: apiVersionOf(kind) };
    const { next, managers } = applied<T>(world, kind, managersOf(entry), live, body, force, options);
    checkIdentity(own as unknown as Kind, current, next);
    const wanted = stored === undefined ? next : (stored.toStored(next) as T);
    const asked = { ...options, applied: managers, requested: kind as unknown as Kind };
    return decideUpdate(world, own, entry, current, wanted, asked, false);
  });
}

function createApplied<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  namespace: string | undefined,
  name: string,
  body: object,
  force: boolean,
  options: ApplyOptions,
): Promise<Applied["entry"]> {
  const { next, managers } = applied<T>(world, kind, [], emptyOf(typedKind(kind)), body, force, options);
  const { metadata } = next;
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (namespace !== undefined && metadata.namespace !== undefined && metadata.namespace !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  const placed = namespace === undefined ? next : { ...next, metadata: { ...metadata, namespace } };
  const { stored } = kind;
  if (stored === undefined) return createObject(world, kind, placed, options, managers);
  return createObject(world, stored.kind as unknown as Kind<T>, stored.toStored(placed) as T, options, managers, kind as unknown as Kind);
}

/** What the object and its managers are after the apply. Throws the refusal. */
function applied<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  managers: readonly FieldManager[],
  live: object,
  body: object,
  force: boolean,
  options: ApplyOptions,
): { readonly next: T; readonly managers: readonly FieldManager[] } {
  const write = fieldWrite(kind, options, options.subresource, world.access.clock.now_ms());
  const outcome = attempt(kind, body, () => applyConfiguration(write, managers, live, body, force));
  if ("conflicts" in outcome) throw conflictOf(outcome.conflicts);
  const object = outcome.object ?? (live as Record<string, unknown>);
  const annotations = nextLastApplied(options.fieldManager, object, body);
  const kept = annotations === undefined ? object : { ...object, metadata: { ...(object.metadata as object), annotations } };
  return { next: readPatched<T>(kind, kept, options.fieldValidation ?? "Warn").object, managers: outcome.managers };
}

function attempt(kind: Kind<never>, body: object, apply: () => AppliedFields): AppliedFields {
  try {
    return apply();
  } catch (error) {
    // It is of the object that is there that nobody can tell the items of a list apart.
    const live = error instanceof ItemError;
    if (!live && !(error instanceof ConfigurationError)) throw error;
    const { namespace = "", name = "" } =
      (body as { readonly metadata?: { readonly namespace?: string; readonly name?: string } }).metadata ?? {};
    const apiVersion = apiVersionOf(kind);
    const gvk = `${apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${kind.kind}`;
    throw unclassified(`failed to create typed ${live ? "live" : "patch"} object (${namespace}/${name}; ${gvk}): ${error.message}`);
  }
}

/** 409 with each field that somebody else owns. Source: apimachinery's managedfields/internal/conflict.go. */
function conflictOf(conflicts: readonly ApplyConflict[]): StatusError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${sayManager(manager)}`,
    field: sayPath(path),
  }));
  const [only] = causes;
  if (only !== undefined && causes.length === 1)
    return applyConflict(causes, `Apply failed with 1 conflict: ${only.message}: ${only.field}`);
  const byManager = Map.groupBy(conflicts, ({ manager }) => sayManager(manager));
  const lines = [...byManager].flatMap(([manager, theirs]) => [
    `conflicts with ${manager}:`,
    ...theirs.map(({ path }) => `- ${sayPath(path)}`),
  ]);
  return applyConflict(causes, `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`);
}

function sayManager({ manager, subresource, operation, apiVersion }: FieldManager): string {
  const named = `${JSON.stringify(manager)}${subresource === undefined ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === "Update" ? `${named} using ${apiVersion}` : named;
}
