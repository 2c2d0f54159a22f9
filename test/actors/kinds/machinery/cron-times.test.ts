import { expect, test } from "vitest";
import { parseCron } from "../../../../actors/kinds/machinery/cron.ts";
import { nextTime_ms } from "../../../../actors/kinds/machinery/cron-times.ts";

function next(schedule: string, after: string, zone?: string): string | undefined {
  const time_ms = nextTime_ms(parseCron(schedule), Date.parse(after), zone);
  return time_ms === undefined ? undefined : new Date(time_ms).toISOString().replace(":00.000Z", "Z");
}

test.each([
  ["* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01Z"],
  ["*/15 * * * *", "2026-01-01T00:14:59Z", "2026-01-01T00:15Z"],
  ["0 0 1 1 *", "2026-01-01T00:00:00Z", "2027-01-01T00:00Z"],
  ["30 4 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T04:30Z"],
  // One of two restricted days is enough.
  ["0 12 13 * 5", "2026-02-13T12:00:00Z", "2026-02-20T12:00Z"],
  ["0 12 13 * *", "2026-02-13T12:00:00Z", "2026-03-13T12:00Z"],
  ["0 9 * * mon-fri", "2026-01-02T09:00:00Z", "2026-01-05T09:00Z"],
  ["@hourly", "2026-12-31T23:30:00Z", "2027-01-01T00:00Z"],
  ["@every 90s", "2026-01-01T00:00:10.7Z", "2026-01-01T00:01:40.000Z"],
])("%s after %s is %s", (schedule, after, expected) => {
  expect(next(schedule, after)).toBe(expected);
});

test("a day that never comes", () => {
  expect(next("0 0 30 2 *", "2026-01-01T00:00:00Z")).toBeUndefined();
});

test.each([
  // Half past two does not exist in New York on 8 March 2026, and half past one is there twice on 1 November.
  ["30 2 * * *", "2026-03-08T05:00:00Z", "America/New_York", "2026-03-09T06:30Z"],
  ["30 1 * * *", "2026-11-01T04:00:00Z", "America/New_York", "2026-11-01T05:30Z"],
  ["30 1 * * *", "2026-11-01T05:30:00Z", "America/New_York", "2026-11-01T06:30Z"],
  ["0 0 * * *", "2026-06-01T12:00:00Z", "Asia/Kolkata", "2026-06-01T18:30Z"],
  // In Santiago the day of the change begins at one o'clock.
  ["0 0 * * *", "2026-09-05T12:00:00Z", "America/Santiago", "2026-09-07T03:00Z"],
  ["0 1 * * *", "2026-09-05T12:00:00Z", "America/Santiago", "2026-09-06T04:00Z"],
])("%s after %s in %s is %s", (schedule, after, zone, expected) => {
  expect(next(schedule, after, zone)).toBe(expected);
});
