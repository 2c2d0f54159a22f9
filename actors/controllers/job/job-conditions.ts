import type { Job, JobCondition } from "../../kinds/generated/types.ts";
import { conditionOf } from "../conditions.ts";

/** A condition of a job that holds now. */
export function condition(type: string, reason: string, message: string, now: string, status = "True"): JobCondition {
  return { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now };
}

export function holding(job: Job, type: string): JobCondition | undefined {
  const found = conditionOf(job.status?.conditions, type);
  return found?.status === "True" ? found : undefined;
}

/** Complete or Failed. */
export function isFinished(job: Job): boolean {
  return holding(job, "Complete") !== undefined || holding(job, "Failed") !== undefined;
}

/** When it was finished; undefined when it is not. */
export function finishedAt_ms(job: Job): number | undefined {
  const at = (holding(job, "Complete") ?? holding(job, "Failed"))?.lastTransitionTime;
  return at === undefined ? undefined : Date.parse(at);
}
