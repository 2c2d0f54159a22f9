import { describe, expect, test } from "vitest";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { createHollowUsage } from "../../../../actors/node/usage/hollow-usage.ts";
import type { View } from "../../../../actors/store/view.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const MINUTE_MS = 60_000;
const Mi = 1_048_576;

type Resources = { requests?: Record<string, string>; limits?: Record<string, string> };

function pod(annotations: Record<string, string> = {}, containers: Record<string, Resources> = { web: {} }): Pod {
  const running = Object.keys(containers).map((name) => ({ name, state: { running: { startedAt: "2026-01-01T00:00:00Z" } } }));
  return {
    metadata: { name: "p", namespace: "d", creationTimestamp: "2026-01-01T00:00:00Z", annotations },
    spec: { containers: Object.entries(containers).map(([name, resources]) => ({ name, resources })) },
    status: { phase: "Running", startTime: "2026-01-01T00:00:00Z", containerStatuses: running },
  } as unknown as Pod;
}

/** A view of these objects, by key, and nothing else. */
function viewOf(objects: Record<string, object>): View {
  return {
    get: (key: string) => objects[key],
    list: (resource: string) => Object.keys(objects).filter((key) => key.startsWith(`${resource}/`)),
    decode: (key: string) => objects[key],
  } as unknown as View;
}

function configMap(name: string, data: Record<string, string>): View {
  return viewOf({ [`configmaps/d/${name}`]: { metadata: { name }, data } });
}

const NO_FILES = viewOf({});

/** Thousandths of a core and MiB of each container. */
function used(of: Pod, after_ms = 0, view = NO_FILES): Record<string, readonly [number, number]> {
  const usage = createHollowUsage(view, () => 0.25)(of, START_MS + after_ms);
  return Object.fromEntries(usage.map(({ name, cpu_nanocores, memory_bytes }) => [name, [cpu_nanocores / 1e6, memory_bytes / Mi]]));
}

const asks = (cpu: string, memory: string): Resources => ({ requests: { cpu, memory } });

test("a container of which nobody says anything uses half of what it requests, or next to nothing", () => {
  expect(used(pod({}, { web: asks("200m", "128Mi") }))).toEqual({ web: [100, 64] });
  expect(used(pod())).toEqual({ web: [1, 1] });
});

test.each([
  ["a quantity", { "troupe.dev/usage-cpu": "350m", "troupe.dev/usage-memory": "32Mi" }, [350, 32]],
  ["a share of the request", { "troupe.dev/usage-cpu": "90%", "troupe.dev/usage-memory": "150%" }, [180, 192]],
  ["kwok's annotations", { "kwok.x-k8s.io/usage-cpu": "0.5", "kwok.x-k8s.io/usage-memory": "1Gi" }, [500, 1_024]],
  ["one's own before kwok's", { "kwok.x-k8s.io/usage-cpu": "0.5", "troupe.dev/usage-cpu": "1" }, [1_000, 64]],
  ["what is no profile", { "troupe.dev/usage-cpu": "much", "troupe.dev/usage-memory": "sine(1Gi)" }, [100, 64]],
  ["less than nothing", { "troupe.dev/usage-cpu": "-1" }, [100, 64]],
])("constant: %s", (_what, annotations, expected) => {
  expect(used(pod(annotations, { web: asks("200m", "128Mi") }))).toEqual({ web: expected });
});

test("an annotation for one container goes before that for all", () => {
  const annotations = { "troupe.dev/usage-cpu": "10m", "troupe.dev/usage-cpu.side": "20m" };
  expect(used(pod(annotations, { web: {}, side: {} }))).toEqual({ web: [10, 1], side: [20, 1] });
});

test("nothing uses more than its limit", () => {
  const limits = { cpu: "300m", memory: "10Mi" };
  const annotations = { "troupe.dev/usage-cpu": "2", "troupe.dev/usage-memory": "1Gi" };
  expect(used(pod(annotations, { web: { limits } }))).toEqual({ web: [300, 10] });
});

test("a sine goes from its least to its most and back in its period, for all pods at the same time", () => {
  const wave = pod({ "troupe.dev/usage-cpu": "sine(100m, 500m, 20m)" });
  const cpu = (after_ms: number): number => Math.round(used(wave, after_ms).web?.[0] ?? -1);
  // The first of January begins a period of twenty minutes.
  expect([0, 5, 10, 15, 20].map((minutes) => cpu(minutes * MINUTE_MS))).toEqual([100, 300, 500, 300, 100]);
  const later = pod({ "troupe.dev/usage-cpu": "sine(50%, 150%, 20m, 5m)" }, { web: asks("200m", "1Mi") });
  expect([5, 15].map((minutes) => Math.round(used(later, minutes * MINUTE_MS).web?.[0] ?? -1))).toEqual([100, 300]);
});

test("a file is replayed from the pod's start on, by container", () => {
  const text = ["time,container,cpu,memory", "# a quiet start", "0,web,100m,16Mi", "1m,web,400m,", "90s,,250m,8Mi", "2m,web,,64Mi"].join(
    "\n",
  );
  const annotations = { "troupe.dev/usage-cpu": "replay(load/day.csv)", "troupe.dev/usage-memory": "replay(load/day.csv)" };
  const replayed = pod(annotations, { web: {}, side: {} });
  const files = configMap("load", { "day.csv": text });
  const at = (seconds: number) => used(replayed, seconds * 1_000, files);
  expect(at(0)).toEqual({ web: [100, 16], side: [1, 1] });
  expect(at(59)).toEqual({ web: [100, 16], side: [1, 1] });
  expect(at(60)).toEqual({ web: [400, 16], side: [1, 1] });
  expect(at(90)).toEqual({ web: [400, 16], side: [250, 8] });
  expect(at(86_400)).toEqual({ web: [400, 64], side: [250, 8] });
  const again = pod({ "troupe.dev/usage-cpu": "replay(load/day.csv, 100s)" });
  expect([0, 99, 100, 161].map((seconds) => used(again, seconds * 1_000, files).web?.[0])).toEqual([100, 400, 100, 400]);
});

test("a file that is not there leaves the default", () => {
  expect(used(pod({ "troupe.dev/usage-cpu": "replay(load/day.csv)" }, { web: asks("1", "2Mi") }))).toEqual({ web: [500, 1] });
});

test("what does not run uses nothing", () => {
  const waiting = pod({}, { web: {}, side: {} });
  const [web, side] = waiting.status?.containerStatuses ?? [];
  const half = { ...waiting, status: { ...waiting.status, containerStatuses: [web, { ...side, state: { waiting: { reason: "x" } } }] } };
  expect(used(half as Pod)).toEqual({ web: [1, 1] });
  expect(used({ ...waiting, status: { ...waiting.status, phase: "Pending" } } as Pod)).toEqual({});
});

describe("kwok's objects", () => {
  const usages = (cpu: object, containers: readonly string[] = []) => ({ spec: { usages: [{ containers, usage: { cpu } }] } });
  const shared = (name: string, spec: object) => ({ [`clusterresourceusages.kwok.x-k8s.io/${name}`]: { metadata: { name }, ...spec } });
  const cpu = (view: View, annotations = {}, after_ms = 0): number | undefined => used(pod(annotations), after_ms, view).web?.[0];
  const FROM_ANNOTATION = `"kwok.x-k8s.io/usage-cpu" in pod.metadata.annotations
    ? Quantity(pod.metadata.annotations["kwok.x-k8s.io/usage-cpu"])
    : Quantity("7m")`;

  test.each<[string, string, number, number]>([
    ["an annotation or a default", FROM_ANNOTATION, 0, 7],
    ["what grows with the pod's age", 'Quantity("2m") * (pod.SinceSecond() / 60.0)', 120_000, 4],
    ["the same as a function", 'Quantity("2m") * (SinceSecond(pod) / 60.0)', 120_000, 4],
    ["the time", "Now().UnixSecond() - 1767225600.0", 3_000, 3_000],
    ["chance", 'Rand() > 0.2 ? Quantity("5m") : Quantity("6m")', 0, 5],
    ["the container", 'container.name == "web" ? 2 : 3', 0, 2_000],
    ["what fails leaves the default", "pod.nothing.there", 0, 1],
    ["and so does what is none", "pod.", 0, 1],
  ])("%s", (_what, expression, after_ms, expected) => {
    expect(cpu(viewOf(shared("a", usages({ expression }))), {}, after_ms)).toBe(expected);
  });

  test("the annotation is read by kwok's own expression", () => {
    expect(cpu(viewOf(shared("a", usages({ expression: FROM_ANNOTATION }))), { "kwok.x-k8s.io/usage-cpu": "9m" })).toBe(9);
  });

  test("the pod's own goes before those of many, and the pod's annotation before both", () => {
    const own = { "resourceusages.kwok.x-k8s.io/d/p": { metadata: { name: "p", namespace: "d" }, ...usages({ value: "20m" }) } };
    const both = viewOf({ ...shared("a", usages({ value: "10m" })), ...own });
    expect(cpu(both)).toBe(20);
    expect(cpu(both, { "troupe.dev/usage-cpu": "30m" })).toBe(30);
  });

  test("those of many are for whom they select", () => {
    const select = (selector: object) => viewOf(shared("a", { spec: { selector, ...usages({ value: "10m" }).spec } }));
    expect([{}, { matchNamespaces: ["d"] }, { matchNames: ["p", "q"] }].map((selector) => cpu(select(selector)))).toEqual([10, 10, 10]);
    expect([{ matchNamespaces: ["e"] }, { matchNames: ["q"] }].map((selector) => cpu(select(selector)))).toEqual([1, 1]);
    expect(cpu(viewOf(shared("a", usages({ value: "10m" }, ["side"]))))).toBe(1);
  });
});
