/** Measurements, each a suite that is run by name: `npm run bench -- SUITE [flags] [--json]`. */
import { BenchFailure } from "./failure.ts";

interface Suite {
  readonly about: string;
  readonly run: (args: readonly string[]) => Promise<number>;
}

/** A suite that is a program of its own: it measures when it is loaded, and reads its flags from the command line. */
const program = (load: () => Promise<unknown>): Suite["run"] =>
  inClone(async () => {
    await load();
    return 0;
  });

/** One that a package of the program has not all for that it wants. */
function inClone(run: Suite["run"]): Suite["run"] {
  return (args) =>
    run(args).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
      throw new BenchFailure("this suite needs packages that only a clone of the repository has among its dependencies; run it there");
    });
}

const SUITES: Readonly<Record<string, Suite>> = {
  density: {
    about: "create pods on any Kubernetes API server and follow them to Running",
    run: async (args) => (await import("./density.ts")).density(args),
  },
  load: {
    about: "drive any cluster through a workload file and measure Kubernetes' service levels",
    run: async (args) => (await import("./load.ts")).load(args),
  },
  cluster: {
    about: "5,000 nodes and 150,000 pods of all kinds of owners, then churn",
    run: async (args) => (await import("./cluster.ts")).cluster(args),
  },
  deployment: {
    about: "one Deployment from none of its pods to all of them Running",
    run: async (args) => (await import("./cluster.ts")).deployment(args),
  },
  processes: {
    about: "pods that are processes: one Deployment of them from none to all of them Running",
    run: async (args) => (await import("./cluster.ts")).processes(args),
  },
  api: {
    about: "the API alone, of any Kubernetes API server: create, get, list, watch",
    run: async (args) => (await import("./api.ts")).api(args),
  },
  nats: {
    about: "the API by NATS: create, get, and changes told to many who listen",
    run: async (args) => (await import("./nats.ts")).nats(args),
  },
  console: {
    about: "the console's map of 5,000 nodes and 150,000 pods in a browser: first view, bytes, frames",
    run: inClone(async (args) => (await import("./console.ts")).console(args)),
  },
  cast: {
    about: "the same for the actors alone: no HTTP, no disk, one thread",
    run: program(() => import("./cast.bench.ts")),
  },
  "pod-actor": { about: "the memory that the actor of a running pod holds", run: program(() => import("./pod-actor.bench.ts")) },
  store: { about: "writes to the store on a real nats-server", run: program(() => import("./store.bench.ts")) },
  "store-restart": {
    about: "150,000 pods written, everything killed, and read back",
    run: program(() => import("./store-restart.bench.ts")),
  },
  access: { about: "decisions of who may do what, with 10,000 bindings", run: program(() => import("./access.bench.ts")) },
  proxy: { about: "a request through the service proxy, beside one without", run: program(() => import("./proxy.bench.ts")) },
  dns: { about: "answers of the nameserver of the cluster", run: program(() => import("./dns.bench.ts")) },
  kernel: { about: "the kernel within one host, beside a plain queue and beside nact", run: program(() => import("./kernel.bench.ts")) },
  runtime: {
    about: "kernel, then transport",
    run: program(async () => {
      await import("./kernel.bench.ts");
      await import("./transport.bench.ts");
    }),
  },
  transport: {
    about: "messages and questions between threads: over NATS, over a MessagePort",
    run: program(() => import("./transport.bench.ts")),
  },
  scheduler: {
    about: "scheduler_perf's workloads through store and API, beside Kubernetes' own floors",
    run: async (args) => (await import("./scheduler.ts")).scheduler(args),
  },
  "scheduler-core": { about: "placement, by the index and by the plain loop", run: program(() => import("./scheduler-core.bench.ts")) },
  "scheduler-million": {
    about: "a million pods on a million nodes, from empty",
    run: program(() => import("./scheduler-million.bench.ts")),
  },
};

/** `-o json` is `--json`, as suites know it; those that are programs look for it in the command line of the process. */
function withJson(args: readonly string[]): readonly string[] {
  const at = args.findIndex((arg, index) => arg === "-o" && args[index + 1] === "json");
  if (at < 0) return args;
  process.argv.push("--json");
  return args.toSpliced(at, 2, "--json");
}

/** What each suite measures, by its name. */
export function suites(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(SUITES).map(([name, { about }]) => [name, about]));
}

/** Runs the suite that the first argument names with the rest. Gives the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runBench([name, ...args]: readonly string[]): Promise<number> {
  const suite = name !== undefined && Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (suite === undefined) {
    const wrong = name === undefined ? "no suite was named" : `there is no suite ${name}`;
    process.stderr.write(`bench: ${wrong}; it is one of ${Object.keys(SUITES).join(", ")}: see troupe help bench\n`);
    return 2;
  }
  try {
    return await suite.run(withJson(args));
  } catch (error) {
    if (!(error instanceof BenchFailure)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    return error.exitCode;
  }
}
