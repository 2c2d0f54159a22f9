import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ApiClient } from "../driver/api-client.ts";
import type { ApiAccess } from "../driver/kubeconfig.ts";
import { makeNamespace } from "../driver/namespace.ts";
import { BenchFailure } from "../failure.ts";
import { ApiCalls } from "./api-calls.ts";
import { PodCensus } from "./pod-census.ts";
import { Processes } from "./processes.ts";
import { Resources } from "./resources.ts";
import { Samples } from "./samples.ts";
import { type ServerTime, ServerTimes } from "./server-times.ts";
import { SliceWatch } from "./slice-watch.ts";
import { Stage, takeStep } from "./steps.ts";
import type { Phase, Workload } from "./workload.ts";

/** Calls in flight at most, each on a connection of its own. */
const CONCURRENCY = 32;
const ARRIVAL_POLL_MS = 20;
const COUNT_EVERY_MS = 500;
/** How long everything that was made may take to be gone. */
const CLEAN_UP_MS = 600_000;

/** How a phase went; moments of `performance.now()`. */
export interface PhaseResult {
  readonly phase: Phase;
  readonly from_ms: number;
  readonly to_ms: number;
  /** Pods that ran at its end, and that the run's objects asked for. */
  readonly running: number;
  readonly wanted: number;
  /** Processor time that the measured processes used meanwhile; 0 when none are. */
  readonly used_ms: number;
}

/** All that was measured. */
export interface LoadResult {
  readonly run: string;
  readonly nodes: number;
  readonly server: string;
  readonly phases: readonly PhaseResult[];
  readonly calls: ApiCalls;
  readonly census: PodCensus;
  readonly slices: SliceWatch;
  readonly processes: Processes;
  /** How many pods ran, twice a second. */
  readonly running: Samples;
  readonly serverTimes: readonly ServerTime[];
}

export interface LoadOptions {
  readonly workload: Workload;
  readonly access: ApiAccess;
  /** Processes whose memory is measured, with their descendants. */
  readonly pids: readonly number[];
  readonly keep: boolean;
  readonly signal: AbortSignal;
  /** Told of what goes on, for whoever looks. */
  readonly progress: (text: () => string) => void;
}

/** Runs a workload on a cluster that any kubeconfig names, and takes away what it has made. Throws BenchFailure. */
export async function runLoad({ workload, access, pids, keep, signal, progress }: LoadOptions): Promise<LoadResult> {
  const run = randomBytes(3).toString("hex");
  const client = new ApiClient(access, CONCURRENCY);
  const lost = new AbortController();
  const either = AbortSignal.any([signal, lost.signal]);
  const fail = (error: Error): void => lost.abort(new BenchFailure(`a watch was lost: ${error.message}`));
  const calls = new ApiCalls(client, either);
  const census = new PodCensus(access, run);
  const prefix = `${workload.name}-${run}-`;
  const slices = new SliceWatch(access, prefix);
  const processes = new Processes(pids);
  const running = new Samples();
  const counting = setInterval(() => running.add(performance.now(), census.running), COUNT_EVERY_MS);
  const namespaces = Array.from({ length: workload.namespaces }, (_, index) => `${prefix}${index}`);
  try {
    const { gitVersion: server = "unknown" } = (await client.call({ method: "GET", path: "/version" })) as { gitVersion?: string };
    const nodes = await nodeNames(client);
    const stage = new Stage({
      calls,
      census,
      resources: new Resources(client),
      run,
      nodes,
      namespaces,
      templates: workload.templates,
      signal: either,
    });
    const times = new ServerTimes(client);
    await census.open(fail);
    await slices.open(fail);
    census.seenRunning = ({ uid, namespace }, now_ms) => {
      if (stage.hasServices(namespace)) slices.podReady(uid, now_ms);
    };
    for (const namespace of namespaces) await makeNamespace(client, namespace);
    await times.begin();
    const phases: PhaseResult[] = [];
    for (const phase of workload.phases) {
      progress(() => `${phase.name}: ${census.running} of ${stage.podsWanted} pods run, ${stage.done} of ${stage.planned} steps taken`);
      await census.timeStarts(phase.startUp, fail);
      phases.push(await runPhase(phase, stage, census, processes, either));
    }
    const serverTimes = await times.since();
    return { run, nodes: nodes.length, server, phases, calls, census, slices, processes, running, serverTimes };
  } catch (error) {
    throw either.aborted && either.reason instanceof BenchFailure ? either.reason : error;
  } finally {
    clearInterval(counting);
    processes.stop();
    await Promise.all([census.close(), slices.close()]);
    if (!keep) await cleanUp(client, namespaces, progress);
    await client.close();
  }
}

async function runPhase(phase: Phase, stage: Stage, census: PodCensus, processes: Processes, signal: AbortSignal): Promise<PhaseResult> {
  const from_ms = performance.now();
  const before_ms = processes.processorTime_ms;
  await Promise.all(phase.steps.map((step) => takeStep(stage, step, phase.for_ms)));
  const left_ms = from_ms + phase.for_ms - performance.now();
  if (left_ms > 0) await delay(left_ms, undefined, { signal });
  const deadline_ms = performance.now() + phase.wait_ms;
  while (census.running < stage.podsWanted && performance.now() < deadline_ms) await delay(ARRIVAL_POLL_MS, undefined, { signal });
  const used_ms = processes.processorTime_ms - before_ms;
  return { phase, from_ms, to_ms: performance.now(), running: census.running, wanted: stage.podsWanted, used_ms };
}

async function nodeNames(client: ApiClient): Promise<string[]> {
  const { items } = (await client.call({ method: "GET", path: "/api/v1/nodes?resourceVersion=0" })) as {
    readonly items: readonly { readonly metadata: { readonly name: string } }[];
  };
  return items.map(({ metadata }) => metadata.name);
}

async function cleanUp(client: ApiClient, namespaces: readonly string[], progress: LoadOptions["progress"]): Promise<void> {
  const left = new Set(namespaces);
  progress(() => `taking away what was made: ${left.size} namespaces left`);
  const deadline_ms = performance.now() + CLEAN_UP_MS;
  for (const namespace of namespaces)
    await client.send({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` }).catch(() => undefined);
  while (left.size > 0 && performance.now() < deadline_ms) {
    for (const namespace of [...left]) {
      const answer = await client.send({ method: "GET", path: `/api/v1/namespaces/${namespace}` }).catch(() => undefined);
      if (answer === undefined) return;
      if (answer.status === 404) left.delete(namespace);
      else break;
    }
    await delay(COUNT_EVERY_MS);
  }
}
