import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { badRequest, methodNotAllowed, notAcceptable, notFound } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import type { KindTable } from "../../actors/kinds/kinds.ts";
import type { TokenIssuer } from "../access/authentication/service-account-tokens.ts";
import { TOKEN_ALGORITHM } from "../access/authentication/signing-key.ts";
import { Site } from "../console/site.ts";
import type { Hosts } from "../observation/hosts.ts";
import { METRICS_TYPE, type MetricsPage, textOf } from "../observation/metrics-page.ts";
import type { Rehearsals } from "../rehearsal/rehearsals.ts";
import type { Format } from "./accept.ts";
import { ANSWER_TYPES, wantsOpenApiProtobuf } from "./accept.ts";
import { actorsPage } from "./actors-page.ts";
import type { Answer, Headers } from "./answer.ts";
import { PAGE_NOT_FOUND } from "./answer.ts";
import type { DiscoveredResource } from "./discovered-resource.ts";
import type { DiscoveredGroup } from "./discovery.ts";
import { aggregatedDocument, coreVersions, discover, groupDocument, groupList, resourceList } from "./discovery.ts";
import type { HealthCheck } from "./health.ts";
import { HealthResults, health } from "./health.ts";
import { tooMany } from "./in-flight.ts";
import { openApiPage, type RemoteOpenApi } from "./openapi.ts";
import { gitVersion, KUBERNETES } from "./release.ts";
import type { Dump, Page, PageRequest } from "./route.ts";

/** What is known of the server that pages print. */
export interface PageFacts {
  readonly kinds: KindTable;
  /** What others serve. */
  readonly aggregation?: RemoteOpenApi & { readonly resources: readonly DiscoveredResource[] };
  readonly checks: readonly HealthCheck[];
  /** What goes on among the priority levels. */
  readonly fairness: (dump: Dump) => string;
  readonly hosts: Hosts;
  readonly metrics: Pick<MetricsPage, "text">;
  /** Loaded for the first who asks why a pod waits. */
  readonly rehearsals: () => Promise<Rehearsals>;
  /** The package version of this program. */
  readonly version: string;
  readonly issuer: TokenIssuer;
  /** Where clients find the server, `host:port`. */
  address(): string;
}

/** Keys change seldom, and a relying party that asks each time would be a burden. */
const KEYS_CACHE: Headers = { "Cache-Control": "public, max-age=3600" };

const ROOT_PATHS = [
  "/.well-known/openid-configuration",
  "/api",
  "/apis",
  "/healthz",
  "/livez",
  "/metrics",
  "/openapi/v2",
  "/openapi/v3",
  "/openid/v1/jwks",
  "/readyz",
  "/troupe/actors",
  "/troupe/console-session",
  "/troupe/map",
  "/troupe/nats-credentials",
  "/troupe/what-if",
  "/troupe/why",
  "/version",
];

/** Pages that come as they are, whatever a client accepts. */
const AS_THEY_ARE: ReadonlySet<Page["page"]> = new Set(["health", "metrics", "slis", "fairness", "console", "map", "issuer", "token-keys"]);

/** Whether what a client accepts matters. The Swagger document has a form of its own beside those of all pages. */
export function comesInSeveralForms({ page }: Page, accept: string | undefined): boolean {
  return !AS_THEY_ARE.has(page) && !(page === "openapi-v2" && wantsOpenApiProtobuf(accept));
}

/** Answers everything that is not about objects. Documents are made when first asked for and kept until the kinds change. */
export class Pages {
  readonly #facts: PageFacts;
  #kinds: readonly Kind[] = [];
  #remote: readonly DiscoveredResource[] = [];
  #groups: readonly DiscoveredGroup[] = [];
  readonly #aggregated = new Map<string, { readonly json: string; readonly etag: string }>();

  readonly #health = new HealthResults();
  readonly #console = new Site();

  constructor(facts: PageFacts) {
    this.#facts = facts;
  }

  async answer(
    info: PageRequest,
    format: Format,
    headers: Pick<IncomingHttpHeaders, "accept" | "accept-encoding" | "if-none-match">,
  ): Promise<Answer> {
    const { page } = info;
    const ifNoneMatch = headers["if-none-match"];
    const reads = info.method === "get" || info.method === "head";
    if (info.method !== "get" && this.#isService(page)) throw methodNotAllowed();
    if (!reads && page.page !== "health") return PAGE_NOT_FOUND;
    switch (page.page) {
      case "root":
        return ok({ paths: ROOT_PATHS });
      case "core-versions":
        return format.aggregated === undefined
          ? ok(coreVersions(this.#facts.address()))
          : this.#aggregate(true, format.aggregated, ifNoneMatch);
      case "groups":
        return format.aggregated === undefined ? ok(groupList(this.#discovered())) : this.#aggregate(false, format.aggregated, ifNoneMatch);
      case "group": {
        const group = this.#group(page.group);
        return group === undefined || page.group === "" ? PAGE_NOT_FOUND : ok(groupDocument(group));
      }
      case "resources": {
        const version = this.#group(page.group)?.versions.find((one) => one.version === page.version);
        return version === undefined ? PAGE_NOT_FOUND : ok(resourceList(page.group, version));
      }
      case "openapi-v2":
      case "openapi-v3":
      case "openapi-v3-document":
        return openApiPage(this.#facts.kinds, page, info.query, ifNoneMatch, headers.accept, this.#facts.aggregation);
      case "version":
        return ok(versionDocument(this.#facts.version));
      case "health":
        return health(this.#facts.checks, page.endpoint, page.check, info.query, this.#health);
      case "slis":
        return { type: "text", code: 200, text: await textOf(this.#health.families()), contentType: METRICS_TYPE };
      case "metrics":
        return { type: "text", code: 200, text: await this.#facts.metrics.text(), contentType: METRICS_TYPE };
      case "fairness":
        return { type: "text", code: 200, text: this.#facts.fairness(page.dump) };
      case "actors":
        return ok(await actorsPage(this.#facts.hosts, info.query));
      case "why":
        return this.#why(info.query);
      case "console":
        return this.#console.answer(page.rest, headers);
      case "issuer":
        return { type: "json", code: 200, json: JSON.stringify(this.#issuer()), headers: KEYS_CACHE };
      case "token-keys": {
        const json = JSON.stringify(await this.#facts.issuer.publicKeys());
        return { type: "json", code: 200, json, contentType: "application/jwk-set+json", headers: KEYS_CACHE };
      }
      case "console-session":
      case "map":
      case "what-if":
      case "nats-credentials":
        throw methodNotAllowed();
      case "none":
        return PAGE_NOT_FOUND;
    }
  }

  async #why(query: URLSearchParams): Promise<Answer> {
    const namespace = query.get("namespace") ?? "";
    const pod = query.get("pod") ?? "";
    if (namespace === "" || pod === "") throw badRequest("namespace and pod say which pod it is about");
    const rehearsals = await this.#facts.rehearsals();
    if (rehearsals.isFull) return tooMany();
    const account = await rehearsals.why(namespace, pod);
    if (account === undefined) throw notFound({ group: "", plural: "pods" }, pod);
    return ok(account);
  }

  /** Discovery and the version refuse other methods than GET; other pages answer those as if there was nothing. */
  #isService(page: Page): boolean {
    switch (page.page) {
      case "core-versions":
      case "groups":
      case "version":
        return true;
      case "group":
        return page.group !== "" && this.#group(page.group) !== undefined;
      case "resources":
        return this.#group(page.group)?.versions.some(({ version }) => version === page.version) === true;
      default:
        return false;
    }
  }

  /** What relying parties read to check service account tokens (OpenID Connect Discovery 1.0). */
  #issuer(): object {
    return {
      issuer: this.#facts.issuer.issuer,
      jwks_uri: `https://${this.#facts.address()}/openid/v1/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [TOKEN_ALGORITHM],
    };
  }

  #group(name: string): DiscoveredGroup | undefined {
    return this.#discovered().find(({ group }) => group === name);
  }

  #discovered(): readonly DiscoveredGroup[] {
    const kinds = this.#facts.kinds.all();
    const remote = this.#facts.aggregation?.resources ?? this.#remote;
    if (remote !== this.#remote || kinds.length !== this.#kinds.length || kinds.some((kind, i) => kind !== this.#kinds[i])) {
      this.#kinds = kinds;
      this.#remote = remote;
      this.#groups = discover(kinds, remote);
      this.#aggregated.clear();
    }
    return this.#groups;
  }

  #aggregate(core: boolean, version: "v2" | "v2beta1", ifNoneMatch: string | undefined): Answer {
    const groups = this.#discovered();
    const key = `${core}${version}`;
    let document = this.#aggregated.get(key);
    if (document === undefined) {
      const json = JSON.stringify(aggregatedDocument(groups, core, version));
      document = { json, etag: etagOf(json) };
      this.#aggregated.set(key, document);
    }
    const headers: Headers = { ETag: document.etag, Vary: "Accept" };
    if (ifNoneMatch === document.etag) return { type: "unchanged", headers };
    const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    return { type: "json", code: 200, json: document.json, contentType, headers };
  }
}

function ok(value: object): Answer {
  return { type: "value", code: 200, value };
}

/** A quoted hash of a document, as `ETag` wants it. */
export function etagOf(text: string): string {
  return `"${createHash("sha256").update(text).digest("hex").toUpperCase()}"`;
}

/** The refusal when a client accepts nothing that is served. */
export function unacceptable(): Error {
  return notAcceptable(ANSWER_TYPES);
}

function versionDocument(version: string): object {
  const { major, minor } = KUBERNETES;
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: gitVersion(version),
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: `node-${process.version}`,
    compiler: "node",
    platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
}
