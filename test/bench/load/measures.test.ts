import { expect, test } from "vitest";
import { chartSvg } from "../../../bench/load/chart.ts";
import { levelOf } from "../../../bench/load/figures.ts";
import { Samples } from "../../../bench/load/samples.ts";
import { bucketsIn } from "../../../bench/load/server-times.ts";
import { everySo } from "../../../bench/load/steps.ts";

test("samples: percentiles by the nearest rank, a window of them, and how they grow", () => {
  const samples = new Samples();
  for (let i = 1; i <= 1_000; i++) samples.add(i * 10, i * 2);
  expect(samples.count).toBe(1_000);
  expect(samples.percentile(0.5)).toBe(1_000);
  expect(samples.percentile(0.99)).toBe(1_980);
  expect(samples.between(100, 200).count).toBe(10);
  expect(samples.slope()).toBeCloseTo(0.2);
  expect(new Samples().slope()).toBeUndefined();
});

test("a share is spread over all", () => {
  const all = Array.from({ length: 10 }, (_, i) => i);
  expect(everySo(all, 0.3)).toEqual([0, 3, 6]);
  expect(everySo(all, 1)).toEqual(all);
  expect(everySo(all, 0)).toEqual([]);
});

test("Kubernetes' levels, by verb and scope", () => {
  expect(levelOf("create", "resource").kubernetes_ms).toBe(1_000);
  expect(levelOf("list", "namespace").kubernetes_ms).toBe(5_000);
  expect(levelOf("list", "cluster").kubernetes_ms).toBe(30_000);
});

test("the server's histograms are read by verb, resource and scope, without what lasts", () => {
  const text = [
    "# HELP apiserver_request_duration_seconds ...",
    'apiserver_request_duration_seconds_bucket{verb="GET",resource="pods",subresource="",scope="resource",le="0.1"} 3',
    'apiserver_request_duration_seconds_bucket{verb="GET",resource="pods",subresource="",scope="resource",le="+Inf"} 4',
    'apiserver_request_duration_seconds_bucket{verb="PATCH",resource="pods",subresource="status",scope="resource",le="+Inf"} 1',
    'apiserver_request_duration_seconds_bucket{verb="WATCH",resource="pods",subresource="",scope="cluster",le="+Inf"} 9',
    'other{le="1"} 3',
  ].join("\n");
  expect(Object.fromEntries([...bucketsIn(text)].map(([what, buckets]) => [what, [...buckets]]))).toEqual({
    "GET pods (resource)": [
      [0.1, 3],
      [Number.POSITIVE_INFINITY, 4],
    ],
    "PATCH pods/status (resource)": [[Number.POSITIVE_INFINITY, 1]],
  });
});

test("a chart is all on the page itself, whatever its lines are called", () => {
  const svg = chartSvg(
    {
      title: "a < b",
      unit: "ms",
      limit: 5,
      lines: [
        { name: '<script>"', points: [[0, 1]] },
        { name: "none", points: [] },
      ],
    },
    0,
    10,
  );
  expect(svg).toContain("a &lt; b");
  expect(svg).not.toContain("<script>");
  expect(svg).not.toMatch(/(href|src)=/);
  expect(svg).not.toContain("none<");
});
