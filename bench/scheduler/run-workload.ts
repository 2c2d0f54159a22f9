import { setTimeout as delay } from "node:timers/promises";
import { ApiClient } from "../driver/api-client.ts";
import { createAll } from "../driver/creates.ts";
import type { ApiAccess } from "../driver/kubeconfig.ts";
import { watchPods } from "../driver/pod-watch.ts";
import { BenchFailure } from "../failure.ts";
import { node, type PodTemplate } from "./templates.ts";
import { Throughput } from "./throughput.ts";
import type { PodSet, Workload } from "./workloads.ts";

/** Creates in flight, each on a connection of its own. */
const CONCURRENCY = 64;
const POLL_MS = 5;
const SET_LABEL = "scheduler-perf-set";

/** What came of a workload. */
export interface Measured {
  readonly pods: number;
  /** From the first create until a watch has shown the last with a node. */
  readonly took_s: number;
  readonly perSecond: number;
  /** As scheduler_perf counts; undefined: it took too short a time for that. */
  readonly sampled: number | undefined;
  /** Processor time of this process, the driver's thread and the cluster's; without nats-server. */
  readonly cpu_us: number;
  /** Of that, the driver's. */
  readonly driver_us: number;
}

/** Runs one workload on an empty cluster: nodes, pods that are there before, then the measured ones. Throws BenchFailure. */
export async function runWorkload(workload: Workload, access: ApiAccess, timeout_s: number): Promise<Measured> {
  const client = new ApiClient(access, CONCURRENCY);
  const signal = AbortSignal.timeout(timeout_s * 1_000);
  try {
    await prepare(client, workload, signal);
    for (const [number, set] of workload.init.entries()) {
      if (set.isGated === true) await create(client, `init-${number}`, set, signal);
      else for (const part of partsOf(set)) await scheduled(client, access, `init-${number}`, part, signal);
    }
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
  const sets = [...workload.init, workload.measured].flatMap(partsOf);
  const labels = workload.namespaceLabels ?? {};
  for (const namespace of new Set(["sched-0", ...sets.map((set) => set.namespace)])) {
    await make("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } });
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
  const tainted = names.splice(0, workload.tainted ?? 0);
  const taints = [{ effect: "NoSchedule", key: "foo" }];
  await Promise.all(Array.from({ length: CONCURRENCY }, () => untaint(client, names)));
  await Promise.all(Array.from({ length: CONCURRENCY }, () => untaint(client, tainted, { taints })));
  if (workload.giant !== undefined) await untaint(client, [workload.giant]);
}

/** The parts of a set that is spread over namespaces. */
function partsOf(set: PodSet): PodSet[] {
  const { over } = set;
  return over === undefined ? [set] : Array.from({ length: over }, (_, i) => ({ ...set, namespace: `${set.namespace}-${i}` }));
}

/** New nodes are tainted until somebody says that they are ready, and here nobody does. Takes names off the list until it is empty. */
async function untaint(client: ApiClient, names: string[], spec: object = {}): Promise<void> {
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    const path = `/api/v1/nodes/${name}`;
    const found = (await client.call({ method: "GET", path })) as { spec: object };
    await client.call({ method: "PUT", path, body: JSON.stringify({ ...found, spec }) });
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
  const over = new AbortController();
  const throughput = new Throughput();
  const following = throughput.follow(() => set.count - waiting.size, over.signal);
  try {
    const from_ms = performance.now();
    const [process_us, driver_us] = [usedBy(process.cpuUsage()), usedBy(process.threadCpuUsage())];
    await create(client, name, set, signal);
    while (waiting.size > 0) {
      if (signal.aborted || lost.signal.aborted)
        throw new BenchFailure(`${waiting.size} of ${set.count} pods of the set ${name} have no node yet`);
      await delay(POLL_MS);
    }
    const took_s = (performance.now() - from_ms) / 1_000;
    return {
      ...{ pods: set.count, took_s, perSecond: set.count / took_s, sampled: throughput.average },
      ...{ cpu_us: usedBy(process.cpuUsage()) - process_us, driver_us: usedBy(process.threadCpuUsage()) - driver_us },
    };
  } finally {
    over.abort();
    await following;
    await watch.close();
  }
}

function usedBy({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}

async function create(client: ApiClient, name: string, { namespace, template, count }: PodSet, signal: AbortSignal): Promise<void> {
  const [before = "", after = ""] = JSON.stringify(podOf("\u0000", name, template)).split("\\u0000");
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const body = (index: number): string => `${before}${name}-${index}${after}`;
  await createAll({ client, path, count, concurrency: CONCURRENCY, body, created: () => {}, signal });
}

async function churn(
  client: ApiClient,
  { template, every_ms, beside }: NonNullable<Workload["churn"]>,
  signal: AbortSignal,
): Promise<void> {
  const pods = "/api/v1/namespaces/sched-0/pods";
  for (let number = 0; !signal.aborted; number++) {
    const name = beside === undefined ? `churn-${number}` : "churn";
    const objects = [{ path: pods, object: podOf(name, "churn", template) }, ...(beside ?? [])];
    // Where others come and go beside the pods, there is one of each at a time: made anew, or taken away again.
    const isGoing = beside !== undefined && number % 2 === 1;
    for (const { path, object } of objects) {
      const { metadata } = object as { readonly metadata: { readonly name: string } };
      if (isGoing) await client.send({ method: "DELETE", path: `${path}/${metadata.name}` });
      else await client.send({ method: "POST", path, body: JSON.stringify(object) });
    }
    await delay(every_ms, undefined, { signal }).catch(() => undefined);
  }
}

function podOf(name: string, set: string, { labels, spec }: PodTemplate): object {
  const metadata = { name, labels: { [SET_LABEL]: set, ...labels } };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { automountServiceAccountToken: false, ...spec } };
}
