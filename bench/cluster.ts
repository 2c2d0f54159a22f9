import { parseArgs } from "node:util";
import { BenchFailure } from "./failure.ts";
import { printFigures } from "./figure.ts";
import { clusterWorkload } from "./load/cluster-workload.ts";
import { startCluster } from "./load/own-cluster.ts";
import { BUILT_IN_TEMPLATES, type Template } from "./load/templates.ts";
import type { Phase, Workload } from "./load/workload.ts";
import { report, watched } from "./load.ts";

const CLUSTER_USAGE = `npm run bench -- cluster [flags]

Boots a cluster of its own, fills it, and lets it live: pods of Deployments, Jobs, StatefulSets and DaemonSets as fast as it takes them, then minutes of
replaced pods, roll-outs and dying nodes. Everything is on disk before it is answered, as always.

  --nodes N      hollow nodes (default 5000)
  --pods N       pods (default 150000)
  --minutes N    of churn (default 10; 0: none)
  --threads N    hosts of the cluster, one a thread (default: as npm start)
  --html FILE    write a page with plots as well
  --json         one line per figure: {"suite","case","metric","value","unit","conditions"}
`;

const DEPLOYMENT_USAGE = `npm run bench -- deployment [flags]

Boots a cluster of its own and times one Deployment from none of its pods to all of them Running, as a watch shows it, several times in turn.

  --nodes N      hollow nodes (default 1000)
  --pods N       replicas (default 1000)
  --rounds N     how often (default 5)
  --threads N    hosts of the cluster, one a thread (default: as npm start)
  --html FILE    write a page with plots as well
  --json         one line per figure: {"suite","case","metric","value","unit","conditions"}
`;

const PROCESSES_USAGE = `npm run bench -- processes [flags]

Boots a cluster of its own whose pods are processes of this machine, and times one Deployment of pods that sleep from none of them to all of them Running, as a
watch shows it, several times in turn.

  --nodes N      nodes that the machine is (default 1)
  --pods N       replicas (default 200)
  --rounds N     how often (default 3)
  --threads N    hosts of the cluster, one a thread (default: as npm start)
  --html FILE    write a page with plots as well
  --json         one line per figure: {"suite","case","metric","value","unit","conditions"}
`;

const NODES_MAX = 60_000;
const PODS_MAX = 2_000_000;
const MINUTES_MAX = 1_440;
const ROUNDS_MAX = 1_000;
const THREADS_MAX = 64;
const WAIT_MS = 120_000;
const PAUSE_MS = 2_000;
/** Within it 200 processes are asked to end, end, and are cleared away. */
const PROCESSES_PAUSE_MS = 10_000;

/** The cluster suite. Prints figures; 0 when all pods ran. Throws BenchFailure. */
export function cluster(args: readonly string[]): Promise<number> {
  const defaults = { nodes: 5_000, pods: 150_000, rest: { name: "minutes", least: 0, most: MINUTES_MAX, preset: 10 } };
  return inOwnCluster("cluster", args, defaults, CLUSTER_USAGE, clusterWorkload);
}

/** The deployment suite. Prints figures; 0 when all pods ran. Throws BenchFailure. */
export function deployment(args: readonly string[]): Promise<number> {
  const defaults = { nodes: 1_000, pods: 1_000, rest: { name: "rounds", least: 1, most: ROUNDS_MAX, preset: 5 } };
  return inOwnCluster("deployment", args, defaults, DEPLOYMENT_USAGE, (_nodes, pods, rounds) => deploymentWorkload(pods, rounds));
}

/** The processes suite. Prints figures; 0 when all pods ran. Throws BenchFailure. */
export function processes(args: readonly string[]): Promise<number> {
  const rest = { name: "rounds", least: 1, most: ROUNDS_MAX, preset: 3 };
  // Services are no part of it, and their addresses may be in use on this machine.
  const flags = ["--runtime", "process", "--service-proxy", "off"];
  const defaults = { nodes: 1, pods: 200, rest, flags };
  return inOwnCluster("processes", args, defaults, PROCESSES_USAGE, (_nodes, pods, rounds) => deploymentWorkload(pods, rounds, "sleepers"));
}

/** Pods that ask for nothing, so that as many go on a machine as it has room for. */
const SLEEPERS: Template = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  spec: {
    replicas: "$(replicas)",
    selector: { matchLabels: { app: "$(name)" } },
    template: {
      metadata: { labels: { app: "$(name)" } },
      spec: { containers: [{ name: "sleeper", image: "registry.k8s.io/pause:3.10" }] },
    },
  },
};

function deploymentWorkload(pods: number, rounds: number, template: "deployment" | "sleepers" = "deployment"): Workload {
  const phases = Array.from({ length: rounds }, (_, round): readonly Phase[] => {
    const object = `web-${round}`;
    const about = { startUp: false, wait_ms: 0, for_ms: 0 };
    return [
      {
        ...{ ...about, name: `round-${round}`, wait_ms: WAIT_MS },
        steps: [{ do: "create", object, template, namespaces: 1, count: 1, replicas: pods }],
      },
      {
        ...about,
        name: `away-${round}`,
        for_ms: template === "sleepers" ? PROCESSES_PAUSE_MS : PAUSE_MS,
        steps: [{ do: "delete", object, share: 1 }],
      },
    ];
  });
  return { name: "deployment", namespaces: 1, templates: { ...BUILT_IN_TEMPLATES, sleepers: SLEEPERS }, phases: phases.flat() };
}

interface Defaults {
  readonly nodes: number;
  readonly pods: number;
  /** The flag that is the suite's own. */
  readonly rest: { readonly name: string; readonly least: number; readonly most: number; readonly preset: number };
  /** Further ones of the cluster. */
  readonly flags?: readonly string[];
}

async function inOwnCluster(
  suite: string,
  args: readonly string[],
  defaults: Defaults,
  usage: string,
  workloadOf: (nodes: number, pods: number, rest: number) => Workload,
): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(usage);
    return 0;
  }
  const { nodes, pods, rest, threads, html, json } = flagsOf(suite, args, defaults);
  const workload = workloadOf(nodes, pods, rest);
  const more = defaults.flags ?? [];
  const own = await startCluster(nodes, [...more, ...(threads === undefined ? [] : ["--threads", String(threads)])]);
  try {
    const about = `asked=${pods} fsync=always ${threads === undefined ? "" : `threads=${threads} `}${more.length === 0 ? "" : `flags="${more.join(" ")}" `}driver=beside`;
    printFigures([{ suite, case: "boot", metric: "all nodes Ready", value: own.ready_ms, unit: "ms", conditions: `nodes=${nodes}` }], json);
    const result = await watched({ workload, access: own.access, pids: [own.pid], keep: true });
    report(result, { suite, title: `Troupe: ${nodes} nodes, ${pods} pods`, about, html, json });
    return 0;
  } finally {
    await own.stop();
  }
}

function flagsOf(suite: string, args: readonly string[], { nodes, pods, rest }: Defaults) {
  const options = {
    nodes: { type: "string", default: String(nodes) },
    pods: { type: "string", default: String(pods) },
    [rest.name]: { type: "string", default: String(rest.preset) },
    threads: { type: "string" },
    html: { type: "string" },
    json: { type: "boolean", default: false },
  } as const;
  const wrong = (what: string): BenchFailure => new BenchFailure(`${what}; see npm run bench -- ${suite} --help`, 2);
  let values: Readonly<Record<string, unknown>>;
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    throw wrong((error as Error).message.split(/\.?\s*\n|\. /)[0] ?? "");
  }
  const number = (name: string, least: number, most: number): number => {
    const text = String(values[name]);
    if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    throw wrong(`--${name} ${text} is not a whole number from ${least} to ${most}`);
  };
  return {
    nodes: number("nodes", 1, NODES_MAX),
    pods: number("pods", 1, PODS_MAX),
    rest: number(rest.name, rest.least, rest.most),
    threads: values.threads === undefined ? undefined : number("threads", 1, THREADS_MAX),
    html: values.html as string | undefined,
    json: values.json === true,
  };
}
