import type { CronJob } from "../../kinds/generated/types.ts";
import type { CronSchedule } from "../../kinds/machinery/cron.ts";
import { nextTime_ms } from "../../kinds/machinery/cron-times.ts";

const SECOND_MS = 1_000;
/** More missed starts than these are told as a fault. */
const MISSED_MAX = 100;

/** The last time at which a job should have been started and was not; undefined: there is none. */
export interface MissedStart {
  readonly at_ms: number | undefined;
  /** More were missed than can be by accident. */
  readonly tooMany: boolean;
}

const NONE: MissedStart = { at_ms: undefined, tooMany: false };

/**
 * Of many missed starts only the last counts. It is searched from where it would be if all of them were as far apart as the first two, so that ten years
 * of them cost as much as one: where the schedule pauses there, none is found. Undefined for a schedule that never comes round (30 February). Source:
 * mostRecentScheduleTime.
 */
export function missedStart(
  { metadata, spec, status }: CronJob,
  schedule: CronSchedule,
  zone: string,
  now_ms: number,
): MissedStart | undefined {
  let earliest_ms = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
  const deadline = spec.startingDeadlineSeconds;
  if (deadline !== undefined) earliest_ms = Math.max(earliest_ms, now_ms - deadline * SECOND_MS);
  const first_ms = nextTime_ms(schedule, earliest_ms, zone);
  if (first_ms === undefined) return undefined;
  if (first_ms > now_ms) return NONE;
  const second_ms = nextTime_ms(schedule, first_ms, zone);
  if (second_ms === undefined) return undefined;
  if (second_ms > now_ms) return { at_ms: first_ms, tooMany: false };
  const period_ms = second_ms - first_ms;
  const missed = Math.floor((now_ms - first_ms) / period_ms) + 1;
  let last_ms: number | undefined;
  let next_ms = nextTime_ms(schedule, first_ms + (missed - 2) * period_ms, zone);
  while (next_ms !== undefined && next_ms <= now_ms) {
    last_ms = next_ms;
    next_ms = nextTime_ms(schedule, next_ms, zone);
  }
  return { at_ms: last_ms, tooMany: last_ms !== undefined && missed > MISSED_MAX };
}
