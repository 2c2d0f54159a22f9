import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { showProgress } from "../cluster/command-line/progress.ts";
import { readKubeconfig } from "./driver/kubeconfig.ts";
import { BenchFailure } from "./failure.ts";
import { printFigures } from "./figure.ts";
import { figuresOf } from "./load/figures.ts";
import { pageOf } from "./load/page.ts";
import { type LoadOptions, type LoadResult, runLoad } from "./load/run.ts";
import { readWorkload } from "./load/workload.ts";

const USAGE = `npm run bench -- load --kubeconfig FILE --workload FILE [flags]

Drives any Kubernetes cluster through the phases of a workload file (bench/workloads/ has some) and measures Kubernetes' service levels: API calls,
start-up of pods, scheduling, EndpointSlices.

  --kubeconfig FILE   the cluster (its current context), by client certificate or token
  --workload FILE     what to do to it, YAML
  --pid N             a process of the cluster on this machine, whose memory is measured with its descendants'; may be repeated
  --html FILE         write a page with plots as well
  --keep              leave what was made
  --json              one line per figure: {"suite","case","metric","value","unit","conditions"}
`;

/** The load suite. Prints figures; 0 when every phase that waits for its pods has got them. Throws BenchFailure. */
export async function load(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const flags = flagsOf(args);
  const workload = readWorkload(flags.workload);
  const result = await watched({ workload, access: readKubeconfig(flags.kubeconfig), pids: flags.pids, keep: flags.keep });
  report(result, {
    suite: "load",
    title: `Load: ${workload.name}`,
    about: `workload=${workload.name}`,
    html: flags.html,
    json: flags.json,
  });
  return 0;
}

/** Runs a workload with its progress on the terminal, until it is through or a signal ends it. */
export async function watched(options: Omit<LoadOptions, "signal" | "progress">): Promise<LoadResult> {
  const ending = new AbortController();
  const end = (): void => ending.abort(new BenchFailure("ended by a signal"));
  process.once("SIGINT", end).once("SIGTERM", end);
  let text = (): string => "starting";
  const hideProgress = showProgress(() => text());
  try {
    return await runLoad({
      ...options,
      signal: ending.signal,
      progress: (next) => {
        text = next;
      },
    });
  } finally {
    hideProgress();
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

export interface Reporting {
  readonly suite: string;
  readonly title: string;
  /** What a reader must know beside server, nodes and machine. */
  readonly about: string;
  readonly html: string | undefined;
  readonly json: boolean;
}

/** Prints the figures, writes the page, and throws BenchFailure when pods that were waited for did not come. */
export function report(result: LoadResult, { suite, title, about, html, json }: Reporting): void {
  const figures = figuresOf(result, suite, about);
  printFigures(figures, json);
  if (html !== undefined) writeFileSync(html, pageOf(title, result, figures));
  const late = result.phases.find(({ phase, running, wanted }) => phase.wait_ms > 0 && running < wanted);
  if (late !== undefined)
    throw new BenchFailure(
      `phase ${late.phase.name}: ${late.running} of ${late.wanted} pods ran when its time was up; look at the others with kubectl describe, or let it wait longer`,
    );
}

function flagsOf(args: readonly string[]) {
  const options = {
    kubeconfig: { type: "string" },
    workload: { type: "string" },
    pid: { type: "string", multiple: true, default: [] as string[] },
    html: { type: "string" },
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  } as const;
  const wrong = (what: string): BenchFailure => new BenchFailure(`${what}; see npm run bench -- load --help`, 2);
  try {
    const { values } = parseArgs({ args: [...args], options });
    const { kubeconfig, workload, pid, html, keep, json } = values;
    if (kubeconfig === undefined) throw wrong("--kubeconfig FILE is missing: it says which cluster to load");
    if (workload === undefined) throw wrong("--workload FILE is missing: it says what to do");
    const pids = pid.map((one) => {
      if (!/^[1-9]\d*$/.test(one)) throw wrong(`--pid ${one} is no number of a process`);
      return Number(one);
    });
    return { kubeconfig, workload, pids, html, keep, json };
  } catch (error) {
    throw error instanceof BenchFailure ? error : wrong((error as Error).message.split(/\.?\s*\n|\. /)[0] ?? "");
  }
}
