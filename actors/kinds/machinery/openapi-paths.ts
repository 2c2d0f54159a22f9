/** The paths of the OpenAPI documents, as far as clients look: which operation on which kind, with which parameters and media types. */
import type { Kind, Subresource, Verb } from "../kind.ts";
import { connectionsOf } from "./openapi-connections.ts";
import type { OpenApiVersion } from "./openapi-schemas.ts";
import { refTo } from "./openapi-schemas.ts";

export type PathItem = Record<string, unknown>;

interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const JSON_TYPES: readonly string[] = ["application/json", "application/yaml"];
const PATCH_TYPES: readonly string[] = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/** Of custom resources nobody knows how their lists merge but server-side apply. */
const CUSTOM_PATCH_TYPES: readonly string[] = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/apply-patch+yaml",
];

const WRITE_PARAMETERS: readonly string[] = ["dryRun", "fieldManager", "fieldValidation"];
const LIST_PARAMETERS: readonly string[] = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
];
const DELETE_PARAMETERS: readonly string[] = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];

const QUERY_TYPES: Readonly<Record<string, string>> = {
  allowWatchBookmarks: "boolean",
  force: "boolean",
  gracePeriodSeconds: "integer",
  limit: "integer",
  orphanDependents: "boolean",
  sendInitialEvents: "boolean",
  timeoutSeconds: "integer",
  watch: "boolean",
};

interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** The verb in `x-kubernetes-action`. */
  readonly action: string;
  readonly query: readonly string[];
  readonly body: "object" | "patch" | "custom-patch" | "delete-options" | undefined;
  /** The OpenAPI name of what comes back. */
  readonly answer: string;
}

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** Operations on a collection and on one object, by verb. */
const COLLECTION: Partial<Readonly<Record<Verb, Omit<Operation, "answer">>>> = {
  list: { method: "get", action: "list", query: LIST_PARAMETERS, body: undefined },
  create: { method: "post", action: "post", query: WRITE_PARAMETERS, body: "object" },
  deletecollection: {
    method: "delete",
    action: "deletecollection",
    query: [...LIST_PARAMETERS, ...DELETE_PARAMETERS],
    body: "delete-options",
  },
};
const ITEM: Partial<Readonly<Record<Verb, Omit<Operation, "answer">>>> = {
  get: { method: "get", action: "get", query: [], body: undefined },
  update: { method: "put", action: "put", query: WRITE_PARAMETERS, body: "object" },
  patch: { method: "patch", action: "patch", query: [...WRITE_PARAMETERS, "force"], body: "patch" },
  delete: { method: "delete", action: "delete", query: DELETE_PARAMETERS, body: "delete-options" },
};

function parameters(
  path: string,
  query: readonly string[],
  version: OpenApiVersion,
  types: Readonly<Record<string, string>> = QUERY_TYPES,
): object[] {
  const typed = (type: string): object => (version === 3 ? { schema: { type, uniqueItems: true } } : { type, uniqueItems: true });
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({ name: match[1], in: "path", required: true, ...typed("string") }));
  const inQuery = query.map((name) => ({ name, in: "query", ...typed(types[name] ?? "string") }));
  return [...inPath, ...inQuery];
}

function content(schema: object, types: readonly string[]): object {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

/** Builds the operations of one document version. */
export class PathWriter {
  readonly paths: Record<string, PathItem> = {};
  readonly #version: OpenApiVersion;

  constructor(version: OpenApiVersion) {
    this.#version = version;
  }

  /** Every path of a kind: its collection, its objects, their subresources. */
  addKind(kind: Kind, schemaOf: (gvk: Gvk) => string): void {
    const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
    const collection = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`;
    const item = `${collection}/{name}`;
    if (kind.namespaced && kind.verbs.includes("list")) this.#addVerbs(`${base}/${kind.plural}`, COLLECTION, ["list"], kind, kind.schema);
    this.#addVerbs(collection, COLLECTION, kind.verbs, kind, kind.schema);
    this.#addVerbs(item, ITEM, kind.verbs, kind, kind.schema);
    for (const subresource of kind.subresources) {
      const path = `${item}/${subresource.name}`;
      if (subresource.connects !== true) this.#addSubresource(path, kind, subresource, schemaOf);
      else {
        this.#addConnection(path, kind, subresource);
        if (subresource.name === "proxy") this.#addConnection(`${path}/{path}`, kind, subresource);
      }
    }
  }

  #addConnection(path: string, kind: Kind, subresource: Subresource): void {
    const text = { type: "string" };
    for (const { method, action, query } of connectionsOf(subresource)) {
      const names = query.map(({ name }) => name);
      const types = Object.fromEntries(query.map(({ name, type }) => [name, type]));
      this.#add(path, { method, action }, subresource.gvk ?? kind, { parameters: parameters(path, names, this.#version, types) }, text);
    }
  }

  #addVerbs(
    path: string,
    operations: Partial<Readonly<Record<Verb, Omit<Operation, "answer">>>>,
    verbs: readonly Verb[],
    kind: Gvk & Pick<Kind, "custom">,
    schema: string,
  ): void {
    for (const verb of verbs) {
      const operation = operations[verb];
      if (operation === undefined) continue;
      const deletes = verb === "delete" || verb === "deletecollection";
      const body = operation.body === "patch" && kind.custom !== undefined ? "custom-patch" : operation.body;
      const answer = verb === "list" ? `${schema}List` : deletes ? `${META}.Status` : schema;
      this.#addOperation(path, { ...operation, body, answer }, kind, schema);
    }
  }

  #addSubresource(path: string, kind: Kind, subresource: Subresource, schemaOf: (gvk: Gvk) => string): void {
    const gvk = subresource.gvk ?? kind;
    const schema = subresource.gvk === undefined ? kind.schema : schemaOf(gvk);
    for (const verb of subresource.verbs) {
      const operation = verb === "create" ? COLLECTION.create : ITEM[verb];
      if (operation === undefined) continue;
      const body = operation.body === "patch" && kind.custom !== undefined ? "custom-patch" : operation.body;
      this.#addOperation(path, { ...operation, body, answer: schema }, gvk, schema);
    }
  }

  #addOperation(path: string, operation: Operation, gvk: Gvk, schema: string): void {
    this.#add(path, operation, gvk, this.#inputs(path, operation, schema), { $ref: refTo(operation.answer, this.#version) });
  }

  #add(path: string, operation: { readonly method: string; readonly action: string }, gvk: Gvk, inputs: object, answer: object): void {
    const item = this.paths[path] ?? {};
    this.paths[path] = item;
    const { group, version, kind } = gvk;
    item[operation.method] = {
      operationId: `${operation.action}${path.replace(/[^A-Za-z0-9]+(\w)/g, (_, letter: string) => letter.toUpperCase()).replace(/\W/g, "")}`,
      tags: [group === "" ? `core_${version}` : `${group.split(".")[0]}_${version}`],
      ...inputs,
      responses: { 200: { description: "OK", ...(this.#version === 3 ? { content: content(answer, JSON_TYPES) } : { schema: answer }) } },
      "x-kubernetes-action": operation.action,
      "x-kubernetes-group-version-kind": { group, kind, version },
    };
  }

  #inputs(path: string, operation: Operation, schema: string): object {
    const list = parameters(path, ["pretty", ...operation.query], this.#version);
    if (operation.body === undefined) return { parameters: list };
    const patches = operation.body === "patch" || operation.body === "custom-patch";
    const name = operation.body === "object" ? schema : patches ? `${META}.Patch` : `${META}.DeleteOptions`;
    const body = { $ref: refTo(name, this.#version) };
    const types = operation.body === "custom-patch" ? CUSTOM_PATCH_TYPES : patches ? PATCH_TYPES : JSON_TYPES;
    const required = operation.body !== "delete-options";
    if (this.#version === 3) return { parameters: list, requestBody: { content: content(body, types), ...(required ? { required } : {}) } };
    return { consumes: types, parameters: [...list, { name: "body", in: "body", ...(required ? { required } : {}), schema: body }] };
  }
}
