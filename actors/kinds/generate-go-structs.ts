/**
 * Reads the public Go types of the API: what the OpenAPI document, and so the official client, does not say of them. Used by
 * `generate.ts`. Only the shape of gofmt'ed type declarations is understood, which is all that these files have.
 */
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

export interface GoField {
  readonly name: string;
  /** Fields of internal types have no tag: Go's name stands for it then. */
  readonly json: string;
  /** Without a leading `*`; types of other packages by their full name: `[]string`, `map[string]io.k8s.api.core.v1.X`. */
  readonly type: string;
  readonly pointer: boolean;
  readonly omitted: "empty" | "zero" | "never";
  readonly patchStrategy: string;
  readonly patchMergeKey: string;
  /** The markers above the field: `listType=map`, `listMapKey=name`. */
  readonly markers: readonly string[];
  /** As Kubernetes' OpenAPI document describes it. */
  readonly doc: string;
}

export interface GoStruct {
  /** By their name in JSON, in the order in which Go prints them. */
  readonly fields: ReadonlyMap<string, GoField>;
  readonly atomic: boolean;
  readonly doc: string;
}

/** One value of an enumeration, and what is said of it. */
export interface GoEnumValue {
  readonly value: string;
  readonly doc: string;
}

/**
 * Structs by their OpenAPI name (`io.k8s.api.core.v1.Pod`); what other named types are (`type PodPhase string`) by theirs, and which values those have
 * that are marked as enumerations.
 */
export interface GoTypes {
  readonly structs: ReadonlyMap<string, GoStruct>;
  readonly named: ReadonlyMap<string, string>;
  readonly enums: ReadonlyMap<string, readonly GoEnumValue[]>;
}

/** What is gathered while files are read. */
interface Found {
  readonly declared: Map<string, Declared>;
  readonly named: Map<string, string>;
  readonly enumerated: Set<string>;
  /** Those of a type; a value that is another constant's has its name in place of it. */
  readonly constants: Map<string, (GoEnumValue & { readonly same?: string | undefined })[]>;
  readonly values: Map<string, string>;
}

interface Declared {
  /** In their order; a name is that of a struct whose fields are this one's too. */
  readonly members: readonly (GoField | string)[];
  readonly atomic: boolean;
  readonly doc: string;
}

const BUILTIN = /^(string|bool|byte|int|int32|int64|uint32|uint64|float64|interface\{\})$/;
const FIELD = /^\t(?:(\w+)\s+)?([*\w.[\]{}]+)(?:\s+`(?:json:"([^"]*)")?([^`]*)`)?\s*(?:\/\/.*)?$/;

/** `k8s.io/api/core/v1` -> `io.k8s.api.core.v1`. */
function packageOfImport(path: string): string {
  return path.replace(/^k8s\.io\//, "io.k8s.").replaceAll("/", ".");
}

/**
 * Each directory is a module of k8s.io and bears its name: `api`, `apimachinery`, `apiextensions-apiserver`, `kube-aggregator`; of
 * `kubernetes` the internal types, which have no version.
 */
export function readGoTypes(directories: readonly string[]): GoTypes {
  const found: Found = { declared: new Map(), named: new Map(), enumerated: new Set(), constants: new Map(), values: new Map() };
  for (const directory of directories) {
    const internal = basename(resolve(directory)) === "kubernetes";
    for (const file of globSync(internal ? "pkg/apis/*/types.go" : "**/{types,v[0-9]*}/*.go", { cwd: directory })) {
      if (/(_test|zz_generated.*|generated\.pb|generated\.protomessage.*)\.go$/.test(file)) continue;
      const pack = ["io.k8s", basename(resolve(directory)), ...relative(".", dirname(file)).split("/")].join(".");
      readFile(readFileSync(join(directory, file), "utf8"), pack, found);
    }
  }
  const structs = new Map<string, GoStruct>();
  const { declared, named, enumerated, constants, values } = found;
  for (const [name, { atomic, doc }] of declared) structs.set(name, { fields: fieldsOf(name, declared), atomic, doc });
  const enums = [...enumerated].map((name): [string, readonly GoEnumValue[]] => {
    const all = constants.get(name) ?? [];
    return [name, all.map(({ value, doc, same }) => ({ value: same === undefined ? value : (values.get(same) ?? same), doc }))];
  });
  return { structs, named, enums: new Map(enums) };
}

function readFile(text: string, pack: string, { declared, named, enumerated, constants, values }: Found): void {
  const imports = new Map<string, string>();
  for (const [, alias, path = ""] of text.matchAll(/^(?:\t|import )(?:(\w+) )?"([\w./-]+)"$/gm)) {
    imports.set(alias ?? path.slice(path.lastIndexOf("/") + 1), packageOfImport(path));
  }
  const full = (type: string): string =>
    type.replace(/(?:(\w+)\.)?([A-Za-z]\w*(?:\{\})?)$/, (whole: string, alias: string | undefined, name: string) => {
      if (alias !== undefined) return `${imports.get(alias) ?? alias}.${name}`;
      return BUILTIN.test(name) ? whole : `${pack}.${name}`;
    });
  for (const [, comment = "", name = "", body = ""] of text.matchAll(/((?:^\/\/[^\n]*\n)*)^type (\w+) struct \{\n(.*?)^\}/gms)) {
    const lines = comment.split("\n").slice(0, -1);
    declared.set(`${pack}.${name}`, {
      members: readBody(body, full),
      atomic: comment.includes("+structType=atomic"),
      doc: descriptionOf(lines.map((line) => line.replace(/^\/\/ ?/, ""))),
    });
  }
  for (const [, comment = "", name = "", type = ""] of text.matchAll(
    /((?:^\/\/[^\n]*\n)*)^type (\w+) (?:= )?(?!struct|interface)(\S+)/gm,
  )) {
    named.set(`${pack}.${name}`, full(type));
    if (/^\/\/ *\+enum$/m.test(comment)) enumerated.add(`${pack}.${name}`);
  }
  for (const [, comment = "", name = "", declaredAs, made, value = "", same] of text.matchAll(
    /((?:^\t?\/\/[^\n]*\n)*)^(?:\t|const )(\w+)(?:[ \t]+(\w+))?\s*=\s*(?:(\w+)\()?(?:"([^"]*)"|[a-z]\w*\.(\w+)\))/gm,
  )) {
    const type = declaredAs ?? made ?? "";
    const said = comment.replace(/^\t?\/\/ ?/gm, "").trim();
    const doc = (said.startsWith(name) ? said.slice(name.length) : said).replace(/\s+/g, " ").trim();
    constants.set(`${pack}.${type}`, [...(constants.get(`${pack}.${type}`) ?? []), { value, doc, same }]);
    values.set(name, value);
  }
}

function readBody(body: string, full: (type: string) => string): (GoField | string)[] {
  const members: (GoField | string)[] = [];
  let markers: string[] = [];
  let comment: string[] = [];
  for (const line of body.split("\n")) {
    const marker = /^\t\/\/ *\+(\S+)/.exec(line);
    if (marker !== null) markers.push(marker[1] ?? "");
    const said = /^\t\/\/ ?(.*)$/.exec(line);
    if (said !== null) comment.push(said[1] ?? "");
    // What a blank line separates from the field is not about it.
    else if (line.trim() === "") comment = [];
    const found = FIELD.exec(line);
    if (found === null) continue;
    const [, name = "", type = "", json = name, tags = ""] = found;
    const [printed = "", ...options] = json.split(",");
    const bare = full(type.replace(/^\*/, ""));
    if (printed === "") {
      if (name === "" || options.includes("inline")) members.push(bare);
    } else if (printed !== "-") {
      members.push({
        name: name === "" ? bare.slice(bare.lastIndexOf(".") + 1) : name,
        json: printed,
        type: bare,
        pointer: type.startsWith("*"),
        omitted: options.includes("omitzero") ? "zero" : options.includes("omitempty") ? "empty" : "never",
        patchStrategy: /patchStrategy:"([^"]*)"/.exec(tags)?.[1] ?? "",
        patchMergeKey: /patchMergeKey:"([^"]*)"/.exec(tags)?.[1] ?? "",
        markers,
        doc: descriptionOf(comment),
      });
    }
    markers = [];
    comment = [];
  }
  return members;
}

/**
 * A comment's lines as one description: paragraphs and indented lines stay apart, markers and notes to maintainers are left out.
 * Source: getDescription of kube-openapi's pkg/generators/openapi.go.
 */
function descriptionOf(comment: readonly string[]): string {
  let text = "";
  for (const line of comment) {
    if (line === "---") break;
    const said = line.trimEnd();
    if (/^\s*(TODO|\+)/.test(said)) continue;
    if (said === "") text = `${text.slice(0, -1)}\n\n`;
    else if (/^\s/.test(said)) text = `${text.slice(0, -1)}\n${said}\n`;
    else text += `${said} `;
  }
  return text.replace(/^\n+|[\n ]+$/g, "");
}

function fieldsOf(name: string, declared: ReadonlyMap<string, Declared>): ReadonlyMap<string, GoField> {
  const fields = new Map<string, GoField>();
  for (const member of declared.get(name)?.members ?? []) {
    const added = typeof member === "string" ? fieldsOf(member, declared) : [[member.json, member] as const];
    for (const [json, field] of added) fields.set(json, field);
  }
  return fields;
}

/** `[]io.k8s.api.core.v1.Capability` -> `[]v1.Capability`, as Go prints types. */
export function printGoType(type: string): string {
  return type.replace(/[\w-]+(?:\.[\w-]+)+/g, (name) => name.split(".").slice(-2).join("."));
}

/** The type that is left without lists and maps. */
export function elementOf(type: string): string {
  return type.replace(/^(?:\[\]|map\[[^\]]*\]|\*)+/, "");
}
