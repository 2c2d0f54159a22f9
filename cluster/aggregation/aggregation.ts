import type { IncomingMessage, ServerResponse } from "node:http";
import { APIServiceKind } from "../../actors/kinds/apiregistration/api-service.ts";
import type { APIService } from "../../actors/kinds/generated/types.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import type { KindTable } from "../../actors/kinds/kinds.ts";
import { BUILT_IN_KINDS } from "../../actors/kinds/kinds.ts";
import { StatusError } from "../../actors/kinds/status.ts";
import type { Registry, Requester } from "../../actors/registry/registry.ts";
import { timestamp } from "../../actors/registry/timestamps.ts";
import type { View } from "../../actors/store/view.ts";
import type { Clock, Logger, Random, Timer } from "../../runtime/mod.ts";
import type { Answer } from "../gateway/answer.ts";
import type { DiscoveredResource } from "../gateway/discovered-resource.ts";
import type { Swagger } from "../gateway/merged-openapi.ts";
import { openApiPage, openApiPaths, swaggerOf } from "../gateway/openapi.ts";
import type { RequestInfo, ResourceRequest } from "../gateway/route.ts";
import { failureWords } from "../outbound/call-words.ts";
import type { Dialer } from "../outbound/dialer.ts";
import { NoEndpoint } from "../outbound/service-address.ts";
import { proxied } from "./proxy.ts";
import { type FrontProxy, RemoteCaller } from "./remote-caller.ts";
import { discoveredIn } from "./remote-discovery.ts";
import { type RemoteService, RemoteServices } from "./remote-services.ts";
import { textOf } from "./remote-text.ts";

/** How often it is looked whether the servers are there. Source: kube-aggregator's resync of its availability controller. */
const PROBE_EVERY_MS = 30_000;
const AGGREGATOR: Requester = { user: "system:kube-aggregator", groups: ["system:masters"] };

interface Condition {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

/** What is known of a server since it was last looked at. */
interface Known {
  readonly resources: readonly DiscoveredResource[];
  /** `/openapi/v3/apis/g/v?hash=...`; undefined when it has no such document. */
  readonly openApi: string | undefined;
  /** Its Swagger document, and the text that it was read from. */
  readonly swagger: Swagger | undefined;
  readonly swaggerText: string;
}

/** Kinds that this cluster serves itself, as a server behind an APIService would: as long as nobody has a service for their group and version. */
export interface OwnExtension {
  readonly kinds: KindTable;
  answer(info: ResourceRequest): Promise<Answer>;
}

export interface AggregationOptions {
  readonly view: View;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly dialer: Dialer;
  readonly frontProxy: () => FrontProxy;
  readonly extension?: OwnExtension;
}

/**
 * The aggregation layer: groups and versions that others serve behind APIServices. It looks whether they are there, lists in discovery what they serve, and
 * passes requests on in the name of whoever asks. Source: k8s.io/kube-aggregator.
 */
export class Aggregation {
  readonly #options: AggregationOptions;
  readonly #services: RemoteServices;
  readonly #caller: RemoteCaller;
  readonly #known = new Map<string, Known>();
  readonly #probing = new Set<string>();
  #resources: readonly DiscoveredResource[] = [];
  #swaggers: readonly Swagger[] = [];
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: AggregationOptions) {
    this.#options = options;
    const own = new Set(BUILT_IN_KINDS.map(({ group, version }) => `${group}/${version}`));
    this.#services = new RemoteServices(options.view, (group, version) => own.has(`${group}/${version}`));
    this.#caller = new RemoteCaller(options);
    this.#services.hear((service) => {
      if (service === undefined) this.#relist();
      else void this.#probe(service);
    });
    this.#relist();
    this.#tick();
  }

  /** What others serve, for discovery; the same list until something has changed. */
  get resources(): readonly DiscoveredResource[] {
    return this.#resources;
  }

  /** Documents of OpenAPI v3 that others have: their paths by name, `apis/g/v`. */
  openApiPaths(): Readonly<Record<string, string>> {
    const paths = this.#services.all().flatMap(({ group, version, name, available }) => {
      const path = available ? this.#known.get(name)?.openApi : undefined;
      return path === undefined ? [] : [[`apis/${group}/${version}`, path] as const];
    });
    return { ...this.#ownOpenApiPaths(), ...Object.fromEntries(paths) };
  }

  /** Swagger documents that others have; the same list until something has changed. */
  get swaggers(): readonly Swagger[] {
    const { extension } = this.#options;
    const own = extension === undefined || this.#ownKinds().length === 0 ? [] : [swaggerOf(extension.kinds)];
    const remote = this.#services.all().flatMap(({ name, available }) => (available ? (this.#known.get(name)?.swagger ?? []) : []));
    const next = [...own, ...remote];
    if (next.length !== this.#swaggers.length || next.some((one, index) => one !== this.#swaggers[index])) this.#swaggers = next;
    return this.#swaggers;
  }

  /** Whom a request is for, when it is for somebody else. Most clusters have nobody. */
  find(info: RequestInfo): RemoteService | undefined {
    if (this.#services.size === 0) return undefined;
    const asked = groupVersionOf(info);
    return asked === undefined ? undefined : this.#services.find(...asked);
  }

  /** Who answers a request for what this cluster serves itself as an extension; undefined for all others. */
  own(info: RequestInfo): ((ifNoneMatch: string | undefined) => Promise<Answer>) | undefined {
    const { extension } = this.#options;
    const asked = groupVersionOf(info);
    if (extension === undefined || asked === undefined || !this.#ownKinds().some(isOf(...asked))) return undefined;
    if (info.type === "resource") return () => extension.answer(info);
    const { page } = info;
    if (page.page !== "openapi-v3-document") return undefined;
    return async (ifNoneMatch) => openApiPage(extension.kinds, page, info.query, ifNoneMatch, undefined);
  }

  serve(remote: RemoteService, request: IncomingMessage, response: ServerResponse, requester: Requester): Promise<Answer> {
    return proxied(this.#caller, remote, request, response, requester, this.#options.log);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#services.cancel();
  }

  #tick(): void {
    if (this.#closed) return;
    for (const service of this.#services.all()) void this.#probe(service);
    this.#timer = this.#options.clock.after(PROBE_EVERY_MS, () => this.#tick());
  }

  async #probe(service: RemoteService): Promise<void> {
    if (this.#closed || this.#probing.has(service.name)) return;
    this.#probing.add(service.name);
    try {
      const condition = await this.#look(service);
      await this.#report(service, condition);
    } catch (error) {
      if (!this.#closed) this.#options.log.warn({ error: String(error), apiService: service.name }, "an APIService could not be looked at");
    } finally {
      this.#probing.delete(service.name);
      this.#relist();
    }
  }

  /** Asks for what the server is bound to serve. */
  async #look(service: RemoteService): Promise<Condition> {
    const { namespace, name } = service.service;
    if (this.#options.view.entry(`services/${namespace}/${name}`) === undefined) {
      return { status: "False", reason: "ServiceNotFound", message: `service/${name} in ${JSON.stringify(namespace)} is not present` };
    }
    const path = `/apis/${service.group}/${service.version}`;
    const url = `https://${name}.${namespace}.svc:${service.service.port}${path}`;
    try {
      const { code, text } = await textOf(this.#caller, service, path, AGGREGATOR);
      if (code < 200 || code > 299) throw new Error(`bad status from ${url}: ${code}`);
      const resources = discoveredIn(parsed(text), service.group, service.version);
      const index = await textOf(this.#caller, service, "/openapi/v3", AGGREGATOR).catch(() => undefined);
      const swagger = await this.#swaggerOf(service);
      this.#known.set(service.name, { resources, openApi: openApiIn(index?.text, service), ...swagger });
      return { status: "True", reason: "Passed", message: "all checks passed" };
    } catch (error) {
      if (error instanceof NoEndpoint) {
        const message = `endpointslices for service/${name} in ${JSON.stringify(namespace)} have no addresses with port name ""`;
        return { status: "False", reason: "MissingEndpoints", message };
      }
      const why =
        error instanceof Error && error.message.startsWith("bad status")
          ? error.message
          : failureWords(error, `${name}.${namespace}.svc`, name);
      return { status: "False", reason: "FailedDiscoveryCheck", message: `failing or missing response from ${url}: ${why}` };
    }
  }

  /** A document that is as it was is not read again. */
  async #swaggerOf(service: RemoteService): Promise<Pick<Known, "swagger" | "swaggerText">> {
    const answer = await textOf(this.#caller, service, "/openapi/v2", AGGREGATOR).catch(() => undefined);
    const known = this.#known.get(service.name);
    if (answer === undefined || answer.code !== 200) return { swagger: undefined, swaggerText: "" };
    if (known?.swaggerText === answer.text) return known;
    const document = parsed(answer.text);
    return { swagger: typeof document === "object" && document !== null ? (document as Swagger) : undefined, swaggerText: answer.text };
  }

  async #report(service: RemoteService, { status, reason, message }: Condition): Promise<void> {
    const { registry, clock } = this.#options;
    if (status === "False") this.#known.delete(service.name);
    const change = (current: APIService): APIService | undefined => {
      const conditions = current.status?.conditions ?? [];
      const before = conditions.find(({ type }) => type === "Available");
      if (before?.status === status && before.reason === reason && before.message === message) return undefined;
      const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(clock.now_ms());
      const condition = { type: "Available", status, reason, message, ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }) };
      return { ...current, status: { ...current.status, conditions: [...conditions.filter((one) => one !== before), condition] } };
    };
    try {
      await registry.modify(APIServiceKind, undefined, service.name, change, { subresource: "status", fieldManager: "kube-apiserver" });
    } catch (error) {
      // It may be gone by now.
      if (!(error instanceof StatusError && error.status.code === 404)) throw error;
    }
  }

  /** Those that nobody else serves. */
  #ownKinds(): readonly Kind[] {
    const kinds = this.#options.extension?.kinds.all() ?? [];
    return kinds.filter(({ group, version }) => this.#services.find(group, version) === undefined);
  }

  #ownOpenApiPaths(): Readonly<Record<string, string>> {
    const { extension } = this.#options;
    if (extension === undefined || this.#ownKinds().length === 0) return {};
    return openApiPaths(extension.kinds);
  }

  #relist(): void {
    const remote = this.#services.all().flatMap(({ name }) => this.#known.get(name)?.resources ?? []);
    const next = [...this.#ownKinds().map((kind) => ({ ...kind, stored: undefined })), ...remote];
    if (JSON.stringify(next) !== JSON.stringify(this.#resources)) this.#resources = next;
  }
}

/** Which group and version a request is about. */
function groupVersionOf(info: RequestInfo): readonly [group: string, version: string] | undefined {
  if (info.type === "resource") return [info.group, info.version];
  if (info.page.page === "resources") return [info.page.group, info.page.version];
  if (info.page.page !== "openapi-v3-document") return undefined;
  const [, group = "", version = ""] = info.page.document.split("/");
  return [group, version];
}

function isOf(group: string, version: string): (kind: Kind) => boolean {
  return (kind) => kind.group === group && kind.version === version;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function openApiIn(index: string | undefined, { group, version }: RemoteService): string | undefined {
  const { paths } = (parsed(index ?? "") ?? {}) as { readonly paths?: Record<string, { readonly serverRelativeURL?: unknown }> };
  const path = paths?.[`apis/${group}/${version}`]?.serverRelativeURL;
  return typeof path === "string" && path.startsWith("/openapi/v3/") ? path : undefined;
}
