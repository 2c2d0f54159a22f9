import { describe, expect, test } from "vitest";
import { age, bytes, cores, count, duration, percent, rateOf } from "../../../cluster/console/web/format.ts";

describe("numbers, as people read them", () => {
  test.each([
    [count(150_000), "150,000"],
    [cores(12_400), "12.4"],
    [cores(80_054_500), "80,055"],
    [bytes(0), "0 B"],
    [bytes(1024 ** 3 * 1.5), "1.5 GiB"],
    [bytes(622 * 1024 ** 4), "622 TiB"],
    [percent(0), "0%"],
    [percent(0.004), "<1%"],
    [percent(0.625), "63%"],
    [duration(0), "0"],
    [duration(0.000_25), "250 µs"],
    [duration(0.0042), "4.2 ms"],
    [duration(1.25), "1.3 s"],
    [rateOf(1_234.5), "1,235/s"],
    [rateOf(2.45), "2.5/s"],
  ])("%s", (said, wanted) => {
    expect(said).toBe(wanted);
  });

  test.each([
    [0, "0s"],
    [59, "59s"],
    [61, "1m1s"],
    [3_600, "1h"],
    [26 * 3_600, "1d2h"],
    [90_061, "1d1h"],
  ])("%d s ago", (seconds, wanted) => {
    expect(age("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:00Z") + seconds * 1_000)).toBe(wanted);
  });
});
