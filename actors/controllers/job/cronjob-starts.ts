import type { CronJob } from "../../kinds/generated/types.ts";
import type { CronSchedule } from "../../kinds/machinery/cron.ts";
import { nextTime_ms } from "../../kinds/machinery/cron-times.ts";

/** More missed starts than these are told as a fault. */
const MISSED_MAX = 100;

/** The last time at which a job should have been started and was not; undefined: there is none. */
export interface MissedStart {
  readonly at_ms: number | undefined;
  /** More were missed than can be by accident. */
  readonly tooMany: boolean;
}

/**
 * Of many missed starts only the last counts. It is searched from now backwards, so that ten years of them cost as much as one. Source:
 * mostRecentScheduleTime.
 */
export function missedStart({ metadata, spec, status }: CronJob, schedule: CronSchedule, zone: string, now_ms: number): MissedStart {
  let earliest_ms = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
  const deadline = spec.startingDeadlineSeconds;
  if (deadline !== undefined) earliest_ms = Math.max(earliest_ms, now_ms - deadline * 1_000);
  const first_ms = nextTime_ms(schedule, earliest_ms, zone);
  if (first_ms === undefined || first_ms > now_ms) return { at_ms: undefined, tooMany: false };
  const second_ms = nextTime_ms(schedule, first_ms, zone);
  if (second_ms === undefined || second_ms > now_ms) return { at_ms: first_ms, tooMany: false };
  const period_ms = second_ms - first_ms;
  const missed = Math.floor((now_ms - first_ms) / period_ms) + 1;
  return { at_ms: lastStart_ms(schedule, first_ms, period_ms, zone, now_ms), tooMany: missed > MISSED_MAX && deadline === undefined };
}

function lastStart_ms(schedule: CronSchedule, first_ms: number, period_ms: number, zone: string, now_ms: number): number {
  if (schedule.type === "every") return first_ms + Math.floor((now_ms - first_ms) / period_ms) * period_ms;
  for (let span_ms = period_ms; ; span_ms *= 2) {
    const from_ms = Math.max(first_ms - 1, now_ms - span_ms);
    let last_ms: number | undefined;
    for (let time_ms = nextTime_ms(schedule, from_ms, zone); time_ms !== undefined && time_ms <= now_ms; ) {
      last_ms = time_ms;
      time_ms = nextTime_ms(schedule, time_ms, zone);
    }
    if (last_ms !== undefined) return last_ms;
    if (from_ms < first_ms) return first_ms;
  }
}
