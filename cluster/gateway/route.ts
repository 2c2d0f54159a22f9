/**
 * What a request asks for, read off its method and URL alone: no kind is looked up here, so that access can be decided about
 * resources that do not exist, as Kubernetes does. Source: apiserver/pkg/endpoints/request/requestinfo.go of Kubernetes 1.34.
 */
export type RequestInfo = ResourceRequest | PageRequest;

/** The verbs of API objects; the empty verb is a method that no object answers. */
export type RequestVerb = "create" | "get" | "list" | "watch" | "update" | "patch" | "delete" | "deletecollection" | "";

/** A request about API objects: everything under `/api/v1/` and `/apis/<group>/<version>/`. */
export interface ResourceRequest {
  readonly type: "resource";
  readonly verb: RequestVerb;
  readonly group: string;
  readonly version: string;
  /** The plural in the path. */
  readonly resource: string;
  /** Empty where the path names no namespace. For Namespaces themselves it is their own name, as Kubernetes has it. */
  readonly namespace: string;
  /** Empty for collections; from a `metadata.name=` field selector for lists and watches of one object. */
  readonly name: string;
  /** True where the path itself names the object. */
  readonly named: boolean;
  /** Empty where the object itself is meant. */
  readonly subresource: string;
  /** What of the path follows the subresource, without its first slash: where a proxy is to lead. */
  readonly rest: string;
  /** Asked with HEAD, which is a reading verb for access and for custom resources, and no method of built-in ones. */
  readonly headOnly: boolean;
  /** Asked with OPTIONS, which only what is behind a proxy answers. */
  readonly optionsOnly: boolean;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** A request about anything else: discovery, health, version, metrics, OpenAPI. */
export interface PageRequest {
  readonly type: "page";
  /** In small letters: the verb that access is decided about. */
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly page: Page;
}

/** Tables of what goes on among the priority levels. */
export type Dump = "dump_priority_levels" | "dump_queues" | "dump_requests";

/** The pages that exist; `none` is any other path. */
export type Page =
  | { readonly page: "root" }
  | { readonly page: "core-versions" }
  | { readonly page: "groups" }
  | { readonly page: "group"; readonly group: string }
  | { readonly page: "resources"; readonly group: string; readonly version: string }
  | { readonly page: "openapi-v2" }
  | { readonly page: "openapi-v3" }
  | { readonly page: "openapi-v3-document"; readonly document: string }
  | { readonly page: "version" }
  | { readonly page: "health"; readonly endpoint: "healthz" | "livez" | "readyz"; readonly check: string }
  | { readonly page: "metrics" }
  | { readonly page: "slis" }
  | { readonly page: "fairness"; readonly dump: Dump }
  | { readonly page: "actors" }
  | { readonly page: "nats-credentials" }
  | { readonly page: "map" }
  | { readonly page: "why" }
  | { readonly page: "what-if" }
  | { readonly page: "console-session" }
  /** `rest`: what follows `/console/`. */
  | { readonly page: "console"; readonly rest: string }
  | { readonly page: "issuer" }
  | { readonly page: "token-keys" }
  | { readonly page: "none" };

const NO_QUERY: URLSearchParams = new URLSearchParams();
/** Subresources of Namespaces: `/namespaces/x/status` is about the namespace, `/namespaces/x/pods` about what is in it. */
const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(["status", "finalize"]);

/** Parses a method (`GET`) and a request target (`/api/v1/pods?limit=5`). Throws nothing: what makes no sense is page `none`. */
export function parseRequest(method: string, target: string): RequestInfo {
  const url = target.charCodeAt(0) === SLASH ? target : withoutOrigin(target);
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 || mark === url.length - 1 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
  const parts = segmentsOf(path);
  if (parts !== undefined) {
    if (parts[0] === "api" && parts.length > 2) return resourceRequest(method, path, query, "", parts[1] ?? "", parts, 2);
    if (parts[0] === "apis" && parts.length > 3) return resourceRequest(method, path, query, parts[1] ?? "", parts[2] ?? "", parts, 3);
  }
  const page = parts === undefined || (path.endsWith("/") && EXACT.has(parts[0] ?? "")) ? NO_PAGE : pageOf(parts);
  return { type: "page", method: method.toLowerCase(), path, query, page };
}

const SLASH = 47;
const ORIGIN = /^https?:\/\/[^/?#]*/i;

/** Whoever takes us for a proxy names the server in the target, too. */
function withoutOrigin(target: string): string {
  const rest = target.replace(ORIGIN, "");
  return rest === "" ? "/" : rest;
}

/** The path between its slashes, percent-decoded; undefined when the encoding is broken or a segment in the middle is empty. */
function segmentsOf(path: string): string[] | undefined {
  const parts: string[] = [];
  let from = 1;
  while (from < path.length) {
    const slash = path.indexOf("/", from);
    const to = slash < 0 ? path.length : slash;
    if (to === from) return undefined;
    parts.push(path.slice(from, to));
    from = to + 1;
  }
  if (!path.includes("%")) return parts;
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function resourceRequest(
  method: string,
  path: string,
  query: URLSearchParams,
  group: string,
  version: string,
  parts: readonly string[],
  from: number,
): ResourceRequest {
  let at = from;
  // The old way to say ?watch=1: /api/v1/watch/namespaces/x/pods.
  const oldWatch = parts[at] === "watch" && parts.length > at + 1;
  if (oldWatch) at += 1;
  let namespace = "";
  if (parts[at] === "namespaces" && parts.length > at + 1) {
    namespace = parts[at + 1] ?? "";
    if (parts.length > at + 2 && !NAMESPACE_SUBRESOURCES.has(parts[at + 2] ?? "")) at += 2;
  }
  const resource = parts[at] ?? "";
  let name = parts[at + 1] ?? "";
  const named = name !== "";
  const subresource = parts[at + 2] ?? "";
  const rest = parts.slice(at + 3).join("/");
  const verb = oldWatch ? "watch" : verbOf(method, named, query);
  if (!named && query !== NO_QUERY && (verb === "list" || verb === "watch" || verb === "deletecollection")) name = selectedName(query);
  return {
    type: "resource",
    verb,
    group,
    version,
    resource,
    namespace,
    name,
    named,
    subresource,
    rest,
    headOnly: method === "HEAD",
    optionsOnly: method === "OPTIONS",
    path,
    query,
  };
}

function verbOf(method: string, named: boolean, query: URLSearchParams): RequestVerb {
  switch (method) {
    case "GET":
    case "HEAD":
      if (named) return "get";
      return query !== NO_QUERY && isTrue(query.get("watch")) ? "watch" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return named ? "delete" : "deletecollection";
    default:
      return "";
  }
}

/** Kubernetes' reading of a boolean parameter: there, and neither `0` nor `false`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value !== "false";
}

/** The name in `fieldSelector=metadata.name=x`, which access may be granted for. */
export function selectedName(query: URLSearchParams): string {
  const selector = query.get("fieldSelector");
  if (selector === null) return "";
  for (const term of selector.split(",")) {
    if (term.startsWith("metadata.name==")) return term.slice("metadata.name==".length);
    if (term.startsWith("metadata.name=")) return term.slice("metadata.name=".length);
  }
  return "";
}

/** Below `/troupe`. */
const TROUPE_PAGES: Readonly<Record<string, Page>> = {
  actors: { page: "actors" },
  map: { page: "map" },
  why: { page: "why" },
  "what-if": { page: "what-if" },
  "console-session": { page: "console-session" },
  "nats-credentials": { page: "nats-credentials" },
};

const NO_PAGE: Page = { page: "none" };

/** Pages whose path is taken as it stands: with a slash behind it is another. Source: apiserver's pkg/server/mux. */
const EXACT: ReadonlySet<string> = new Set(["healthz", "livez", "readyz", "metrics", "openapi", "debug", ".well-known", "openid"]);

const DUMPS: readonly (string | undefined)[] = ["dump_priority_levels", "dump_queues", "dump_requests"] satisfies readonly Dump[];

function isDump(name: string | undefined): name is Dump {
  return DUMPS.includes(name);
}

function pageOf(parts: readonly string[]): Page {
  const [first, second, third] = parts;
  const none: Page = { page: "none" };
  switch (first) {
    case undefined:
      return { page: "root" };
    case "api":
      return parts.length === 1 ? { page: "core-versions" } : { page: "resources", group: "", version: second ?? "" };
    case "apis":
      if (second === undefined) return { page: "groups" };
      return third === undefined ? { page: "group", group: second } : { page: "resources", group: second, version: third };
    case "openapi":
      if (second === "v2" && third === undefined) return { page: "openapi-v2" };
      if (second !== "v3") return none;
      return third === undefined ? { page: "openapi-v3" } : { page: "openapi-v3-document", document: parts.slice(2).join("/") };
    case "healthz":
    case "livez":
    case "readyz":
      return { page: "health", endpoint: first, check: parts.slice(1).join("/") };
    case "version":
      return parts.length === 1 ? { page: "version" } : none;
    case "metrics":
      if (parts.length === 1) return { page: "metrics" };
      return second === "slis" && parts.length === 2 ? { page: "slis" } : none;
    case "debug":
      return second === "api_priority_and_fairness" && isDump(third) && parts.length === 3 ? { page: "fairness", dump: third } : none;
    case "troupe":
      return (third === undefined && Object.hasOwn(TROUPE_PAGES, second ?? "") && TROUPE_PAGES[second ?? ""]) || none;
    case "console":
      return { page: "console", rest: parts.slice(1).join("/") };
    case ".well-known":
      return second === "openid-configuration" && third === undefined ? { page: "issuer" } : none;
    case "openid":
      return second === "v1" && third === "jwks" && parts.length === 3 ? { page: "token-keys" } : none;
    default:
      return none;
  }
}
