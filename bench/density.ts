import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { showProgress } from "../cluster/command-line/progress.ts";
import { ApiClient } from "./driver/api-client.ts";
import { createAll } from "./driver/creates.ts";
import { DENSITY_USAGE, type DensityFlags, parseDensityFlags } from "./driver/density-flags.ts";
import { readKubeconfig } from "./driver/kubeconfig.ts";
import { makeNamespace } from "./driver/namespace.ts";
import { podBodies, RUN_LABEL } from "./driver/pod-shape.ts";
import { PodTimes } from "./driver/pod-times.ts";
import { watchPods } from "./driver/pod-watch.ts";
import { BenchFailure } from "./failure.ts";
import { printFigures } from "./figure.ts";

const ARRIVAL_POLL_MS = 20;

/**
 * The density suite: how fast a cluster takes pods in and gets them Running. It speaks nothing but the Kubernetes API, so that any API
 * server can be measured with it. Prints figures; 0 when every pod got as far as asked. Throws BenchFailure.
 */
export async function density(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(DENSITY_USAGE);
    return 0;
  }
  const flags = parseDensityFlags(args);
  const access = readKubeconfig(flags.kubeconfig);
  const run = randomBytes(4).toString("hex");
  const prefix = `density-${run}-`;
  const selector = `${RUN_LABEL}=${run}`;
  const client = new ApiClient(access, flags.concurrency);
  const times = new PodTimes(flags.pods, prefix);
  const watch = watchPods(access, { namespace: flags.namespace, selector, prefix }, (pod) => times.see(pod, performance.now()));
  const ending = new AbortController();
  const end = (): void => ending.abort(new BenchFailure("ended by a signal"));
  process.once("SIGINT", end).once("SIGTERM", end);
  let made = false;
  let begun = false;
  try {
    const conditions = await conditionsOf(client, flags);
    made = await makeNamespace(client, flags.namespace);
    begun = true;
    await watch.open((error) => ending.abort(new BenchFailure(`the watch was lost: ${error.message}`)));
    const hideProgress = showProgress(
      () => `created ${times.created}/${flags.pods}  scheduled ${times.scheduled}  running ${times.running}`,
    );
    try {
      const deadline_ms = performance.now() + flags.timeout_s * 1000;
      await createAll({
        client,
        path: `/api/v1/namespaces/${flags.namespace}/pods`,
        count: flags.pods,
        concurrency: flags.concurrency,
        body: podBodies(flags.shape, run, prefix),
        created: (index, sent_ms, answered_ms) => times.create(index, sent_ms, answered_ms),
        signal: ending.signal,
      });
      while (times[flags.until] < flags.pods && performance.now() < deadline_ms && !ending.signal.aborted) await delay(ARRIVAL_POLL_MS);
    } finally {
      hideProgress();
    }
    printFigures(times.figures({ suite: "density", case: flags.shape, conditions }), flags.json);
    ending.signal.throwIfAborted();
    const arrived = times[flags.until];
    if (arrived < flags.pods) {
      throw new BenchFailure(
        `${arrived} of ${flags.pods} pods got ${flags.until} in ${flags.timeout_s} s; look at the others with kubectl describe, or wait longer with --timeout`,
      );
    }
    return 0;
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
    await watch.close();
    if (begun && !flags.keep) await deleteRun(client, flags.namespace, selector, made);
    await client.close();
  }
}

/** Deletes the pods of the run at once, and the namespace when the run made it. */
async function deleteRun(client: ApiClient, namespace: string, selector: string, madeNamespace: boolean): Promise<void> {
  const body = JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0, propagationPolicy: "Background" });
  const paths = [`/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`];
  if (madeNamespace) paths.push(`/api/v1/namespaces/${namespace}`);
  for (const path of paths) {
    const answer = await client.send({ method: "DELETE", path, body }).catch((error: Error) => ({ status: 0, body: error.message }));
    if (answer.status < 200 || answer.status >= 300)
      process.stderr.write(`bench: could not delete ${path}: ${answer.body || answer.status}\n`);
  }
}

/** What a reader must know to compare the figures. */
async function conditionsOf(client: ApiClient, flags: DensityFlags): Promise<string> {
  const version = (await client.call({ method: "GET", path: "/version" })) as { gitVersion?: string };
  const nodes = (await client.call({ method: "GET", path: "/api/v1/nodes?limit=1" })) as {
    metadata: { remainingItemCount?: number };
    items: readonly unknown[];
  };
  const facts = {
    server: version.gitVersion ?? "unknown",
    nodes: nodes.items.length + (nodes.metadata.remainingItemCount ?? 0),
    pods: flags.pods,
    concurrency: flags.concurrency,
    until: flags.until,
    cpus: availableParallelism(),
  };
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
