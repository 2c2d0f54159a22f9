import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Node, Pod } from "../../actors/kinds/generated/types.ts";
import { ApiClient } from "../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../bench/driver/kubeconfig.ts";
import { seededRandom } from "../../runtime/mod.ts";
import { isRunning } from "../boot/data-directory.ts";
import { BootFailure } from "../boot/failure.ts";
import { printed } from "../command-line/output.ts";
import { typed } from "../command-line/typed.ts";
import { commit, type Target } from "./faults.ts";
import type { ChaosFlags } from "./flags.ts";
import { GaplessWatch } from "./gapless-watch.ts";
import { Ledger } from "./ledger.ts";
import { overcommitted } from "./overcommit.ts";
import { drawPlan, readPlan, type Step } from "./plan.ts";
import { PodBook } from "./pod-book.ts";
import { type ChaosReport, reportLines, type Verdict } from "./report.ts";
import { beginWorkload, endWorkload, recovered } from "./workload.ts";

const CONNECTIONS = 4;
/** A ledger whose server went away tries again. */
const LEDGER_AGAIN_MS = 200;

/**
 * Does what a plan says to the cluster on a data directory, while a ledger writes and watches follow, and holds the cluster to what was promised. Gives the exit
 * code: 1 when a promise broke. Throws BootFailure when no cluster runs there.
 */
export async function runChaos(flags: ChaosFlags, output: NodeJS.WriteStream): Promise<number> {
  const random = seededRandom(flags.seed);
  const plan = flags.plan === undefined ? drawPlan(random, flags.faults, flags.rounds) : await readPlan(flags.plan);
  const { pid, kubeconfig } = clusterOn(flags.data);
  const client = new ApiClient(readKubeconfig(kubeconfig), CONNECTIONS);
  const namespace = `troupe-chaos-${flags.seed}`;
  const began_ms = performance.now();
  const tell = (line: string): void => {
    if (flags.format === "table") output.write(`${line}\n`);
  };
  try {
    tell(`seed ${flags.seed}: ${plan.length} steps in namespace ${namespace}`);
    await beginWorkload(client, namespace);
    const { done, verdicts } = await held(plan, {
      pid,
      data: flags.data,
      namespace,
      client,
      kubeconfig,
      random,
      seed: flags.seed,
      deadline_ms: flags.deadline_ms,
      tell,
    });
    const report: ChaosReport = { seed: flags.seed, took_ms: Math.round(performance.now() - began_ms), done, verdicts };
    output.write(await printed(flags.format, report, () => reportLines(report)));
    return verdicts.every((verdict) => verdict.held) ? 0 : 1;
  } finally {
    if (!flags.keep) await endWorkload(client, namespace).catch(() => undefined);
    await client.close();
  }
}

interface World extends Omit<Target, "book"> {
  readonly kubeconfig: string;
  readonly seed: number;
  readonly deadline_ms: number;
  tell(line: string): void;
}

async function held(plan: readonly Step[], world: World): Promise<Pick<ChaosReport, "done" | "verdicts">> {
  const { client, kubeconfig, namespace, tell } = world;
  const book = new PodBook();
  // Chance of its own: the ledger's pace is not to decide who the next victim is.
  const choices = seededRandom(world.seed);
  const ledger = new Ledger((bound) => choices.below(bound), namespace);
  const pods = await GaplessWatch.of(kubeconfig, `/api/v1/namespaces/${namespace}/pods`, book.seen);
  const notes = await GaplessWatch.of(kubeconfig, `/api/v1/namespaces/${namespace}/configmaps`);
  const over = new AbortController();
  const writing = keepWriting(ledger, kubeconfig, over.signal);
  const until_ms = performance.now() + world.deadline_ms;
  const done: string[] = [];
  const [unrecovered, given]: [string[], string[]] = [[], []];
  try {
    for (const step of plan) {
      if (performance.now() + step.after_ms + step.for_ms > until_ms) {
        unrecovered.push(`the deadline came after ${done.length} of ${plan.length} steps`);
        break;
      }
      await delay(step.after_ms);
      const what = await commit(step, { ...world, book });
      done.push(what);
      tell(`  ${what}`);
      await recovered(client, namespace).catch((error: Error) => unrecovered.push(`after ${what}: ${error.message}`));
      given.push(...(await overcommittedNow(client)));
    }
  } finally {
    over.abort();
    await writing;
  }
  const agreement = (await Promise.allSettled([pods.agrees(), notes.agrees()])).flatMap((each) =>
    each.status === "rejected" ? [String((each.reason as Error).message)] : [],
  );
  const complaints = await ledger.complaints(kubeconfig);
  await Promise.all([pods.close(), notes.close()]);
  const verdicts = [
    verdict("acknowledged writes are there", complaints, `${ledger.acknowledged} acknowledged, ${ledger.putOff} put off`),
    verdict("watches miss nothing", [...pods.faults, ...notes.faults, ...agreement], `resumed ${pods.resumed + notes.resumed} times`),
    verdict("no node gives more than it has", given, `looked at after each of ${done.length} steps`),
    verdict("one pod of a name, budgets kept", book.faults, "seen event by event"),
    verdict("what was lost is made up for", unrecovered, `after each of ${done.length} steps`),
  ];
  return { done, verdicts };
}

function verdict(promise: string, faults: readonly string[], looked: string): Verdict {
  return { promise, held: faults.length === 0, seen: faults.length === 0 ? [looked] : faults };
}

async function keepWriting(ledger: Ledger, kubeconfig: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ledger.write(kubeconfig, signal);
    if (!signal.aborted) await delay(LEDGER_AGAIN_MS);
  }
}

async function overcommittedNow(client: ApiClient): Promise<readonly string[]> {
  const list = async <T>(path: string): Promise<readonly T[]> =>
    ((await client.call({ method: "GET", path })) as { items: readonly T[] }).items;
  return overcommitted(await list<Node>("/api/v1/nodes"), await list<Pod>("/api/v1/pods"));
}

/** Throws BootFailure when no cluster runs on the data directory. */
function clusterOn(data: string): { readonly pid: number; readonly kubeconfig: string } {
  try {
    const { pid, kubeconfig } = JSON.parse(readFileSync(join(data, "status.json"), "utf8")) as { pid: number; kubeconfig: string };
    if (isRunning({ pid, started: undefined })) return { pid, kubeconfig };
  } catch {
    // None that is ready.
  }
  throw new BootFailure(`no Troupe runs on the data directory ${data}; start one (${typed("up")}) or name another with --data DIR`);
}
