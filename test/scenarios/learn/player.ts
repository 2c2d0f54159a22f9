import type { Attempt, Challenge } from "../../../actors/controllers/learn/learn-objects.ts";
import { ApiClient } from "../../../bench/driver/api-client.ts";
import { until } from "../../../cluster/chaos/until.ts";
import { Session } from "../../../cluster/joining/session.ts";
import { Lessons } from "../../../cluster/learn/lessons.ts";
import { readKubeconfig } from "../../../cluster/outbound/kubeconfig.ts";

const CONNECTIONS = 8;
const LEARN = "/apis/learn.troupe.dev/v1";

/** What is looked at of objects, whatever their kind. */
export interface Seen {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName?: string; readonly backoffLimit?: number; readonly template: object };
  readonly status?: {
    readonly phase?: string;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly succeeded?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  readonly items: readonly Seen[];
}

/** Somebody who plays, by the API alone: with a kubeconfig of his own. */
export class Player {
  readonly lessons: Lessons;
  readonly #session: Session;
  readonly #api: ApiClient;

  private constructor(session: Session, api: ApiClient, lessons: Lessons) {
    this.#session = session;
    this.#api = api;
    this.lessons = lessons;
  }

  static async of(kubeconfig: string): Promise<Player> {
    const access = readKubeconfig(kubeconfig);
    const session = new Session(access);
    return new Player(session, new ApiClient(access, CONNECTIONS), await Lessons.of(session));
  }

  /** Gives the attempt when it is set up. */
  async start(challenge: Challenge): Promise<Attempt> {
    return this.lessons.start(challenge);
  }

  /** How the checks of an attempt stand, as soon as they stand so. */
  async stands(attempt: Attempt, checks: Readonly<Record<string, boolean>>): Promise<Attempt> {
    let seen: Record<string, boolean> = {};
    return until(`${attempt.spec.challenge} to stand as ${JSON.stringify(checks)}`, async () => {
      const now = await this.get<Attempt>(`${LEARN}/attempts/${attempt.metadata.name}`);
      seen = Object.fromEntries((now.status?.checks ?? []).map(({ name, holds }) => [name, holds]));
      return Object.entries(checks).every(([name, holds]) => seen[name] === holds) ? now : false;
    }).catch((error: Error) => {
      throw new Error(`${error.message}, but it stands as ${JSON.stringify(seen)}`);
    });
  }

  async solved(attempt: Attempt): Promise<Attempt> {
    return until(`${attempt.spec.challenge} to be solved`, async () => {
      const now = await this.get<Attempt>(`${LEARN}/attempts/${attempt.metadata.name}`);
      return now.status?.phase === "Solved" ? now : false;
    }).catch(async (error: Error) => {
      const now = await this.get<Attempt>(`${LEARN}/attempts/${attempt.metadata.name}`);
      throw new Error(`${error.message}: ${JSON.stringify(now.status?.checks)}`);
    });
  }

  get<T = Seen>(path: string): Promise<T> {
    return this.#api.call({ method: "GET", path }) as Promise<T>;
  }

  /** Creates an object. */
  post(path: string, object: object): Promise<unknown> {
    return this.#api.call({ method: "POST", path, body: JSON.stringify(object) });
  }

  delete(path: string, options: object = {}): Promise<unknown> {
    return this.#api.call({ method: "DELETE", path, body: JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", ...options }) });
  }

  /** Changes an object: a strategic merge patch, or for a list of operations a JSON patch. */
  patch(path: string, patch: object): Promise<unknown> {
    const type = Array.isArray(patch) ? "application/json-patch+json" : "application/strategic-merge-patch+json";
    return this.#api.call({ method: "PATCH", path, body: JSON.stringify(patch), headers: { "content-type": type } });
  }

  merge(path: string, patch: object): Promise<unknown> {
    return this.#api.call({
      method: "PATCH",
      path,
      body: JSON.stringify(patch),
      headers: { "content-type": "application/merge-patch+json" },
    });
  }

  /** The status with which a request is refused. */
  refused(request: Promise<unknown>): Promise<string> {
    return request.then(
      (answer) => `done: ${JSON.stringify(answer)}`,
      (error: Error) => error.message,
    );
  }

  /** An object, as soon as it is so. */
  when(path: string, so: (object: Seen) => boolean): Promise<Seen> {
    return until(path, async () => {
      const object = await this.get(path).catch(() => undefined);
      return object !== undefined && so(object) ? object : false;
    });
  }

  /** Resolves when there is no such object. */
  gone(path: string): Promise<unknown> {
    return until(`${path} to be gone`, async () => (await this.#api.send({ method: "GET", path })).status === 404);
  }

  async close(): Promise<void> {
    await this.#api.close();
    await this.#session.close();
  }
}

type Resource =
  | "pods"
  | "services"
  | "configmaps"
  | "quotas"
  | "deployments"
  | "sets"
  | "jobs"
  | "roles"
  | "bindings"
  | "nodes"
  | "volumes";

/** Paths of the kinds that are played with, of all objects or of one. */
export function paths(namespace: string): Readonly<Record<Resource, (name?: string) => string>> {
  const under =
    (base: string) =>
    (name?: string): string =>
      name === undefined ? base : `${base}/${name}`;
  const core = `/api/v1/namespaces/${namespace}`;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  return {
    pods: under(`${core}/pods`),
    services: under(`${core}/services`),
    configmaps: under(`${core}/configmaps`),
    quotas: under(`${core}/resourcequotas`),
    deployments: under(`/apis/apps/v1/namespaces/${namespace}/deployments`),
    sets: under(`/apis/apps/v1/namespaces/${namespace}/statefulsets`),
    jobs: under(`/apis/batch/v1/namespaces/${namespace}/jobs`),
    roles: under(`${rbac}/roles`),
    bindings: under(`${rbac}/rolebindings`),
    nodes: under("/api/v1/nodes"),
    volumes: under("/api/v1/persistentvolumes"),
  };
}

export function isReady({ status }: Seen): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
}
