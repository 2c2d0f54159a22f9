import { availableParallelism, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { startChromium } from "./console/chromium.ts";
import { type FrameTimes, Visit } from "./console/visit.ts";
import { ApiClient } from "./driver/api-client.ts";
import { type ApiAccess, readKubeconfig } from "./driver/kubeconfig.ts";
import { percentile } from "./driver/percentile.ts";
import { BenchFailure } from "./failure.ts";
import { type Figure, printFigures } from "./figure.ts";
import { clusterWorkload } from "./load/cluster-workload.ts";
import { type OwnCluster, startCluster } from "./load/own-cluster.ts";
import { report, watched } from "./load.ts";

const USAGE = `npm run bench -- console [flags]

The console's map of a full cluster in Debian's Chromium: what somebody waits for who opens it for the first time, how much comes over the wire, how far frames are
apart while they move about on it, when the cluster is at rest and when its pods are replaced, and what another client of the API waits for meanwhile.

  --nodes N            hollow nodes (default 5000)
  --pods N             pods (default 150000)
  --kubeconfig FILE    a Troupe that runs, as it is, in place of one that is booted and filled
  --visits N           first visits, each with a browser that knows nothing (default 5)
  --json               one line per figure: {"suite","case","metric","value","unit","conditions"}
`;

/** Ten seconds on a screen of 60 frames a second. */
const FRAMES = 600;
const REPLACED_PER_S = 100;
/** The other client asks so often. */
const ASK_EVERY_MS = 20;
/** Then the gateway has forgotten the map that nobody looks at, and puts it together anew for the next. */
const FORGOTTEN_MS = 6_000;
const PAGE = 5_000;
const SESSION_S = 3_600;
const NODES_MAX = 60_000;
const PODS_MAX = 2_000_000;
const VISITS_MAX = 100;
const KB = 1_000;

/** The console suite. Prints figures. Throws BenchFailure. */
export async function console(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { nodes, pods, kubeconfig, visits, json } = flagsOf(args);
  // Where there is none, that is better known before a cluster has been filled.
  const browser = await startChromium();
  let own: OwnCluster | undefined;
  try {
    if (kubeconfig === undefined) {
      own = await startCluster(nodes);
      const result = await watched({ workload: clusterWorkload(nodes, pods, 0), access: own.access, pids: [own.pid], keep: true });
      report(result, { suite: "console", title: "fill", about: `asked=${pods}`, html: undefined, json });
    }
    printFigures(await measured(own?.access ?? readKubeconfig(kubeconfig ?? ""), browser, visits), json);
    return 0;
  } finally {
    await browser.close();
    await own?.stop();
  }
}

async function measured(access: ApiAccess, browser: Browser, visits: number): Promise<Figure[]> {
  const api = new ApiClient(access, 8);
  try {
    const body = JSON.stringify({ expirationSeconds: SESSION_S });
    const { token } = (await api.call({ method: "POST", path: "/troupe/console-session", body })) as { token: string };
    const [nodes, pods] = [await countOf(api, "nodes"), await countOf(api, "pods")];
    const conditions = `nodes=${nodes} pods=${pods} cpus=${availableParallelism()} load=${loadavg()[0]?.toFixed(1)} browser=${browser.version()}`;
    const figures: Figure[] = [];
    const figure = (what: string, metric: string, value: number, unit: string): void => {
      figures.push({ suite: "console", case: what, metric, value, unit, conditions });
    };
    const asking = askOften(api);
    let visit: Visit | undefined;
    const firsts: Visit["first"][] = [];
    for (let at = 0; at < visits; at++) {
      await visit?.close();
      if (visit !== undefined) await delay(FORGOTTEN_MS);
      visit = await Visit.open(browser, `${access.origin}/console/`, encodeURIComponent(token));
      firsts.push(visit.first);
    }
    const waited_ms = await asking.stop();
    const median = (field: keyof Visit["first"]): number =>
      percentile(
        firsts.map((first) => first[field]),
        0.5,
      ) ?? 0;
    figure("a first visit", "until the nodes are drawn", median("nodes_ms"), "ms");
    figure("a first visit", "the slowest", Math.max(...firsts.map(({ nodes_ms }) => nodes_ms)), "ms");
    figure("a first visit", "until all pods are counted", median("whole_ms"), "ms");
    figure("a first visit", "the console, over the wire", median("console_bytes") / KB, "KB");
    figure("a first visit", "what the map was told, over the wire", median("feed_bytes") / KB, "KB");
    figure("another client meanwhile", "get, p50", percentile(waited_ms, 0.5) ?? 0, "ms");
    figure("another client meanwhile", "get, p99", percentile(waited_ms, 0.99) ?? 0, "ms");
    figure("another client meanwhile", "get, longest", Math.max(...waited_ms), "ms");
    const frames = (what: string, times: FrameTimes): void => {
      figure(what, "frames in time for 60 a second", times.inTime * 100, "%");
      figure(what, "from frame to frame, p50", times.p50_ms, "ms");
      figure(what, "from frame to frame, p95", times.p95_ms, "ms");
      figure(what, "from frame to frame, p99", times.p99_ms, "ms");
      figure(what, "from frame to frame, longest", times.max_ms, "ms");
    };
    if (visit === undefined) throw new Error("nobody has visited");
    frames("moving about, cluster at rest", await visit.frames(FRAMES));
    const churn = replacePods(api);
    frames("moving about, pods are replaced", await visit.frames(FRAMES));
    figure("moving about, pods are replaced", "pods", await churn.stop(), "1/s");
    await visit.close();
    return figures;
  } finally {
    await api.close();
  }
}

/** Asks for one small object again and again; gives how long each answer took, in milliseconds. */
function askOften(api: ApiClient): { stop(): Promise<readonly number[]> } {
  const took_ms: number[] = [];
  return inBackground(
    async () => {
      const asked_ms = performance.now();
      await api.call({ method: "GET", path: "/api/v1/namespaces/default" });
      took_ms.push(performance.now() - asked_ms);
      await delay(ASK_EVERY_MS);
    },
    () => took_ms,
  );
}

/** Deletes pods, which their owners replace; gives how many a second. */
function replacePods(api: ApiClient): { stop(): Promise<number> } {
  const begun_ms = performance.now();
  let left: { readonly namespace: string; readonly name: string }[] = [];
  let count = 0;
  return inBackground(
    async () => {
      if (left.length === 0) {
        const list = (await api.call({ method: "GET", path: `/api/v1/pods?limit=${PAGE}` })) as {
          items: { metadata: { namespace: string; name: string } }[];
        };
        left = list.items.map(({ metadata }) => metadata);
        if (left.length === 0) throw new BenchFailure("the cluster has no pods that could be replaced");
      }
      const early_ms = begun_ms + (count / REPLACED_PER_S) * 1_000 - performance.now();
      if (early_ms > 0) await delay(early_ms);
      const { namespace, name } = left.pop() ?? { namespace: "", name: "" };
      await api.send({ method: "DELETE", path: `/api/v1/namespaces/${namespace}/pods/${name}` });
      count += 1;
    },
    () => count / ((performance.now() - begun_ms) / 1_000),
  );
}

/** Does something again and again until it is to stop, and gives what has come of it then. */
function inBackground<T>(act: () => Promise<void>, outcome: () => T): { stop(): Promise<T> } {
  let isOver = false;
  const running = (async () => {
    while (!isOver) await act();
  })();
  // Told when it is stopped.
  running.catch(() => undefined);
  return {
    stop: async () => {
      isOver = true;
      await running;
      return outcome();
    },
  };
}

async function countOf(api: ApiClient, resource: string): Promise<number> {
  const list = (await api.call({ method: "GET", path: `/api/v1/${resource}?limit=1` })) as {
    items: readonly unknown[];
    metadata: { remainingItemCount?: number };
  };
  return list.items.length + (list.metadata.remainingItemCount ?? 0);
}

function flagsOf(args: readonly string[]) {
  const wrong = (what: string): BenchFailure => new BenchFailure(`${what}; see npm run bench -- console --help`, 2);
  const options = {
    nodes: { type: "string", default: "5000" },
    pods: { type: "string", default: "150000" },
    visits: { type: "string", default: "5" },
    kubeconfig: { type: "string" },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const number = (name: "nodes" | "pods" | "visits", most: number): number => {
      const value = Number(values[name]);
      if (Number.isInteger(value) && value >= 1 && value <= most) return value;
      throw wrong(`--${name} ${values[name]} is not a whole number from 1 to ${most}`);
    };
    const [nodes, pods, visits] = [number("nodes", NODES_MAX), number("pods", PODS_MAX), number("visits", VISITS_MAX)];
    return { nodes, pods, visits, kubeconfig: values.kubeconfig, json: values.json };
  } catch (error) {
    throw error instanceof BenchFailure ? error : wrong((error as Error).message.split(/\.?\s*\n|\. /)[0] ?? "");
  }
}
