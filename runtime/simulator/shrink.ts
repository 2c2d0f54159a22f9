import type { Plan } from "./plan.ts";
import type { ScenarioOf } from "./scenario.ts";
import { type Run, type SimulateOptions, simulate } from "./simulate.ts";

/** A failing plan is tried to be cut this often; then what there is has to do. */
const TRIES_MAX = 300;

export interface Shrunk {
  /** Of the smallest plan that was found to break the same invariant, with all that happened. */
  readonly run: Run;
  readonly tries: number;
}

/** Looks for a smaller plan that breaks the same invariant: a shorter one, with fewer hosts, actors and faults. Finds the same one every time. */
export async function shrink(scenarioOf: ScenarioOf, failed: Run, options: SimulateOptions = {}): Promise<Shrunk> {
  const { violation } = failed;
  if (violation === undefined) throw new Error("there is nothing wrong with this run");
  let best = failed;
  let tries = 0;

  async function attempt(plan: Plan): Promise<boolean> {
    if (tries >= TRIES_MAX) return false;
    tries += 1;
    const run = await simulate(scenarioOf, plan, options);
    if (run.violation?.invariant !== violation?.invariant) return false;
    best = run;
    return true;
  }

  await shorten();
  for (let before = ""; before !== JSON.stringify(best.plan); ) {
    before = JSON.stringify(best.plan);
    await fewerFaults();
    await smaller("hosts");
    await smaller("actors");
    await shorten();
  }
  return { run: await simulate(scenarioOf, best.plan, { ...options, keep: true }), tries };

  /** Ends the plan where the violation was, without the faults that come later, and then earlier. */
  async function shorten(): Promise<void> {
    const until = (duration_ms: number): Plan => ({
      ...best.plan,
      duration_ms,
      faults: best.plan.faults.filter(({ at_ms }) => at_ms < duration_ms),
    });
    await attempt(until(Math.min(best.plan.duration_ms, Math.ceil(best.violation?.at_ms ?? 0))));
    let holds_ms = 0;
    while (best.plan.duration_ms - holds_ms > Math.max(100, best.plan.duration_ms / 16)) {
      const half_ms = Math.ceil((holds_ms + best.plan.duration_ms) / 2);
      if (half_ms >= best.plan.duration_ms || !(await attempt(until(half_ms)))) holds_ms = half_ms;
    }
  }

  /** Leaves out ever smaller parts of the faults (Zeller's delta debugging). */
  async function fewerFaults(): Promise<void> {
    for (let part = best.plan.faults.length; part >= 1; part = part >> 1) {
      for (let at = 0; at < best.plan.faults.length; ) {
        const { faults } = best.plan;
        if (!(await attempt({ ...best.plan, faults: [...faults.slice(0, at), ...faults.slice(at + part)] }))) at += part;
      }
    }
  }

  async function smaller(what: "hosts" | "actors"): Promise<void> {
    for (let count = 1; count < best.plan.size[what]; count++)
      if (await attempt({ ...best.plan, size: { ...best.plan.size, [what]: count } })) return;
  }
}
