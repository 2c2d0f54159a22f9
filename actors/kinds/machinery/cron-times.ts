import type { CronFields, CronSchedule } from "./cron.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SECOND_MS = 1_000;
/** A schedule that does not fire within this time (30 February) never does. Source: robfig/cron. */
const YEARS_MAX = 5;

interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

/** Reads clocks of one time zone. */
class ZoneClock {
  readonly #format: Intl.DateTimeFormat | undefined;

  constructor(zone: string) {
    this.#format =
      zone === "UTC"
        ? undefined
        : new Intl.DateTimeFormat("en-US", {
            timeZone: zone,
            hourCycle: "h23",
            year: "numeric",
            month: "numeric",
            day: "numeric",
            hour: "numeric",
            minute: "numeric",
          });
  }

  at(time_ms: number): LocalTime {
    if (this.#format === undefined) {
      const date = new Date(time_ms);
      return {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        weekday: date.getUTCDay(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
      };
    }
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(time_ms)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
    return { year, month, day, hour, minute, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay() };
  }
}

const clocks = new Map<string, ZoneClock>();

function clockOf(zone: string): ZoneClock {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = new ZoneClock(zone);
    clocks.set(zone, clock);
  }
  return clock;
}

/**
 * The first time after `after_ms` at which the schedule fires by the clocks of the zone (an IANA name); undefined when it never does. Times that a clock
 * leaves out do not fire, and those that it shows twice fire twice. Source: robfig/cron's Schedule.Next.
 */
export function nextTime_ms(schedule: CronSchedule, after_ms: number, zone = "UTC"): number | undefined {
  if (schedule.type === "every") return Math.floor(after_ms / SECOND_MS) * SECOND_MS + schedule.period_ms;
  const clock = clockOf(zone);
  let time_ms = Math.floor(after_ms / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  const lastYear = clock.at(time_ms).year + YEARS_MAX;
  for (;;) {
    const local = clock.at(time_ms);
    if (local.year > lastYear) return undefined;
    if (!schedule.months.has(local.month) || !isDay(schedule, local)) time_ms = nextMidnight(clock, time_ms, local);
    else if (!schedule.hours.has(local.hour)) time_ms += HOUR_MS - local.minute * MINUTE_MS;
    else if (!schedule.minutes.has(local.minute)) time_ms += MINUTE_MS;
    else return time_ms;
  }
}

function isDay({ daysOfMonth, daysOfWeek, anyDayOfMonth, anyDayOfWeek }: CronFields, { day, weekday }: LocalTime): boolean {
  const [byMonth, byWeek] = [daysOfMonth.has(day), daysOfWeek.has(weekday)];
  return anyDayOfMonth || anyDayOfWeek ? byMonth && byWeek : byMonth || byWeek;
}

/** The first minute of the next day, which is not always 24 hours from the last one. */
function nextMidnight(clock: ZoneClock, time_ms: number, { day, hour, minute }: LocalTime): number {
  let next_ms = time_ms + (24 - hour) * HOUR_MS - minute * MINUTE_MS;
  const there = clock.at(next_ms);
  if (there.day === day) next_ms += (24 - there.hour) * HOUR_MS - there.minute * MINUTE_MS;
  else next_ms -= there.hour * HOUR_MS + there.minute * MINUTE_MS;
  // Where a day begins at one o'clock, going back an hour led to the day before.
  return clock.at(next_ms).day === day ? next_ms + HOUR_MS : next_ms;
}
