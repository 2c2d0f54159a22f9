import { describe, expect, test } from "vitest";
import type { View } from "../../../../actors/store/view.ts";
import { WatchCounts } from "../../../../cluster/gateway/fairness/watch-counts.ts";
import { ONE_SEAT, seatsMax, WorkEstimator } from "../../../../cluster/gateway/fairness/work.ts";
import type { ResourceRequest } from "../../../../cluster/gateway/route.ts";
import { parseRequest } from "../../../../cluster/gateway/route.ts";
import { virtualClock } from "../../../../runtime/mod.ts";

const POD_CHARS = 2_000;

/** A store of so many pods. */
function viewOf(count: number): View {
  const entries = Array.from({ length: count }, () => ({ text: "x".repeat(POD_CHARS) }));
  return { count: (resource: string) => (resource === "pods" ? count : 0), list: () => entries } as unknown as View;
}

function asked(method: string, url: string): ResourceRequest {
  return parseRequest(method, url) as ResourceRequest;
}

describe("the seats of a list", () => {
  test.each([
    ["/api/v1/pods", 10_000, 0, 10],
    ["/api/v1/pods", 100, 0, 2],
    ["/api/v1/pods", 10, 0, 1],
    ["/api/v1/pods?limit=150", 10_000, 0, 3],
    ["/api/v1/pods?limit=0", 10_000, 0, 10],
    ["/api/v1/pods", 10_000, 4, 4],
    ["/api/v1/namespaces/a/pods", 10_000, 0, 10],
    ["/api/v1/pods?fieldSelector=metadata.name%3Da", 10_000, 0, 1],
    ["/api/v1/configmaps", 10_000, 0, 1],
    ["/api/v1/pods?watch=1", 10_000, 0, 1],
    ["/api/v1/pods?watch=1&sendInitialEvents=true", 10_000, 0, 10],
    ["/api/v1/namespaces/a/pods/b", 10_000, 0, 1],
  ])("%s of %i pods where a request may have %i: %i", (url, count, most, seats) => {
    const estimator = new WorkEstimator(viewOf(count), virtualClock(), new WatchCounts());
    expect(estimator.of(asked("GET", url), most)).toEqual({ ...ONE_SEAT, seats });
  });

  test("a level gives one request no more than its share", () => {
    expect([seatsMax(245, 6), seatsMax(49, 6), seatsMax(1, 6)]).toEqual([37, 8, 1]);
  });
});

describe("the seats of a write", () => {
  const watches = new WatchCounts();
  const ends = [
    ...Array.from({ length: 25 }, () => watches.add(asked("GET", "/api/v1/pods?watch=1"))),
    ...Array.from({ length: 10 }, () => watches.add(asked("GET", "/api/v1/namespaces/a/pods?watch=1"))),
    ...Array.from({ length: 5 }, () => watches.add(asked("GET", "/api/v1/namespaces/a/pods?watch=1&fieldSelector=metadata.name%3Db"))),
    ...Array.from({ length: 500 }, () => watches.add(asked("GET", "/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn1"))),
  ];
  const estimator = new WorkEstimator(viewOf(1), virtualClock(), watches);
  test.each([
    ["POST", "/api/v1/namespaces/z/pods", 3, 5],
    ["POST", "/api/v1/namespaces/a/pods", 4, 5],
    ["PUT", "/api/v1/namespaces/a/pods/b", 4, 5],
    ["DELETE", "/api/v1/namespaces/a/pods/c", 4, 5],
    ["POST", "/api/v1/namespaces/a/configmaps", 0, 0],
    ["DELETE", "/api/v1/namespaces/a/pods", 0, 0],
    ["POST", "/api/v1/namespaces/a/serviceaccounts/x/token", 0, 0],
  ])("%s %s: %i for %i ms when it is answered", (method, url, finalSeats, additional_ms) => {
    expect(estimator.of(asked(method, url), 0)).toEqual({ seats: 1, finalSeats, additional_ms });
  });

  test("what a level does not give at once takes longer", () => {
    expect(estimator.of(asked("POST", "/api/v1/namespaces/a/pods"), 2)).toEqual({ seats: 1, finalSeats: 2, additional_ms: 10 });
  });

  test("watches that have ended do not count", () => {
    for (const end of ends) end();
    expect(estimator.of(asked("PUT", "/api/v1/namespaces/a/pods/b"), 0)).toEqual(ONE_SEAT);
  });
});
