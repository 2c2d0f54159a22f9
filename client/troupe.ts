import { connect, credsAuthenticator, ErrorCode, headers, type Msg, type NatsConnection, type NatsError } from "nats";
import type {
  DaemonSet,
  Deployment,
  Event,
  Job,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  Service,
  StatefulSet,
} from "../actors/kinds/generated/types.ts";
import type { KubeObject } from "../actors/kinds/object.ts";
import type { Ask, Caller } from "./caller.ts";
import { type Status, TroupeError } from "./error.ts";
import { Resource } from "./resource.ts";
import { requestSubject } from "./subjects.ts";

export interface TroupeOptions {
  readonly servers: string | readonly string[];
  /** The text of a credentials file, as `troupe nats-credentials` writes it. */
  readonly credentials: string;
  /** How long an answer is waited for; default 30 s. */
  readonly timeout_ms?: number;
  /** Of the server's certificate, PEM. */
  readonly ca?: string;
}

/** Types of some resources; of others they are said: `troupe.resource<Certificate>("certificates.cert-manager.io")`. */
interface Known {
  readonly pods: Pod;
  readonly nodes: Node;
  readonly services: Service;
  readonly events: Event;
  readonly namespaces: Namespace;
  readonly "deployments.apps": Deployment;
  readonly "replicasets.apps": ReplicaSet;
  readonly "statefulsets.apps": StatefulSet;
  readonly "daemonsets.apps": DaemonSet;
  readonly "jobs.batch": Job;
}

/** Where a pod would go; or why it would wait, where room would be made for it, and which pods would have to go for that. */
export interface Placement {
  readonly pod: string;
  readonly node?: string;
  readonly message?: string;
  readonly nominated?: string;
  readonly victims: readonly string[];
}

const TIMEOUT_MS = 30_000;
/** Whoever asks until there is an answer does not wait long for the one that got lost with a connection. */
const PATIENT_MS = 5_000;
const RETRY_MS = 200;
const RECONNECT_MS = 250;
const ERROR_CODE = "Nats-Service-Error-Code";
const BATCH_TYPE = "application/x-ndjson";
const UNAVAILABLE: ReadonlySet<number> = new Set([429, 503]);

/** A cluster, reached by NATS. */
export class Troupe implements Caller {
  readonly connection: NatsConnection;
  readonly #timeout_ms: number;
  readonly #reconnected = new Set<() => void>();

  private constructor(connection: NatsConnection, timeout_ms: number) {
    this.connection = connection;
    this.#timeout_ms = timeout_ms;
    void this.#followConnection();
  }

  /** Rejects when no server takes the credentials; a connection that is lost later is made anew for as long as it takes. */
  static async connect({ servers, credentials, timeout_ms = TIMEOUT_MS, ca }: TroupeOptions): Promise<Troupe> {
    const connection = await connect({
      servers: typeof servers === "string" ? servers.split(",") : [...servers],
      authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
      // The only place where the server lets its user hear answers.
      inboxPrefix: `_INBOX_${keyIn(credentials)}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      ...(ca === undefined ? {} : { tls: { ca } }),
    });
    return new Troupe(connection, timeout_ms);
  }

  /** The objects of a resource, named as kubectl does: `pods`, `deployments.apps`. */
  resource<N extends keyof Known>(name: N): Resource<Known[N]>;
  resource<T extends KubeObject>(name: string): Resource<T>;
  resource(name: string): Resource<KubeObject> {
    return new Resource(this, name);
  }

  /** Waits for answers that are on their way, and closes the connection. */
  close(): Promise<void> {
    return this.connection.drain();
  }

  /**
   * Where pods of a namespace would go: pods, objects with a template of pods, PodGroups; and nodes, which are beside those of the cluster or in their place.
   * Nothing is made.
   */
  async whatIf(namespace: string, ...items: readonly object[]): Promise<readonly Placement[]> {
    const body = { apiVersion: "v1", kind: "List", items };
    return (await this.ask<{ placements: Placement[] }>("create", { resource: "pods/what-if", namespace, body })).placements;
  }

  /** Asks, and asks again as long as nobody took the question: Troupe may be starting. Rejects with TroupeError when it is refused. */
  async ask<A>(verb: string, asked: Ask): Promise<A> {
    const { resource, namespace, name = "", body, lines, contentType = lines && BATCH_TYPE, options = {}, patient = false } = asked;
    const said = headers();
    if (contentType !== undefined) said.append("Content-Type", contentType);
    for (const [option, value] of Object.entries(options)) said.append(option, String(value));
    const subject = requestSubject(verb, resource, namespace, name);
    const data = lines?.join("\n") ?? (body === undefined ? "" : JSON.stringify(body));
    const deadline_ms = performance.now() + this.#timeout_ms;
    for (;;) {
      const timeout = patient ? PATIENT_MS : this.#timeout_ms;
      const asking = this.connection.request(subject, data, { headers: said, timeout }).catch((error: NatsError) => error);
      const message = await (patient ? this.#unlessReconnected(asking) : asking);
      const answer = message instanceof Error ? unanswered(message, patient) : answerIn<A>(message);
      if (!(answer instanceof Error)) return answer as A;
      const mayRetry = patient || performance.now() < deadline_ms;
      if (!mayRetry || !(answer instanceof TroupeError) || !UNAVAILABLE.has(answer.code) || this.connection.isClosed()) throw answer;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  onReconnect(run: () => void): () => void {
    this.#reconnected.add(run);
    return () => void this.#reconnected.delete(run);
  }

  /** What was asked over a connection that went is answered by nobody. */
  #unlessReconnected(asking: Promise<Msg | Error>): Promise<Msg | Error> {
    const { promise, resolve } = Promise.withResolvers<Error>();
    const forget = this.onReconnect(() => resolve(nobody()));
    return Promise.race([asking, promise]).finally(forget);
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "reconnect") for (const run of this.#reconnected) run();
    }
  }
}

function answerIn<A>(message: Msg): A | TroupeError {
  if (message.headers?.has(ERROR_CODE)) return new TroupeError(message.json<Status>());
  const type = message.headers?.get("Content-Type") ?? "";
  if (type === BATCH_TYPE) return message.string().split("\n").map(objectOrRefusal) as A;
  return type.startsWith("text/") ? (message.string() as A) : message.json<A>();
}

function objectOrRefusal(line: string): unknown {
  const answer = JSON.parse(line) as { readonly kind?: string; readonly status?: unknown };
  return answer.kind === "Status" && answer.status === "Failure" ? new TroupeError(answer as Status) : answer;
}

/** Nobody took it, which is known; or nobody answered, and it may have been done all the same: who does not mind asks again. */
function unanswered(error: Error, patient: boolean): Error {
  const { code } = error as Partial<NatsError>;
  return code === ErrorCode.NoResponders || (patient && code === ErrorCode.Timeout) ? nobody() : error;
}

function nobody(): TroupeError {
  return new TroupeError({ kind: "Status", reason: "ServiceUnavailable", message: "nobody answers for Troupe", code: 503 });
}

/** The public key of the user that credentials are of. */
function keyIn(credentials: string): string {
  const [, token = ""] = /BEGIN NATS USER JWT-+\s+(\S+)/.exec(credentials) ?? [];
  const claims = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  return (JSON.parse(claims || "{}") as { readonly sub?: string }).sub ?? "";
}
