/**
 * One Swagger document of several: that of this server, and what others serve behind APIServices. Source: kube-aggregator's pkg/controllers/openapi/aggregator, and
 * kube-openapi's pkg/aggregator, MergeSpecsIgnorePathConflictRenamingDefinitionsAndParameters.
 */
import { isDeepStrictEqual } from "node:util";

type Members = Readonly<Record<string, unknown>>;

export interface Swagger {
  readonly paths?: Members;
  readonly definitions?: Members;
}

/** What others serve is below this. */
const REMOTE_PATHS = "/apis/";
const REFERENCE = "#/definitions/";
/** What a definition says of itself beside what it is. */
const KIND_OF = "x-kubernetes-group-version-kind";

/** The document with the paths of the others; of two for one path the first counts, and of two definitions of one name the later is renamed. */
export function mergedSwagger(own: Swagger, others: readonly Swagger[]): Swagger {
  const paths = new Map(Object.entries(own.paths ?? {}));
  const definitions = new Map(Object.entries(own.definitions ?? {}));
  for (const other of others) {
    const theirs = Object.entries(other.paths ?? {}).filter(([path]) => path.startsWith(REMOTE_PATHS) && !paths.has(path));
    const needed = reachable(theirs, other.definitions ?? {});
    const names = new Map([...needed].map(([name, definition]) => [name, nameFor(name, definition, definitions)]));
    for (const [name, definition] of needed) definitions.set(names.get(name) ?? name, renamed(definition, names));
    for (const [path, item] of theirs) paths.set(path, renamed(item, names));
  }
  return { ...own, paths: Object.fromEntries(paths), definitions: Object.fromEntries(definitions) };
}

/** The definitions that these values speak of, and those that these speak of in turn. */
function reachable(values: unknown, definitions: Members): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const look: unknown[] = [values];
  while (look.length > 0) {
    for (const name of referencesIn(look.pop())) {
      if (found.has(name) || !Object.hasOwn(definitions, name)) continue;
      found.set(name, definitions[name]);
      look.push(definitions[name]);
    }
  }
  return found;
}

function referencesIn(value: unknown): string[] {
  const names: string[] = [];
  const look: unknown[] = [value];
  while (look.length > 0) {
    const one = look.pop();
    if (typeof one !== "object" || one === null) continue;
    for (const [key, inner] of Object.entries(one)) {
      if (key === "$ref" && typeof inner === "string" && inner.startsWith(REFERENCE)) names.push(inner.slice(REFERENCE.length));
      else look.push(inner);
    }
  }
  return names;
}

/** Its own name where that is free or says the same, else the next that is. */
function nameFor(name: string, definition: unknown, taken: ReadonlyMap<string, unknown>): string {
  let free = name;
  for (let count = 2; taken.has(free) && !isDeepStrictEqual(withoutKind(taken.get(free)), withoutKind(definition)); count++) {
    free = `${name}_v${count}`;
  }
  return free;
}

function withoutKind(definition: unknown): unknown {
  if (typeof definition !== "object" || definition === null) return definition;
  const { [KIND_OF]: _kind, ...rest } = definition as Members;
  return rest;
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    if (key !== "$ref" || typeof inner !== "string" || !inner.startsWith(REFERENCE)) return [key, renamed(inner, names)];
    const name = inner.slice(REFERENCE.length);
    return [key, REFERENCE + (names.get(name) ?? name)];
  });
  return Object.fromEntries(entries);
}
