import { randomUUID } from "node:crypto";
import type { KubeObject } from "../../actors/kinds/object.ts";
import type { Status } from "../../actors/kinds/status.ts";
import type { Clock } from "../../runtime/mod.ts";
import type { Identity } from "../access/identity.ts";
import type { Exchange } from "../gateway/exchange.ts";
import type { RequestInfo } from "../gateway/route.ts";
import type { Family } from "../observation/families.ts";
import type { AuditLog } from "./log.ts";
import { type AuditPolicy, type AuditRule, LEVELS, type Level, ruleFor, type Stage } from "./policy.ts";
import { type AuditRecord, auditUser, microTime, type ObjectRef } from "./record.ts";

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  readonly log: Pick<AuditLog, "write" | "written" | "lost">;
  readonly clock: Clock;
}

/** What holds secrets is recorded without what it holds, whatever a policy says. */
const CONFIDENTIAL: ReadonlySet<string> = new Set(["/secrets", "/serviceaccounts/token", "authentication.k8s.io/tokenreviews"]);
const AUDIT_ID = "Audit-Id";
/** A client may say under which name its request is recorded; no longer than this. */
const AUDIT_ID_CHARS_MAX = 64;

/** Records what is asked of a door, as its policy wants it. Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ */
export class Auditor {
  readonly #options: AuditorOptions;
  readonly #underWay = new WeakMap<Exchange, Audited>();

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** Begins the record of a request, once it is known who asks. */
  received(exchange: Exchange, info: RequestInfo, who: Identity): void {
    const { policy } = this.#options;
    const rule = ruleFor(policy, who, info);
    if (rule === undefined) return;
    const audited = new Audited(this.#options, rule, exchange, info);
    audited.user = who;
    exchange.setHeader(AUDIT_ID, audited.id);
    this.#underWay.set(exchange, audited);
    audited.tell("RequestReceived");
  }

  /** Records that somebody could not say who they are. */
  unknown(exchange: Exchange, info: RequestInfo, code: number): void {
    const rule = ruleFor(this.#options.policy, { user: "", groups: [] }, info);
    if (rule === undefined) return;
    const shown = exchange.headers.authorization === undefined ? "no credentials provided" : "attempted: bearer";
    const audited = new Audited(this.#options, rule, exchange, info);
    exchange.setHeader(AUDIT_ID, audited.id);
    audited.status = { metadata: {}, status: "Failure", message: `Authentication failed, ${shown}`, code };
    audited.tell("ResponseStarted");
  }

  /** The record of the request that this answers; undefined where there is none. */
  of(exchange: Exchange): Audited | undefined {
    return this.#underWay.get(exchange);
  }

  families(): readonly Family[] {
    const { written, lost } = this.#options.log;
    return [
      {
        name: "apiserver_audit_event_total",
        help: "Records written to the audit log.",
        type: "counter",
        samples: [{ labels: {}, value: written }],
      },
      {
        name: "apiserver_audit_error_total",
        help: "Records that were lost.",
        type: "counter",
        samples: [{ labels: { plugin: "log" }, value: lost }],
      },
    ];
  }
}

/** The record of one request, stage by stage. */
export class Audited {
  readonly id: string;
  user: Identity | undefined;
  status: object | undefined;
  readonly #options: AuditorOptions;
  readonly #rule: AuditRule;
  readonly #level: Exclude<Level, "None">;
  readonly #received_ms: number;
  readonly #asked: Pick<AuditRecord, "requestURI" | "verb" | "sourceIPs" | "userAgent">;
  readonly #annotations: Record<string, string> = {};
  /** Whom it is made as, where that is somebody else. */
  #actsAs: Identity | undefined;
  #objectRef: ObjectRef | undefined;
  #requestObject: unknown;
  #responseObject: unknown;

  constructor(options: AuditorOptions, rule: AuditRule, exchange: Exchange, info: RequestInfo) {
    const { headers } = exchange;
    this.#options = options;
    this.#rule = rule;
    this.#level = isConfidential(info) ? "Metadata" : (rule.level as Exclude<Level, "None">);
    this.#received_ms = options.clock.now_ms();
    const given = headers["audit-id"];
    this.id = typeof given === "string" && given !== "" && given.length <= AUDIT_ID_CHARS_MAX ? given : randomUUID();
    this.#asked = {
      requestURI: exchange.target,
      verb: info.type === "page" ? info.method : info.verb,
      sourceIPs: sourcesOf(exchange),
      ...(headers["user-agent"] === undefined ? {} : { userAgent: headers["user-agent"] }),
    };
    this.#objectRef = refOf(info);
  }

  /** Whether what is answered is to be recorded too. */
  get wantsResponse(): boolean {
    return this.#level === "RequestResponse";
  }

  get #wantsRequest(): boolean {
    return LEVELS.indexOf(this.#level) >= LEVELS.indexOf("Request");
  }

  /** Whether it may be made, and as whom. What is decided again for newer rules counts as decided last. */
  decided(actsAs: Identity | undefined, allowed: boolean, reason: string): void {
    this.#actsAs = actsAs;
    this.#annotations["authorization.k8s.io/decision"] = allowed ? "allow" : "forbid";
    this.#annotations["authorization.k8s.io/reason"] = reason;
  }

  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value;
  }

  /** The object in the body, as JSON. */
  asks(json: string): void {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      // What is no JSON is refused, and the answer says so.
      return;
    }
    if (this.#wantsRequest) this.#requestObject = this.#shown(value);
    const { uid, resourceVersion, name, namespace } =
      (value as { readonly metadata?: Partial<KubeObject["metadata"]> } | null)?.metadata ?? {};
    if (this.#objectRef === undefined) return;
    this.#objectRef = {
      ...this.#objectRef,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(this.#objectRef.name === undefined && name !== undefined ? { name } : {}),
      ...(this.#objectRef.namespace === undefined && namespace !== undefined ? { namespace } : {}),
    };
  }

  /** The answer, as JSON. */
  answers(json: string): void {
    this.#responseObject = this.#shown(JSON.parse(json));
  }

  refused(status: Status): void {
    const { metadata, status: word, message, reason, details, code } = status;
    this.status = { metadata, status: word, message, reason, details, code };
  }

  /** All of it is answered. */
  completed(code: number): void {
    this.status ??= { metadata: {}, code };
    this.tell("ResponseComplete");
  }

  tell(stage: Stage): void {
    if (this.#rule.omitStages.includes(stage)) return;
    const { log, clock } = this.#options;
    const record: AuditRecord = {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: this.#level,
      auditID: this.id,
      stage,
      ...this.#asked,
      user: this.user === undefined ? {} : auditUser(this.user),
      ...(this.#actsAs === undefined ? {} : { impersonatedUser: auditUser(this.#actsAs) }),
      ...(this.#objectRef === undefined ? {} : { objectRef: this.#objectRef }),
      ...(stage === "RequestReceived" ? {} : this.#outcome()),
      requestReceivedTimestamp: microTime(this.#received_ms),
      stageTimestamp: microTime(clock.now_ms()),
      ...(Object.keys(this.#annotations).length === 0 ? {} : { annotations: this.#annotations }),
    };
    log.write(record);
  }

  #outcome(): Pick<AuditRecord, "responseStatus" | "requestObject" | "responseObject"> {
    return {
      ...(this.status === undefined ? {} : { responseStatus: this.status }),
      ...(this.#requestObject === undefined ? {} : { requestObject: this.#requestObject }),
      ...(this.#responseObject === undefined ? {} : { responseObject: this.#responseObject }),
    };
  }

  #shown(value: unknown): unknown {
    if (!this.#rule.omitManagedFields) return value;
    const { items } = (value ?? {}) as { readonly items?: readonly unknown[] };
    return Array.isArray(items) ? { ...(value as object), items: items.map(withoutManagers) } : withoutManagers(value);
  }
}

function withoutManagers(value: unknown): unknown {
  const { metadata } = (value ?? {}) as Partial<KubeObject>;
  if (metadata?.managedFields === undefined) return value;
  const { managedFields: _managers, ...rest } = metadata;
  return { ...(value as object), metadata: rest };
}

function isConfidential(info: RequestInfo): boolean {
  if (info.type === "page") return info.page.page === "console-session";
  const resource = `${info.group}/${info.resource}`;
  return CONFIDENTIAL.has(resource) || CONFIDENTIAL.has(`${resource}/${info.subresource}`);
}

function refOf(info: RequestInfo): ObjectRef | undefined {
  if (info.type === "page") return undefined;
  const { resource, namespace, name, group, version, subresource } = info;
  const given = { resource, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
}

/** From where it came, the first hand first, as far as those on the way say. Source: apimachinery's net.SourceIPs. */
function sourcesOf({ headers, remoteAddress }: Exchange): readonly string[] {
  const forwarded = headers["x-forwarded-for"];
  const before = typeof forwarded === "string" ? forwarded.split(",").map((address) => address.trim()) : [];
  const known = before.filter((address) => address !== "");
  return remoteAddress === undefined || known.at(-1) === remoteAddress ? known : [...known, remoteAddress];
}
