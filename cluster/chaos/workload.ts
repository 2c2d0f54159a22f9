import type { Answer, ApiClient } from "../../bench/driver/api-client.ts";
import { until } from "./until.ts";

/** What chaos looks at, in a namespace of its own: a deployment under a budget, and a stateful set. */
export const GUARDED = "guarded";
export const ORDINAL = "ordinal";
const GUARDED_REPLICAS = 10;
/** The budget: fewer are never available for an eviction's sake. */
export const GUARDED_MIN = 8;
const ORDINAL_REPLICAS = 3;

/** By then whatever befell the cluster should be got over: longer than a node is waited for. */
const RECOVERY_MS = 180_000;
const CONFLICT = 409;

export interface PodSeen {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export function isAvailable({ metadata, status }: PodSeen): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
  );
}

/** Makes namespace and workload, and waits until all of it is there. Throws BenchFailure. */
export async function beginWorkload(client: ApiClient, namespace: string): Promise<void> {
  const inside = `/api/v1/namespaces/${namespace}`;
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  const template = (app: string): object => ({
    metadata: { labels: { app } },
    spec: { containers: [{ name: "c", image: "chaos", resources: { requests: { cpu: "10m" } } }] },
  });
  const selector = (app: string): object => ({ matchLabels: { app } });
  const make = (path: string, body: object): Promise<unknown> => client.call({ method: "POST", path, body: JSON.stringify(body) });
  await make("/api/v1/namespaces", { metadata: { name: namespace } });
  await make(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
    metadata: { name: GUARDED },
    spec: { minAvailable: GUARDED_MIN, selector: selector(GUARDED) },
  });
  await make(`${inside}/services`, { metadata: { name: ORDINAL }, spec: { clusterIP: "None", selector: { app: ORDINAL } } });
  await make(`${apps}/deployments`, {
    metadata: { name: GUARDED },
    spec: { replicas: GUARDED_REPLICAS, selector: selector(GUARDED), template: template(GUARDED) },
  });
  await make(`${apps}/statefulsets`, {
    metadata: { name: ORDINAL },
    spec: { replicas: ORDINAL_REPLICAS, serviceName: ORDINAL, selector: selector(ORDINAL), template: template(ORDINAL) },
  });
  await recovered(client, namespace);
}

/** Resolves when all of the workload is available again; rejects when it does not come to that. */
export async function recovered(client: ApiClient, namespace: string): Promise<void> {
  await until(
    "the workload as it should be",
    async () => {
      const pods = await podsOf(client, namespace).catch(() => []);
      const available = (app: string): number => pods.filter((pod) => pod.metadata.labels?.app === app && isAvailable(pod)).length;
      return available(GUARDED) === GUARDED_REPLICAS && available(ORDINAL) === ORDINAL_REPLICAS;
    },
    RECOVERY_MS,
  );
}

export async function podsOf(client: ApiClient, namespace: string): Promise<readonly PodSeen[]> {
  const { items } = (await client.call({ method: "GET", path: `/api/v1/namespaces/${namespace}/pods` })) as { items: readonly PodSeen[] };
  return items;
}

export async function endWorkload(client: ApiClient, namespace: string): Promise<Answer> {
  const answer = await client.send({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
  return answer.status === CONFLICT ? client.send({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` }) : answer;
}
