import type { Random } from "../../runtime/mod.ts";
import { type Fault, planFaults, streamOf } from "../../runtime/simulator/mod.ts";
import { type App, drawEstate, type Estate, JOB_STYLES, type JobForm, nodesOfZone, POOR_TEAM } from "./estate.ts";

/** Something that people do to the cluster. Plain data; what takes long says until when. */
export type Deed =
  | { readonly do: "scale"; readonly app: App; readonly replicas: number }
  | { readonly do: "roll"; readonly app: App; readonly tag: string; readonly partition: number }
  | { readonly do: "undo"; readonly app: App }
  | { readonly do: "pause"; readonly app: App; readonly until_ms: number }
  | { readonly do: "recreate"; readonly app: App; readonly propagation: "Background" | "Foreground" | "Orphan" }
  | { readonly do: "rollDaemons"; readonly name: string; readonly tag: string }
  | { readonly do: "killPod"; readonly app: App; readonly nth: number }
  | { readonly do: "drain"; readonly node: string; readonly until_ms: number }
  /** One of its pods gets another label, and has the old one again later: whoever owned it makes another, and then has one too many. */
  | { readonly do: "release"; readonly app: App; readonly nth: number; readonly until_ms: number }
  | { readonly do: "job"; readonly job: JobForm; readonly until_ms: number }
  | { readonly do: "namespace"; readonly name: string; readonly until_ms: number }
  | { readonly do: "quota"; readonly pods: number }
  | { readonly do: "silence"; readonly node: string; readonly until_ms: number }
  /** The network of a zone fails, for most of its nodes or for all. */
  | { readonly do: "outage"; readonly nodes: readonly string[]; readonly until_ms: number }
  | { readonly do: "removeNode"; readonly node: string; readonly until_ms: number };

export type Planned = Deed & { readonly at_ms: number };

export interface DayPlan {
  readonly seed: number;
  readonly duration_ms: number;
  readonly hosts: number;
  readonly nodes: number;
  readonly estate: Estate;
  readonly deeds: readonly Planned[];
  readonly faults: readonly Fault[];
  /** The moments at which everything has to have settled. */
  readonly calms: readonly number[];
}

export interface DayOptions {
  readonly hours: number;
  readonly nodes: number;
  readonly hosts: number;
  /** From one fault of hosts and network to the next, on average. Default FAULT_EVERY_MS. */
  readonly faultEvery_ms?: number;
}

/** The first so long belongs to the making of the cluster and of all that is to run in it. */
const SETUP_MS = 4 * 60_000;
/** So often everybody leaves the cluster alone, for so long. */
const PERIOD_MS = 4 * 3_600_000;
const CALM_MS = 25 * 60_000;
const DEED_EVERY_MS = 150_000;
const FAULT_EVERY_MS = 240_000;
/** What takes long takes up to this. */
const LONG_MS = 15 * 60_000;

/** The day that a seed stands for. */
export function dayPlanOf(seed: number, { hours, nodes, hosts, faultEvery_ms = FAULT_EVERY_MS }: DayOptions): DayPlan {
  const duration_ms = hours * 3_600_000;
  const random = streamOf(seed, "day");
  const estate = drawEstate(streamOf(seed, "estate"), nodes);
  const periods = Math.max(1, Math.round(duration_ms / PERIOD_MS));
  const period_ms = duration_ms / periods;
  const calms: number[] = [];
  const deeds: Planned[] = [];
  const faults: Fault[] = [];
  const faultsAt = streamOf(seed, "faults");
  for (let period = 0; period < periods; period++) {
    const from_ms = period === 0 ? SETUP_MS : period * period_ms;
    const until_ms = Math.max(from_ms, (period + 1) * period_ms - CALM_MS);
    calms.push((period + 1) * period_ms);
    for (let at_ms = from_ms; ; ) {
      at_ms += Math.round(random.next() * 2 * DEED_EVERY_MS);
      if (at_ms >= until_ms) break;
      const long_ms = Math.min(until_ms, at_ms + 20_000 + Math.round(LONG_MS * random.next() ** 3));
      deeds.push({ ...drawDeed(random, estate, nodes, deeds.length, long_ms), at_ms });
    }
    for (const fault of planFaults(faultsAt, until_ms - from_ms, faultEvery_ms)) faults.push({ ...fault, at_ms: fault.at_ms + from_ms });
  }
  return { seed, duration_ms, hosts, nodes, estate, deeds, faults, calms };
}

function drawDeed(random: Random, estate: Estate, nodes: number, number: number, until_ms: number): Deed {
  const app = one(random, estate.apps);
  const node = `node-${random.below(nodes)}`;
  const tag = `app:${number + 2}`;
  const dice = random.below(100);
  if (dice < 22) return { do: "scale", app, replicas: Math.round(app.replicas * 1.5 * random.next()) };
  if (dice < 40)
    return { do: "roll", app, tag, partition: app.kind === "StatefulSet" && random.below(3) === 0 ? random.below(app.replicas) : 0 };
  if (dice < 46) return { do: "undo", app: one(random, deploymentsOf(estate)) };
  if (dice < 49) return { do: "pause", app: one(random, deploymentsOf(estate)), until_ms };
  if (dice < 52) return { do: "recreate", app, propagation: one(random, ["Background", "Foreground", "Orphan"]) };
  if (dice < 54) return { do: "rollDaemons", name: one(random, estate.daemons).name, tag };
  if (dice < 59) return { do: "killPod", app, nth: random.below(1_000) };
  if (dice < 61) return { do: "release", app: one(random, deploymentsOf(estate)), nth: random.below(1_000), until_ms };
  if (dice < 72) return { do: "drain", node, until_ms };
  if (dice < 80) {
    const completions = 1 + random.below(8);
    const exitCode = random.below(4) === 0 ? 1 : 0;
    const parallelism = 1 + random.below(completions);
    const { namespace } = app;
    const seconds = 5 + random.below(120);
    const style = one(random, JOB_STYLES);
    return { do: "job", job: { namespace, name: `job-${number}`, style, completions, parallelism, seconds, exitCode }, until_ms };
  }
  if (dice < 84) return { do: "namespace", name: `try-${number}`, until_ms };
  if (dice < 86) return { do: "quota", pods: quotaOfPoor(estate) + random.below(8) - 4 };
  if (dice < 91) return { do: "silence", node, until_ms };
  if (dice < 93) {
    const zone = nodesOfZone(random.below(nodes), nodes);
    return { do: "outage", nodes: zone.slice(0, Math.ceil(zone.length * (0.6 + 0.4 * random.next()))), until_ms };
  }
  return { do: "removeNode", node, until_ms };
}

/** What the poor team's apps need at first, and a little more. */
export function quotaOfPoor(estate: Estate): number {
  return 8 + estate.apps.filter(({ namespace }) => namespace === POOR_TEAM).reduce((sum, { replicas }) => sum + replicas, 0);
}

function deploymentsOf({ apps }: Estate): readonly App[] {
  return apps.filter(({ kind }) => kind === "Deployment");
}

function one<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)] as T;
}
