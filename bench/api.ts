import { randomBytes } from "node:crypto";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { ApiClient } from "./driver/api-client.ts";
import { createAll } from "./driver/creates.ts";
import type { ApiAccess } from "./driver/kubeconfig.ts";
import { readKubeconfig } from "./driver/kubeconfig.ts";
import { makeNamespace } from "./driver/namespace.ts";
import { percentile } from "./driver/percentile.ts";
import { podBodies } from "./driver/pod-shape.ts";
import { BenchFailure } from "./failure.ts";
import type { Figure } from "./figure.ts";
import { printFigures } from "./figure.ts";
import { processorTime_us } from "./store/processor-time.ts";

const USAGE = `npm run bench -- api --kubeconfig FILE [flags]

The API alone, of any Kubernetes API server: pods created, as many again once the server is warm, read one by one, listed, and watched. Start ours for it with npm start -- --only api.

  --kubeconfig FILE   the cluster (its current context), by client certificate or token
  --pods N            how many (default 10000)
  --concurrency N     requests in flight (default 64)
  --watchers N        watches that share the same events (default 1000)
  --pid N             the server's process, where it runs on this machine: its processor time is told beside the rates
  --json              one line per figure: {"suite","case","metric","value","unit","conditions"}
`;

/** Each pod is read so many times. */
const GETS_PER_POD = 3;
const LISTS = 5;
/** Events that every watcher gets. */
const EVENTS = 200;
const WRITES_AT_ONCE = 16;
/** A thousand handshakes at once are not what is measured. */
const OPENED_AT_ONCE = 20;
/** How long the last event may take to arrive. */
const ARRIVAL_MS_MAX = 60_000;
const NEWLINE = 0x0a;
/** Of its own each time: without controllers, one that was deleted stays for ever. */
const NAMESPACE = `bench-api-${randomBytes(4).toString("hex")}`;
/** As many pods again: of a server that was just started, the first find it cold. */
const NAMESPACE_OF_MORE = `${NAMESPACE}-more`;
const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const PODS = podsOf(NAMESPACE);

function podsOf(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/pods`;
}

interface Run {
  readonly access: ApiAccess;
  readonly client: ApiClient;
  readonly pods: number;
  readonly concurrency: number;
  readonly watchers: number;
  /** The server's process; 0 where it is not known. */
  readonly pid: number;
  readonly figure: (what: string, metric: string, value: number, unit: string) => void;
}

/** The api suite. Prints figures; throws BenchFailure. */
export async function api(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { kubeconfig, json, ...flags } = parseFlags(args);
  const access = readKubeconfig(kubeconfig);
  const client = new ApiClient(access, flags.concurrency);
  const { gitVersion } = (await client.call({ method: "GET", path: "/version" })) as { gitVersion: string };
  const conditions = `server=${gitVersion} pods=${flags.pods} concurrency=${flags.concurrency} watchers=${flags.watchers} cpus=${availableParallelism()} load=${loadavg()[0]?.toFixed(1)}`;
  const figures: Figure[] = [];
  const figure: Run["figure"] = (what, metric, value, unit) => figures.push({ suite: "api", case: what, metric, value, unit, conditions });
  const run: Run = { access, client, ...flags, figure };
  const namespaces = [NAMESPACE, NAMESPACE_OF_MORE];
  for (const namespace of namespaces) await prepare(client, namespace);
  // All connections are opened: their handshakes are not what is measured, and there are nearly as many as the slowest hundredth of the creates.
  await Promise.all(Array.from({ length: flags.concurrency }, () => client.send({ method: "GET", path: "/version" })));
  try {
    const name = await creates(run, "creates", NAMESPACE);
    await creates(run, `the next ${flags.pods} creates`, NAMESPACE_OF_MORE);
    await gets(run, name);
    await lists(run);
    await watches(run);
  } finally {
    await client.send({ method: "DELETE", path: CONFIG_MAPS });
    for (const namespace of namespaces) {
      await client.send({ method: "DELETE", path: `${podsOf(namespace)}?gracePeriodSeconds=0` });
      await client.send({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
    }
    await client.close();
  }
  printFigures(figures, json);
  return 0;
}

async function prepare(client: ApiClient, namespace: string): Promise<void> {
  await makeNamespace(client, namespace);
  // Where no controllers run, nobody makes it, and pods are refused without it.
  await client.send({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
    body: '{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}}',
  });
}

/** Gives the names of the pods by their number. */
async function creates(
  { client, pods, concurrency, pid, figure }: Run,
  what: string,
  namespace: string,
): Promise<(index: number) => string> {
  const run = randomBytes(4).toString("hex");
  const took_ms = new Float64Array(pods);
  const used_us = processorTime_us(pid);
  const started_ms = performance.now();
  await createAll({
    client,
    path: podsOf(namespace),
    count: pods,
    concurrency,
    body: podBodies("basic", run, `api-${run}-`),
    created: (index, sent_ms, answered_ms) => {
      took_ms[index] = answered_ms - sent_ms;
    },
    signal: new AbortController().signal,
  });
  rate(figure, what, took_ms, performance.now() - started_ms, processorTime_us(pid) - used_us);
  return (index) => `api-${run}-${index}`;
}

async function gets({ client, pods, concurrency, pid, figure }: Run, name: (index: number) => string): Promise<void> {
  const took_ms = new Float64Array(pods * GETS_PER_POD);
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < took_ms.length) {
      const index = next++;
      const sent_ms = performance.now();
      const { status, body } = await client.send({ method: "GET", path: `${PODS}/${name(index % pods)}` });
      if (status !== 200) throw new BenchFailure(`a get was answered ${status}: ${body}`);
      took_ms[index] = performance.now() - sent_ms;
    }
  };
  const used_us = processorTime_us(pid);
  const started_ms = performance.now();
  await Promise.all(Array.from({ length: concurrency }, loop));
  rate(figure, "gets", took_ms, performance.now() - started_ms, processorTime_us(pid) - used_us);
}

function rate(figure: Run["figure"], what: string, took_ms: Float64Array, all_ms: number, used_us: number): void {
  if (used_us > 0) figure(what, "processor time of the server", used_us / took_ms.length, "us each");
  figure(what, "rate", took_ms.length / (all_ms / 1_000), "1/s");
  figure(what, "p50", percentile(took_ms, 0.5) ?? 0, "ms");
  figure(what, "p99", percentile(took_ms, 0.99) ?? 0, "ms");
}

async function lists({ client, figure, pods }: Run): Promise<void> {
  const took_ms: number[] = [];
  for (let count = 0; count < LISTS; count++) {
    const sent_ms = performance.now();
    const { status } = await client.send({ method: "GET", path: PODS });
    if (status !== 200) throw new BenchFailure(`a list was answered ${status}`);
    took_ms.push(performance.now() - sent_ms);
  }
  figure(`list of ${pods}`, "last byte, median", percentile(took_ms, 0.5) ?? 0, "ms");
  figure(`list of ${pods}`, "last byte, best", Math.min(...took_ms), "ms");
}

async function watches({ access, client, watchers, pid, figure }: Run): Promise<void> {
  const own = new ApiClient(access, watchers);
  let arrived = 0;
  let allArrived = (): void => {};
  const wanted = watchers * EVENTS;
  const take = (chunk: Buffer): void => {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) arrived++;
    if (arrived >= wanted) allArrived();
  };
  try {
    for (let opened = 0; opened < watchers; opened += OPENED_AT_ONCE) {
      const count = Math.min(OPENED_AT_ONCE, watchers - opened);
      await Promise.all(Array.from({ length: count }, () => own.stream(`${CONFIG_MAPS}?watch=1&labelSelector=of=bench`, take)));
    }
    const whole = new Promise<void>((resolve, reject) => {
      allArrived = resolve;
      setTimeout(() => reject(new BenchFailure(`${arrived} of ${wanted} events arrived`)), ARRIVAL_MS_MAX).unref();
    });
    const used_us = processorTime_us(pid);
    const started_ms = performance.now();
    await createAll({
      client,
      path: CONFIG_MAPS,
      count: EVENTS,
      concurrency: WRITES_AT_ONCE,
      body: (index) =>
        JSON.stringify({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: `e-${index}-${process.pid}`, labels: { of: "bench" } },
          data: { a: "b" },
        }),
      created: () => {},
      signal: new AbortController().signal,
    });
    await whole;
    const what = `${watchers} watchers`;
    figure(what, "deliveries", wanted / ((performance.now() - started_ms) / 1_000), "1/s");
    if (pid > 0) figure(what, "processor time of the server", (processorTime_us(pid) - used_us) / wanted, "us each");
  } finally {
    await own.close();
  }
}

interface Flags {
  readonly kubeconfig: string;
  readonly pods: number;
  readonly concurrency: number;
  readonly watchers: number;
  readonly pid: number;
  readonly json: boolean;
}

function parseFlags(args: readonly string[]): Flags {
  const options = {
    kubeconfig: { type: "string", default: "" },
    pods: { type: "string", default: "10000" },
    concurrency: { type: "string", default: "64" },
    watchers: { type: "string", default: "1000" },
    pid: { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  } as const;
  let values: { kubeconfig: string; pods: string; concurrency: string; watchers: string; pid: string; json: boolean };
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    throw new BenchFailure(`${(error as Error).message}; see npm run bench -- api --help`, 2);
  }
  const number = (name: "pods" | "concurrency" | "watchers" | "pid"): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value > 0) return value;
    throw new BenchFailure(`--${name} ${values[name]} is no whole number above 0; see npm run bench -- api --help`, 2);
  };
  if (values.kubeconfig === "") throw new BenchFailure("--kubeconfig FILE is missing; see npm run bench -- api --help", 2);
  return {
    kubeconfig: values.kubeconfig,
    json: values.json,
    pods: number("pods"),
    concurrency: number("concurrency"),
    watchers: number("watchers"),
    pid: values.pid === "0" ? 0 : number("pid"),
  };
}
