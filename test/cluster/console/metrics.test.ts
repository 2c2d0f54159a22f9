import { describe, expect, test } from "vitest";
import { each, parseMetrics, quantile, rate, sum } from "../../../cluster/console/web/metrics.ts";

const page = (requests: number, buckets: readonly [number, number, number]): string => `# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{verb="GET",code="200"} ${requests}
requests_total{verb="POST",code="201",path="a\\"b\\\\c"} 7
took_seconds_bucket{verb="GET",le="0.1"} ${buckets[0]}
took_seconds_bucket{verb="GET",le="0.5"} ${buckets[1]}
took_seconds_bucket{verb="GET",le="+Inf"} ${buckets[2]}
took_seconds_sum{verb="GET"} 12.5
up 1
`;

const then = parseMetrics(page(100, [10, 20, 20]), 10_000);
const now = parseMetrics(page(150, [20, 40, 40]), 20_000);

describe("a metrics page", () => {
  test("is read line by line, with labels of any text", () => {
    expect(then.samples.get("up")).toEqual([{ labels: {}, value: 1 }]);
    expect(then.samples.get("requests_total")?.[1]).toEqual({ labels: { verb: "POST", code: "201", path: 'a"b\\c' }, value: 7 });
    expect(sum(then, "requests_total")).toBe(107);
    expect(sum(then, "requests_total", ({ verb }) => verb === "POST")).toBe(7);
    expect(sum(then, "nothing_total")).toBe(0);
  });

  test("tells rates between two looks, and begins anew with a restart", () => {
    expect(rate(then, now, "requests_total")).toBe(5);
    expect(rate(now, then, "requests_total", ({ verb }) => verb === "GET")).toBeGreaterThan(0);
    expect(each(then, now, "took_seconds_sum", "requests_total")).toBe(0);
    expect(each(then, then, "took_seconds_sum", "requests_total")).toBeUndefined();
  });

  test("tells quantiles of what came between, as far along in the bucket as the share is", () => {
    // 20 came, half of them below 0.1.
    expect(quantile(then, now, "took_seconds", 0.5)).toBeCloseTo(0.1);
    expect(quantile(then, now, "took_seconds", 0.75)).toBeCloseTo(0.3);
    expect(quantile(then, then, "took_seconds", 0.5)).toBeUndefined();
    // What is beyond the last bound is no shorter than that.
    expect(quantile(then, parseMetrics(page(150, [10, 20, 30]), 20_000), "took_seconds", 0.99)).toBe(0.5);
  });
});
