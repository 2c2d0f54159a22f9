import { createHash } from "node:crypto";
import type { Kind } from "../../actors/kinds/kind.ts";
import type { KindTable } from "../../actors/kinds/kinds.ts";
import { openApiV2, openApiV3 } from "../../actors/kinds/machinery/openapi.ts";
import { encodeOpenApiV2 } from "../../actors/kinds/protobuf/openapi-v2.ts";
import { OPENAPI_V2_PROTOBUF, wantsOpenApiProtobuf } from "./accept.ts";
import type { Answer, Headers } from "./answer.ts";
import { PAGE_NOT_FOUND } from "./answer.ts";
import { mergedSwagger, type Swagger } from "./merged-openapi.ts";
import type { Page } from "./route.ts";

interface Printed {
  readonly json: string;
  readonly hash: string;
  /** The same in protobuf, once somebody has asked for it. */
  protobuf?: Buffer;
}

/** The documents of a table of kinds, as long as it has the same kinds. */
const printed = new WeakMap<KindTable, { readonly kinds: readonly Kind[]; readonly documents: Map<string, Printed> }>();

/** A document that is asked for with its hash never changes. Source: kube-openapi's handler3. */
const FOREVER: Headers = { "Cache-Control": "public, immutable, max-age=31536000" };

/** What others serve. */
export interface RemoteOpenApi {
  /** Where their documents of version 3 are. */
  openApiPaths(): Readonly<Record<string, string>>;
  /** Their documents of version 2; the same list until something has changed. */
  readonly swaggers: readonly Swagger[];
}

/** `/openapi/v2`, the index `/openapi/v3` and its documents. */
export function openApiPage(
  table: KindTable,
  page: Extract<Page, { readonly page: "openapi-v2" | "openapi-v3" | "openapi-v3-document" }>,
  query: URLSearchParams,
  ifNoneMatch: string | undefined,
  accept: string | undefined,
  remote?: RemoteOpenApi,
): Answer {
  const kinds = table.all();
  switch (page.page) {
    case "openapi-v2":
      return v2Answer(v2Document(table, remote?.swaggers ?? []), ifNoneMatch, wantsOpenApiProtobuf(accept));
    case "openapi-v3": {
      const paths: Record<string, { readonly serverRelativeURL: string }> = {};
      for (const [document, serverRelativeURL] of Object.entries({ ...openApiPaths(table), ...remote?.openApiPaths() }))
        paths[document] = { serverRelativeURL };
      return { type: "value", code: 200, value: { paths } };
    }
    case "openapi-v3-document": {
      if (!documentNames(kinds).has(page.document)) return PAGE_NOT_FOUND;
      const document = v3Document(table, page.document);
      const asked = query.get("hash");
      if (asked === null) return withTag(document, ifNoneMatch);
      const location = `/openapi/v3/${page.document}?hash=${document.hash}`;
      if (asked !== document.hash) return { type: "text", code: 301, text: "", headers: { Location: location } };
      return withTag(document, ifNoneMatch, FOREVER);
    }
  }
}

const swaggers = new WeakMap<Printed, Swagger>();

/** The Swagger document of these kinds; the same as long as they are. */
export function swaggerOf(table: KindTable): Swagger {
  const document = documentOf(table, "v2", openApiV2);
  let swagger = swaggers.get(document);
  if (swagger === undefined) {
    swagger = JSON.parse(document.json) as Swagger;
    swaggers.set(document, swagger);
  }
  return swagger;
}

/** Where the documents of version 3 are: `/openapi/v3/apis/apps/v1?hash=...` by `apis/apps/v1`. */
export function openApiPaths(table: KindTable): Readonly<Record<string, string>> {
  const names = [...documentNames(table.all())];
  return Object.fromEntries(names.map((name) => [name, `/openapi/v3/${name}?hash=${v3Document(table, name).hash}`]));
}

/** Documents with those of others, by the latter: of a table's kinds as they were. */
const merged = new WeakMap<readonly Swagger[], { readonly own: Printed; readonly document: Printed }>();

function v2Document(table: KindTable, others: readonly Swagger[]): Printed {
  const own = documentOf(table, "v2", openApiV2);
  if (others.length === 0) return own;
  const known = merged.get(others);
  if (known?.own === own) return known.document;
  const document = printedOf(mergedSwagger(JSON.parse(own.json) as Swagger, others));
  merged.set(others, { own, document });
  return document;
}

function printedOf(document: object): Printed {
  const json = JSON.stringify(document);
  return { json, hash: createHash("sha256").update(json).digest("hex").toUpperCase() };
}

function v2Answer(document: Printed, ifNoneMatch: string | undefined, asProtobuf: boolean): Answer {
  if (!asProtobuf) return withTag(document, ifNoneMatch);
  // A client's cache must not take the one form for the other.
  const headers: Headers = { ETag: `"${document.hash}.protobuf"`, Vary: "Accept" };
  if (ifNoneMatch === headers.ETag) return { type: "unchanged", headers };
  document.protobuf ??= encodeOpenApiV2(JSON.parse(document.json) as object);
  return { type: "bytes", code: 200, bytes: document.protobuf, contentType: OPENAPI_V2_PROTOBUF, headers };
}

function withTag({ json, hash }: Printed, ifNoneMatch: string | undefined, more: Headers = {}): Answer {
  const headers = { ...more, ETag: `"${hash}"`, Vary: "Accept" };
  return ifNoneMatch === `"${hash}"` ? { type: "unchanged", headers } : { type: "json", code: 200, json, headers };
}

/** `api/v1`, `apis/apps/v1`, ...: one document for each group and version. */
function documentNames(kinds: readonly Kind[]): Set<string> {
  return new Set(kinds.map(({ group, version }) => (group === "" ? `api/${version}` : `apis/${group}/${version}`)));
}

function v3Document(table: KindTable, name: string): Printed {
  const parts = name.split("/");
  const [group = "", version = ""] = parts.length === 2 ? ["", parts[1]] : [parts[1], parts[2]];
  return documentOf(table, name, (kinds) => openApiV3(kinds, group, version));
}

function documentOf(table: KindTable, name: string, make: (kinds: readonly Kind[]) => object): Printed {
  const kinds = table.all();
  let cache = printed.get(table);
  if (cache === undefined || cache.kinds.length !== kinds.length || cache.kinds.some((kind, i) => kind !== kinds[i])) {
    cache = { kinds, documents: new Map() };
    printed.set(table, cache);
  }
  let document = cache.documents.get(name);
  if (document === undefined) {
    document = printedOf(make(kinds));
    cache.documents.set(name, document);
  }
  return document;
}
