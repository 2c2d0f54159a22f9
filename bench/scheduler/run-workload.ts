import { setTimeout as delay } from "node:timers/promises";
import { ApiClient } from "../driver/api-client.ts";
import { createAll } from "../driver/creates.ts";
import type { ApiAccess } from "../driver/kubeconfig.ts";
import { watchPods } from "../driver/pod-watch.ts";
import { BenchFailure } from "../failure.ts";
import { node, type PodTemplate } from "./templates.ts";
import type { PodSet, Workload } from "./workloads.ts";

/** Creates in flight, each on a connection of its own. */
const CONCURRENCY = 64;
const POLL_MS = 5;
const SET_LABEL = "scheduler-perf-set";

/** What came of a workload. */
export interface Measured {
  readonly pods: number;
  readonly took_s: number;
  readonly perSecond: number;
}

/** Runs one workload on an empty cluster: nodes, pods that are there before, then the measured ones. Throws BenchFailure. */
export async function runWorkload(workload: Workload, access: ApiAccess, timeout_s: number): Promise<Measured> {
  const client = new ApiClient(access, CONCURRENCY);
  const signal = AbortSignal.timeout(timeout_s * 1_000);
  try {
    await prepare(client, workload, signal);
    for (const [number, set] of workload.init.entries()) await scheduled(client, access, `init-${number}`, set, signal);
    const ending = new AbortController();
    const churning = workload.churn === undefined ? undefined : churn(client, workload.churn, ending.signal);
    try {
      return await scheduled(client, access, "measured", workload.measured, signal);
    } finally {
      ending.abort();
      await churning;
    }
  } finally {
    await client.close();
  }
}

async function prepare(client: ApiClient, workload: Workload, signal: AbortSignal): Promise<void> {
  const make = async (path: string, object: object): Promise<void> => {
    await client.call({ method: "POST", path, body: JSON.stringify(object) });
  };
  for (const namespace of ["sched-0", "sched-1"]) {
    await make("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
    await make(`/api/v1/namespaces/${namespace}/serviceaccounts`, account);
  }
  const high = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "high" }, value: 10 };
  await make("/apis/scheduling.k8s.io/v1/priorityclasses", high);
  if (workload.service !== undefined) {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "service" },
      spec: { selector: workload.service, ports: [{ port: 80 }] },
    };
    await make(`/api/v1/namespaces/${workload.measured.namespace}/services`, service);
  }
  if (workload.giant !== undefined) {
    await make("/api/v1/nodes", node(workload.giant, 0, [], { pods: "90000", cpu: "10000", memory: "10Ti" }));
  }
  await createAll({
    ...{ client, path: "/api/v1/nodes", count: workload.nodes, concurrency: CONCURRENCY, signal },
    body: (index) => JSON.stringify(node(`node-${index}`, index, workload.zones, workload.allocatable)),
    created: () => {},
  });
  const names = Array.from({ length: workload.nodes }, (_, index) => `node-${index}`);
  await Promise.all(Array.from({ length: CONCURRENCY }, () => untaint(client, names)));
  if (workload.giant !== undefined) await untaint(client, [workload.giant]);
}

/** New nodes are tainted until somebody says that they are ready, and here nobody does. Takes names off the list until it is empty. */
async function untaint(client: ApiClient, names: string[]): Promise<void> {
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    const path = `/api/v1/nodes/${name}`;
    const found = (await client.call({ method: "GET", path })) as { spec: object };
    await client.call({ method: "PUT", path, body: JSON.stringify({ ...found, spec: {} }) });
  }
}

/** Creates the pods of a set and waits until a watch has seen all of them with a node. */
async function scheduled(client: ApiClient, access: ApiAccess, name: string, set: PodSet, signal: AbortSignal): Promise<Measured> {
  const waiting = new Set(Array.from({ length: set.count }, (_, index) => `${name}-${index}`));
  const selector = `${SET_LABEL}=${name}`;
  const watch = watchPods(access, { namespace: set.namespace, selector, prefix: `${name}-` }, (pod) => {
    if (pod.scheduled) waiting.delete(pod.name);
  });
  const lost = new AbortController();
  await watch.open((error) => lost.abort(error));
  const [before = "", after = ""] = JSON.stringify(podOf("\u0000", name, set.template)).split("\\u0000");
  try {
    const from_ms = performance.now();
    const path = `/api/v1/namespaces/${set.namespace}/pods`;
    const body = (index: number): string => `${before}${name}-${index}${after}`;
    await createAll({ client, path, count: set.count, concurrency: CONCURRENCY, body, created: () => {}, signal });
    while (waiting.size > 0) {
      if (signal.aborted || lost.signal.aborted)
        throw new BenchFailure(`${waiting.size} of ${set.count} pods of the set ${name} have no node yet`);
      await delay(POLL_MS);
    }
    const took_s = (performance.now() - from_ms) / 1_000;
    return { pods: set.count, took_s, perSecond: set.count / took_s };
  } finally {
    await watch.close();
  }
}

async function churn(client: ApiClient, { template, every_ms }: NonNullable<Workload["churn"]>, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    await client.send({
      method: "POST",
      path: "/api/v1/namespaces/sched-0/pods",
      body: JSON.stringify(podOf(`churn-${number}`, "churn", template)),
    });
    await delay(every_ms, undefined, { signal }).catch(() => undefined);
  }
}

function podOf(name: string, set: string, { labels, spec }: PodTemplate): object {
  const metadata = { name, labels: { [SET_LABEL]: set, ...labels } };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { automountServiceAccountToken: false, ...spec } };
}
