/** Keeps `metadata.managedFields` of what is written: who owns which fields. The rules are in kinds/managed-fields; here they meet the store. */
import type { Kind } from "../kinds/kind.ts";
import { apiVersionOf } from "../kinds/kind.ts";
import { ItemError } from "../kinds/managed-fields/list-items.ts";
import {
  type FieldManager,
  type ManagedFieldsEntry,
  managersJson,
  readManagers,
  readManagersJson,
} from "../kinds/managed-fields/managers.ts";
import { type StructType, typedOf } from "../kinds/managed-fields/typed.ts";
import { afterCreate, afterUpdate, type FieldWrite, resetCustomFields, resetFields } from "../kinds/managed-fields/update.ts";
import type { KubeObject } from "../kinds/object.ts";
import { managedFieldsOf, type StoredText } from "../kinds/text.ts";
import type { WriteOptions } from "./registry.ts";
import { timestamp } from "./timestamps.ts";

/** The manager of writes that name none. */
const UNKNOWN_MANAGER = "unknown";

/** The fields of a kind as server-side apply sees them. */
export function typedKind({ custom, schema }: Pick<Kind, "custom" | "schema">): StructType {
  return custom?.typed ?? typedOf(schema);
}

/** A write through this door, by who asks. `door` is the subresource that is named beside the manager. */
export function fieldWrite(kind: Kind<never>, options: WriteOptions, door: string | undefined, now_ms: number): FieldWrite {
  const hasStatus = kind.subresources.some(({ name }) => name === "status");
  return {
    type: typedKind(kind),
    apiVersion: apiVersionOf(kind),
    manager: options.fieldManager ?? UNKNOWN_MANAGER,
    subresource: door,
    // Kubernetes forgets the time where a Scale's managers become the workload's; whoever compares the two sees it.
    time: door === "scale" ? undefined : timestamp(now_ms),
    reset: kind.custom === undefined ? resetFields({ plural: kind.plural, hasStatus }, door) : resetCustomFields(hasStatus, door),
  };
}

/** The managers of a new object, as JSON. */
export function ownedByCreate(write: FieldWrite, object: KubeObject): string | undefined {
  return managersJson(unlessUntold(() => afterCreate(write, object)));
}

/** Nobody manages the fields of an object with list items that cannot be told apart. Source: apimachinery's FieldManager.UpdateNoErrors. */
function unlessUntold(decide: () => readonly FieldManager[]): readonly FieldManager[] {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    return [];
  }
}

/** The managers that a stored object has. */
export function managersOf(stored: StoredText): readonly FieldManager[] {
  const json = managedFieldsOf(stored);
  return json === undefined ? [] : readManagersJson(json);
}

/**
 * The managers after an update, as JSON. A client may send other managers along with a whole object; an empty list, or one with an empty entry, resets
 * them. Objects that nobody keeps track of stay so. Source: apimachinery's fieldmanager, decodeLiveOrNew and skipNonApplied.
 */
export function ownedAfterUpdate(
  write: FieldWrite,
  stored: StoredText,
  current: KubeObject,
  next: KubeObject,
  given: readonly ManagedFieldsEntry[] | undefined,
): string | undefined {
  const known = write.subresource === undefined ? sentManagers(given, stored) : managersOf(stored);
  return known.length === 0 ? undefined : managersJson(unlessUntold(() => afterUpdate(write, known, current, next)));
}

function sentManagers(given: readonly ManagedFieldsEntry[] | undefined, stored: StoredText): readonly FieldManager[] {
  if (given === undefined) return managersOf(stored);
  if (given.length === 0 || (given.length === 1 && Object.keys(given[0] ?? {}).length === 0)) return [];
  return readManagers(given) ?? managersOf(stored);
}
