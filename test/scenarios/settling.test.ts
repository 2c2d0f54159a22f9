import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { Api, type Json, type Request } from "./settling/api.ts";
import { Kubelet } from "./settling/kubelet.ts";
import { isCompared, snapshot, tame } from "./settling/snapshot.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** Scenarios wait most of the time, so some are played side by side, each cluster one after the other since they share its nodes. */
const CLUSTERS = 3;
/** Nothing has been written for so long: all is settled, if the scenario does not say longer. */
const QUIET_MS = 700;
const PATIENCE_MS = 100_000;

interface Step extends Request {
  readonly settle?: boolean;
  readonly quietMs?: number;
  readonly expect: Json;
}

interface Scenario {
  readonly name: string;
  readonly nodes?: readonly Json[];
  readonly steps: readonly Step[];
}

const recording = readFileSync(new URL("../parity/controllers.jsonl.gz", import.meta.url));
const scenarios = gunzipSync(recording)
  .toString()
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Scenario);

let clusters: readonly Troupe[] = [];
beforeAll(async () => {
  clusters = await Promise.all(Array.from({ length: CLUSTERS }, () => Troupe.up(freshDataDirectory(), ["--nodes", "0"])));
});
afterAll(() => Promise.all(clusters.map((cluster) => cluster.discard())));

describe.concurrent("what a namespace settles to under Kubernetes 1.34.9", () => {
  /** The scenarios of each cluster wait for one another. */
  const turns: Promise<unknown>[] = Array.from({ length: CLUSTERS }, () => Promise.resolve());

  test.each(scenarios.map((scenario, index) => [scenario.name, scenario, index] as const))(
    "%s",
    async (_name, scenario, index) => {
      const before = turns[index % CLUSTERS];
      const played = (before as Promise<unknown>).then(() => play(clusters[index % CLUSTERS] as Troupe, scenario, `settle-${index}`));
      turns[index % CLUSTERS] = played.catch(() => undefined);
      const { wanted, got } = await played;
      expect(got).toEqual(withoutRaces(wanted));
    },
    600_000,
  );
});

interface Played {
  readonly wanted: readonly unknown[];
  readonly got: readonly unknown[];
}

async function play(cluster: Troupe, scenario: Scenario, namespace: string): Promise<Played> {
  const api = new Api(cluster.kubeconfig);
  const { nodes = [], steps } = JSON.parse(JSON.stringify(scenario).replaceAll("{ns}", namespace)) as Scenario;
  await api.call({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: namespace } } });
  await until(
    "service account",
    async () => (await api.call(get(`/api/v1/namespaces/${namespace}/serviceaccounts/default`))).status === 200,
  );
  for (const node of nodes) await api.call({ method: "POST", path: "/api/v1/nodes", body: node });
  const kubelet = new Kubelet(api, namespace);
  const got: unknown[] = [];
  try {
    await until("nodes that are ready", async () => (await api.items("/api/v1/nodes")).every(({ spec }) => !isNotReady(spec)));
    for (const step of steps) {
      if (step.settle === true) {
        await settled(api, step.quietMs ?? QUIET_MS);
        got.push(await snapshot(api, namespace));
        continue;
      }
      const { status, body } = await api.call(step);
      got.push({ status, ...(status >= 400 ? { message: tame(String(body.message), namespace) } : {}) });
    }
  } finally {
    await api.call({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
    for (const { metadata } of nodes) await api.call({ method: "DELETE", path: `/api/v1/nodes/${metadata.name}` });
    await until("namespace gone", async () => (await api.call(get(`/api/v1/namespaces/${namespace}`))).status === 404, PATIENCE_MS);
    await kubelet.stop();
    await api.close();
  }
  return { wanted: scenario.steps.map((step) => step.expect as unknown), got };
}

/** Events that are not compared are not in what was recorded either. */
function withoutRaces(wanted: readonly Json[]): readonly Json[] {
  return wanted.map((one) => (one.events === undefined ? one : { ...one, events: one.events.filter(isCompared) }));
}

function isNotReady({ taints = [] }: Json): boolean {
  return taints.some(({ key }: Json) => key === "node.kubernetes.io/not-ready");
}

function get(path: string): Request {
  return { method: "GET", path };
}

/** Resolves when the cluster's revision has stood still for so long. */
async function settled(api: Api, quiet_ms: number): Promise<void> {
  const revision = async (): Promise<string> =>
    (await api.call(get("/apis/scheduling.k8s.io/v1/priorityclasses?limit=1"))).body.metadata.resourceVersion;
  const started_ms = performance.now();
  let last = await revision();
  let since_ms = performance.now();
  while (performance.now() - since_ms < quiet_ms) {
    if (performance.now() - started_ms > PATIENCE_MS) throw new Error(`not settled within ${PATIENCE_MS} ms`);
    await sleep(50);
    const now = await revision();
    if (now === last) continue;
    last = now;
    since_ms = performance.now();
  }
}
