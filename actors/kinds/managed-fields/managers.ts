import { difference, EMPTY, type FieldSet, FieldsError, readFields, sameSet, setOf, union } from "./field-set.ts";
import { OwnedFields } from "./owned-fields.ts";

/** Who wrote which fields of an object, one entry a manager, operation and version. Source: the concept page "Server-Side Apply", field management. */
export interface FieldManager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  /** The version of the API in which the fields are named. */
  readonly apiVersion: string;
  readonly subresource: string | undefined;
  /** When the fields last changed, RFC 3339 in whole seconds. */
  readonly time: string | undefined;
  readonly fields: OwnedFields;
}

/** An entry of `metadata.managedFields` as clients see and send it. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly time?: string | null;
  readonly fieldsType?: string;
  readonly fieldsV1?: unknown;
  readonly subresource?: string;
}

/** Managers of updates that an object remembers one by one; older ones are put together. Source: fieldmanager.DefaultMaxUpdateManagers. */
const UPDATE_MANAGERS_MAX = 10;
const ANCIENT = "ancient-changes";

/** What nobody owns. Source: fieldmanager's stripMetaManager. */
const UNMANAGED = setOf(
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"].map(
    (name) => ["f:metadata", `f:${name}`],
  ),
);

export function managed(fields: FieldSet): FieldSet {
  return difference(fields, UNMANAGED);
}

/** Whether two entries are the same manager's: appliers keep their entry from version to version. */
export function sameManager(a: FieldManager, b: FieldManager): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === "Apply" || a.apiVersion === b.apiVersion)
  );
}

/** Whether both say the same of who manages what; times and order do not count. */
export function sameManagers(a: readonly FieldManager[], b: readonly FieldManager[]): boolean {
  return (
    a === b ||
    (a.length === b.length && a.every((one) => b.some((other) => sameManager(one, other) && sameFields(one.fields, other.fields))))
  );
}

function sameFields(a: OwnedFields, b: OwnedFields): boolean {
  return a === b || a.json === b.json || sameSet(a.set, b.set);
}

/** Reads `metadata.managedFields`; undefined when it is none that anybody could work with. */
export function readManagers(entries: readonly ManagedFieldsEntry[]): FieldManager[] | undefined {
  try {
    return entries.map(readManager);
  } catch (error) {
    if (error instanceof FieldsError) return undefined;
    throw error;
  }
}

function readManager(entry: ManagedFieldsEntry): FieldManager {
  const { manager = "", operation, apiVersion, fieldsType, fieldsV1 = {}, subresource, time } = entry;
  if (operation !== "Apply" && operation !== "Update") throw new FieldsError("operation must be `Apply` or `Update`");
  if (apiVersion === undefined || apiVersion === "") throw new FieldsError("apiVersion must not be empty");
  if (fieldsType !== "FieldsV1") throw new FieldsError(`invalid fieldsType ${JSON.stringify(fieldsType ?? "")}`);
  return {
    manager,
    operation,
    apiVersion,
    subresource: subresource === "" ? undefined : subresource,
    time: time ?? undefined,
    fields: OwnedFields.of(fieldsV1 === null ? EMPTY : readFields(fieldsV1)),
  };
}

/** The JSON of `metadata.managedFields`, in Kubernetes' order; undefined when there are no managers. Source: sortEncodedManagedFields. */
export function managersJson(managers: readonly FieldManager[]): string | undefined {
  if (managers.length === 0) return undefined;
  return `[${[...managers].sort(inOrder).map(managerJson).join(",")}]`;
}

const NEXT_ENTRY = '},{"manager":';
const FIELDS = ',"fieldsType":"FieldsV1","fieldsV1":';
const SUBRESOURCE = ',"subresource":"';

/**
 * Reads what `managersJson` has written. Its entries have their members in one order, and inside FieldsV1 there are no lists and every quote but those around
 * steps is escaped; so the marks between the parts are nowhere else, and only the short heads are parsed.
 */
export function readManagersJson(json: string): FieldManager[] {
  return json
    .slice(1, -1)
    .split(NEXT_ENTRY)
    .map((part, index, { length }) => readEntry(`${index === 0 ? "" : '{"manager":'}${part}${index === length - 1 ? "" : "}"}`));
}

function readEntry(entry: string): FieldManager {
  const at = entry.indexOf(FIELDS);
  const from = at + FIELDS.length;
  // After the fields only a subresource may follow, and no step begins like this.
  const mark = entry.lastIndexOf(SUBRESOURCE);
  const to = mark > from ? mark : entry.length - 1;
  const { manager, operation, apiVersion, time } = JSON.parse(`${entry.slice(0, at)}}`) as ManagedFieldsEntry;
  return {
    manager: manager ?? "",
    operation: operation === "Apply" ? "Apply" : "Update",
    apiVersion: apiVersion ?? "",
    subresource: to === mark ? (JSON.parse(entry.slice(mark + SUBRESOURCE.length - 1, -1)) as string) : undefined,
    time: time ?? undefined,
    fields: OwnedFields.stored(entry.slice(from, to)),
  };
}

function managerJson({ manager, operation, apiVersion, time, fields, subresource }: FieldManager): string {
  const when = time === undefined ? "" : `"time":${JSON.stringify(time)},`;
  const where = subresource === undefined ? "" : `,"subresource":${JSON.stringify(subresource)}`;
  return `{"manager":${JSON.stringify(manager)},"operation":"${operation}","apiVersion":${JSON.stringify(apiVersion)},${when}"fieldsType":"FieldsV1","fieldsV1":${fields.json}${where}}`;
}

function inOrder(a: FieldManager, b: FieldManager): number {
  return (
    compareTexts(a.operation, b.operation) ||
    compareTexts(a.time ?? "", b.time ?? "") ||
    compareTexts(a.manager, b.manager) ||
    compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.subresource ?? "", b.subresource ?? "")
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Puts the oldest updates of one version together while there are too many. Source: fieldmanager's capManagersManager. */
export function capped(managers: readonly FieldManager[]): readonly FieldManager[] {
  const updates = managers.filter(({ operation }) => operation === "Update");
  let over = updates.length - UPDATE_MANAGERS_MAX;
  if (over <= 0) return managers;
  const buckets = new Map<string, FieldManager>();
  const gone = new Set<FieldManager>();
  for (const manager of updates.sort(inOrder)) {
    if (over <= 0) break;
    const bucket = buckets.get(manager.apiVersion);
    gone.add(manager);
    if (bucket === undefined) {
      buckets.set(manager.apiVersion, manager);
      continue;
    }
    const merged = {
      ...manager,
      manager: ANCIENT,
      subresource: undefined,
      fields: OwnedFields.of(union(bucket.fields.set, manager.fields.set)),
    };
    buckets.set(manager.apiVersion, merged);
    over -= 1;
  }
  return [...managers.filter((manager) => !gone.has(manager)), ...buckets.values()];
}
