import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { up } from "../cluster/boot/up.ts";
import { parseUpFlags } from "../cluster/command-line/flags.ts";
import { readKubeconfig } from "./driver/kubeconfig.ts";
import { BenchFailure } from "./failure.ts";
import { printFigures } from "./figure.ts";
import { runWorkload } from "./scheduler/run-workload.ts";
import { WORKLOADS, type Workload } from "./scheduler/workloads.ts";

const USAGE = `npm run bench -- scheduler [WORKLOAD ...] [flags]

scheduler_perf's workloads, end to end: pods are created through the API of a cluster that has a store and a scheduler and nothing else, and
counted as scheduled when a watch shows them with a node. Beside each figure stands the floor that Kubernetes' own configuration asks for.

  --scale PERCENT    of the nodes and pods of each workload (default 100), for a quick look
  --timeout SECONDS  give a workload up after this long (default 600)
  --json             one line per figure: {"suite","case","metric","value","unit","conditions"}

Workloads: ${WORKLOADS.map(({ name }) => name).join(", ")}
`;

const SCALE_FULL = 100;

/** The scheduler suite. Prints figures; 0 when all pods of all workloads were scheduled. Throws BenchFailure. */
export async function scheduler(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { values, positionals } = flagsOf(args);
  const [scale, timeout_s] = [Number(values.scale), Number(values.timeout)];
  if (!(scale > 0 && scale <= SCALE_FULL)) throw new BenchFailure(`--scale ${values.scale} is not a percentage from 1 to 100`, 2);
  if (!(timeout_s > 0)) throw new BenchFailure(`--timeout ${values.timeout} is not a number of seconds`, 2);
  const chosen = positionals.length === 0 ? WORKLOADS : positionals.map(workloadOf);
  for (const workload of chosen) await measure(scaled(workload, scale / SCALE_FULL), scale, timeout_s, values.json);
  return 0;
}

function flagsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        scale: { type: "string", default: String(SCALE_FULL) },
        timeout: { type: "string", default: "600" },
        json: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new BenchFailure(`${(error as Error).message.split("\n")[0]}; see npm run bench -- scheduler --help`, 2);
  }
}

function workloadOf(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found === undefined) throw new BenchFailure(`there is no workload ${name}; see npm run bench -- scheduler --help`, 2);
  return found;
}

function scaled(workload: Workload, scale: number): Workload {
  const size = (count: number): number => (count === 0 ? 0 : Math.max(1, Math.round(count * scale)));
  return {
    ...workload,
    nodes: size(workload.nodes),
    ...(workload.tainted === undefined ? {} : { tainted: size(workload.tainted) }),
    init: workload.init.map((set) => ({ ...set, count: size(set.count) })),
    measured: { ...workload.measured, count: size(workload.measured.count) },
  };
}

async function measure(workload: Workload, scale: number, timeout_s: number, json: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"));
  const flags = ["--data", join(folder, "data"), "--api-port", "0", "--only", "scheduler"];
  const cluster = up(parseUpFlags(flags), Date.now());
  try {
    await cluster.ready;
    const { pods, took_s, perSecond, sampled, cpu_us, driver_us } = await runWorkload(
      workload,
      readKubeconfig(join(folder, "data", "kubeconfig")),
      timeout_s,
    );
    const { name, threshold, of, nodes } = workload;
    const floor = threshold === undefined ? "none" : `${threshold}/s of ${of}`;
    const conditions = `nodes=${nodes} pods=${pods} floor="${floor}" scale=${scale}% concurrency=64 cpus=${availableParallelism()}`;
    const figure = { suite: "scheduler", case: name, conditions };
    printFigures(
      [
        { ...figure, metric: "scheduled", value: perSecond, unit: "pods/s" },
        { ...figure, metric: "time", value: took_s, unit: "s" },
        ...(threshold === undefined ? [] : [{ ...figure, metric: "times the floor", value: perSecond / threshold, unit: "x" }]),
        ...(sampled === undefined
          ? []
          : [{ ...figure, metric: "scheduled, as scheduler_perf samples it", value: sampled, unit: "pods/s" }]),
        ...(sampled === undefined || threshold === undefined
          ? []
          : [{ ...figure, metric: "that times the floor", value: sampled / threshold, unit: "x" }]),
        { ...figure, metric: "processor time, with the driver's", value: cpu_us / pods, unit: "us/pod" },
        { ...figure, metric: "of that, the driver's", value: driver_us / pods, unit: "us/pod" },
      ],
      json,
    );
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
