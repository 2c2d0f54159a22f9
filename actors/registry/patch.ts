import { badRequest, conflict } from "../kinds/errors.ts";
import type { Scale } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import { apiVersionOf, asServed } from "../kinds/kind.ts";
import type { BodyKind } from "../kinds/machinery/body.ts";
import { readPatched } from "../kinds/machinery/body.ts";
import { patchDocument } from "../kinds/machinery/patch.ts";
import type { KubeObject } from "../kinds/object.ts";
import { decodeObject, decodeWhole } from "../kinds/text.ts";
import type { Entry } from "../store/view.ts";
import type { WriteWorld } from "./create.ts";
import type { Patch, WriteOptions } from "./registry.ts";
import { decideScale, SCALE, scaleOf, scaleOfEntry } from "./scale.ts";
import type { UpdateOptions } from "./update.ts";
import { decideUpdate } from "./update.ts";
import { changeStored, uidConflict } from "./writes.ts";

/**
 * Reads, patches what it read, writes; on a conflict it patches what is there then. The patch may name a resourceVersion: then it
 * holds for that one only. Source: apiserver's handlers/patch.go.
 */
export function patchObject<T extends KubeObject>(
  world: WriteWorld,
  kind: Kind<T>,
  namespace: string | undefined,
  name: string,
  patch: Patch,
  options: UpdateOptions,
): Promise<Entry> {
  const { stored } = kind;
  const own = (stored?.kind ?? kind) as unknown as Kind<T>;
  return changeStored(world.access, own, namespace, name, (entry, current) => {
    // Who manages its fields is as long as the object, and hardly ever what a patch is about.
    const read = mentionsManagers(patch) ? decodeWhole<T>(entry, entry.revision) : decodeObject<T>(entry.text, entry.revision);
    const served = kind.custom?.conversion === undefined ? asServed(kind, read) : structuredClone(current);
    const document = { ...served, kind: kind.kind, apiVersion: apiVersionOf(kind) };
    const next = patched<T>(kind, document, patch, options);
    checkIdentity(own as unknown as Kind, current, next);
    const wanted = stored === undefined ? next : (stored.toStored(next) as T);
    const asked = stored === undefined ? options : { ...options, requested: kind as unknown as Kind };
    return decideUpdate(world, own, entry, current, wanted, asked, namesRevision(patch));
  });
}

/** The same for the Scale of a workload. */
export async function patchScale(
  world: WriteWorld,
  kind: Kind,
  namespace: string,
  name: string,
  patch: Patch,
  options: WriteOptions,
): Promise<Scale> {
  const entry = await changeStored(world.access, kind, namespace, name, (entry, current) => {
    const next = patched<Scale>(SCALE, scaleOf(kind, current), patch, options);
    checkIdentity(kind, current, next);
    return decideScale(world, kind, entry, current, next, options, namesRevision(patch));
  });
  return scaleOfEntry(kind, entry);
}

/** The patched document as an object of its kind, a private copy. */
function patched<T extends KubeObject>(kind: BodyKind, document: object, patch: Patch, options: WriteOptions): T {
  const strategic = patch.type === "strategic" ? patch.body : undefined;
  const next = patchDocument(kind.schema, document, patch);
  const { object, warnings } = readPatched<T>(kind, next, options.fieldValidation ?? "Warn", strategic);
  for (const words of warnings) options.warn?.(words);
  return object;
}

/** What no patch may change: which object it is, and which state of it. */
export function checkIdentity(kind: Kind, current: KubeObject, next: KubeObject): void {
  const { metadata } = current;
  const { name, namespace, uid, resourceVersion } = next.metadata ?? {};
  if (name !== metadata.name) {
    throw badRequest(`the name of the object (${name ?? ""}) does not match the name on the URL (${metadata.name})`);
  }
  if (namespace !== metadata.namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  if (uid !== undefined && uid !== "" && uid !== metadata.uid) throw uidConflict(kind, kind, current, uid);
  if (resourceVersion !== undefined && resourceVersion !== "" && resourceVersion !== metadata.resourceVersion)
    throw conflict(kind, metadata.name);
}

function mentionsManagers({ type, body }: Patch): boolean {
  if (type === "json") return JSON.stringify(body)?.includes("managedFields") === true;
  const metadata = (body as { readonly metadata?: unknown } | null)?.metadata;
  return typeof metadata === "object" && metadata !== null && Object.keys(metadata).some((member) => member.includes("managedFields"));
}

/** Whether the patch speaks of one revision only. */
function namesRevision({ type, body }: Patch): boolean {
  if (type === "json") return false;
  const metadata = (body as { readonly metadata?: { readonly resourceVersion?: unknown } } | null)?.metadata;
  return typeof metadata?.resourceVersion === "string" && metadata.resourceVersion !== "";
}
