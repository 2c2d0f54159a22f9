import type { IncomingHttpHeaders } from "node:http";
import type { MsgHdrs } from "nats";
import { badRequest } from "../../actors/kinds/errors.ts";
import { parseRequest, type RequestInfo, type ResourceRequest, selectedName } from "../gateway/route.ts";
import { REQUESTS, requestOf, type SubjectParts } from "../nats/subjects.ts";

/** The verbs that requests begin with: those of the API, by which access is decided. */
export const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] as const;
export type Verb = (typeof VERBS)[number];

/** Which version is meant; without it the one that is preferred, as discovery has it. */
export const API_VERSION = "Api-Version";
/** Headers of NATS itself, of which one says who asks. */
const NATS_OWN = "Nats-";

/** A message as a request of the API. */
export interface Asked {
  readonly info: RequestInfo;
  /** What HTTP has as headers, names in small letters. */
  readonly headers: IncomingHttpHeaders;
  /** The same as they came, names and values in turn. */
  readonly rawHeaders: readonly string[];
  /** As HTTP would have it. */
  readonly target: string;
}

const NO_QUERY: URLSearchParams = new URLSearchParams();
const NO_HEADERS: IncomingHttpHeaders = {};
const NOTHING: readonly string[] = [];
const CAPITAL = /^[A-Z]/;
/** What HTTPS has as pages: why a pod goes where it goes, or waits, and where pods would go. */
const PAGES: Readonly<
  Record<string, (parts: SubjectParts) => readonly [method: string, page: string, query: Readonly<Record<string, string>>]>
> = {
  "get pods/why": ({ namespace, name }) => ["GET", "why", { namespace, pod: name }],
  "create pods/what-if": ({ namespace }) => ["POST", "what-if", { namespace }],
};
const OF_MANY: ReadonlySet<Verb> = new Set(["list", "watch", "deletecollection"]);

/** The version of a resource that is preferred; undefined: there is none. */
export type PreferredVersion = (group: string, resource: string) => string | undefined;

/**
 * Reads a request off its subject and headers. Headers that begin with a capital are HTTP's, all others are the parameters of the REST API
 * (`labelSelector`, `limit`, `dryRun`, ...). Throws 400.
 */
export function askedBy(subject: string, headers: MsgHdrs | undefined, preferred: PreferredVersion): Asked {
  const parts = requestOf(subject);
  const verb = VERBS.find((known) => known === parts?.verb);
  if (parts === undefined || verb === undefined)
    throw badRequest(`${subject} is no ${REQUESTS}.<verb>.<group>.<resource>.<namespace>.<name> with one of the verbs ${VERBS.join(", ")}`);
  let query = NO_QUERY;
  let http = NO_HEADERS;
  let rawHeaders = NOTHING;
  let version: string | undefined;
  for (const name of headers?.keys() ?? NOTHING) {
    if (name.startsWith(NATS_OWN)) continue;
    const values = headers?.values(name) ?? NOTHING;
    if (name === API_VERSION) version = values[0];
    else if (CAPITAL.test(name)) {
      http = { ...http, [name.toLowerCase()]: values.join(", ") };
      rawHeaders = [...rawHeaders, ...values.flatMap((value) => [name, value])];
    } else {
      if (query === NO_QUERY) query = new URLSearchParams();
      for (const value of values) query.append(name, value);
    }
  }
  const { group, name } = parts;
  const page = group === "" && parts.resource.includes("/") ? PAGES[`${verb} ${parts.resource}`]?.(parts) : undefined;
  if (page !== undefined) {
    const [method, path, asked] = page;
    const target = `/troupe/${path}?${new URLSearchParams(asked)}`;
    return { info: parseRequest(method, target), headers: http, rawHeaders, target };
  }
  const [resource = "", subresource = ""] = split(parts.resource);
  const own = group === "" && resource === "namespaces";
  // What is said of a namespace is said within it.
  const namespace = own && name !== "" ? name : parts.namespace;
  if (own && parts.namespace !== "" && parts.namespace !== name)
    throw badRequest(`the namespace ${name} is in no namespace: _ stands for none`);
  const used = versionIn(group, version) ?? preferred(group, resource) ?? "v1";
  const path = pathOf(group, used, own ? "" : namespace, resource, name, subresource);
  const info: ResourceRequest = {
    type: "resource",
    verb,
    group,
    version: used,
    resource,
    namespace,
    name: name === "" && query !== NO_QUERY && OF_MANY.has(verb) ? selectedName(query) : name,
    named: name !== "",
    headOnly: false,
    optionsOnly: false,
    subresource,
    rest: "",
    path,
    query,
  };
  return { info, headers: http, rawHeaders, target: query === NO_QUERY ? path : `${path}?${query}` };
}

function split(resource: string): readonly string[] {
  const slash = resource.indexOf("/");
  return slash < 0 ? [resource] : [resource.slice(0, slash), resource.slice(slash + 1)];
}

/** `v1`, or `autoscaling/v1`. */
function versionIn(group: string, given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const [version = "", named = ""] = given.split("/").reverse();
  if (given.includes("/") && named !== group) throw badRequest(`${API_VERSION} ${given} is of another group than the subject`);
  return version;
}

function pathOf(group: string, version: string, namespace: string, resource: string, name: string, subresource: string): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespace === "" ? "" : `/namespaces/${namespace}`}/${resource}${name === "" ? "" : `/${name}`}${subresource === "" ? "" : `/${subresource}`}`;
}
