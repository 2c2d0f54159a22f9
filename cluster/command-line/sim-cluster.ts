import { faultText, type Happened } from "../../runtime/simulator/mod.ts";
import { type Day, liveDay } from "../simulation/day.ts";
import { type DayPlan, dayPlanOf } from "../simulation/day-plan.ts";
import { clockText } from "../simulation/ledger.ts";
import { DONE, FAILED } from "./command.ts";
import { printed } from "./output.ts";
import { parseSimClusterFlags } from "./sim-flags.ts";
import { typed } from "./typed.ts";

/** Of what happened last, so many lines are shown of a broken day. */
const LINES_MAX = 40;
const HISTORY_MAX = 30;
const CHARACTERS_MAX = 300;

/** `troupe sim cluster`: lives days of clusters, one seed after another. The exit code: 0 all held, 1 something was broken. */
export async function runSimCluster(args: readonly string[]): Promise<number> {
  const flags = parseSimClusterFlags(args);
  const tell = (line: string): void => {
    if (flags.format === "table") console.log(line);
  };
  const days: { seed: number; pods: number; revisions: number; steps: number; took_s: number; violation: string | undefined }[] = [];
  for (let seed = flags.seed; seed < flags.seed + flags.seeds; seed++) {
    const plan = dayPlanOf(seed, flags);
    const started_ms = performance.now();
    const history: string[] = [];
    const day = await liveDay(plan, {
      heard(happened) {
        const line = historyLine(happened);
        if (line === undefined) return;
        history.push(line);
        if (flags.trace) console.log(line);
      },
    });
    const took_s = (performance.now() - started_ms) / 1_000;
    const { run, pods, ledger } = day;
    days.push({ seed, pods, revisions: ledger.revision, steps: run.steps, took_s, violation: run.violation?.text });
    tell(summaryOf(plan, day, took_s));
    if (run.violation === undefined) continue;
    tell(reportOf(plan, day, history));
    const { hours, nodes, hosts, faultEvery_ms } = flags;
    const again = `--seed ${seed} --hours ${hours} --nodes ${nodes} --hosts ${hosts} --fault-every ${faultEvery_ms / 1_000}`;
    tell(`again: ${typed(`sim cluster ${again}`)}`);
  }
  const failed = days.filter(({ violation }) => violation !== undefined).length;
  if (flags.format !== "table") process.stdout.write(await printed(flags.format, days, () => []));
  else if (flags.seeds > 1) tell(failed === 0 ? `all held: ${flags.seeds} seeds` : `${failed} broken of ${flags.seeds} seeds`);
  return failed === 0 ? DONE : FAILED;
}

function summaryOf({ seed, deeds, faults }: DayPlan, { run, pods, ledger }: Day, took_s: number): string {
  const verdict = run.violation === undefined ? "all held" : "BROKEN";
  const what = `${deeds.length} deeds of users, ${faults.length} faults of hosts and network, ${pods} pods, ${ledger.revision} revisions`;
  return `seed ${seed}: ${verdict}: ${what}, ${run.steps} steps in ${took_s.toFixed(1)} s`;
}

function reportOf({ seed }: DayPlan, { run, ledger }: Day, history: readonly string[]): string {
  const { at_ms = 0, text = "" } = run.violation ?? {};
  const names = [...new Set((text.match(/[a-z.]+\/[\w./-]+/g) ?? []).map((key) => key.slice(key.lastIndexOf("/") + 1)))];
  const cut = (line: string): string => (line.length > CHARACTERS_MAX ? `${line.slice(0, CHARACTERS_MAX)}…` : line);
  return [
    `seed ${seed} breaks at ${clockText(at_ms)}: ${text}`,
    "what was committed of the objects concerned:",
    ...ledger.linesAbout(names, LINES_MAX).map(cut),
    "what had happened before:",
    ...history.slice(-HISTORY_MAX).map(cut),
  ].join("\n");
}

/** What belongs into the short history of a day. */
function historyLine(happened: Happened): string | undefined {
  const text = historyText(happened);
  return text === undefined ? undefined : `${clockText(happened.at_ms)}  ${text}`;
}

function historyText(happened: Happened): string | undefined {
  switch (happened.what) {
    case "fault begins":
    case "fault ends":
      return `${happened.what}: ${faultText(happened.fault)}`;
    case "host begins":
      return `${happened.host} begins its life ${happened.life}`;
    case "host ends":
      return `${happened.host} is ${happened.how}`;
    case "note":
      return `a user at ${happened.host}: ${JSON.stringify(happened.data)}`;
    case "log":
      return happened.level === "error" ? `${happened.host}: ${happened.text} ${JSON.stringify(happened.fields)}` : undefined;
    default:
      return undefined;
  }
}
