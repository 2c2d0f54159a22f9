import { afterAll, beforeAll, expect, test } from "vitest";
import type { Figure } from "../../bench/figure.ts";
import { until } from "../../cluster/chaos/until.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

const PODS = 300;

let troupe: Troupe;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "10"]);
});
afterAll(() => troupe?.discard());

test("the density suite gets every pod Running, prints its figures, and takes everything away again", async () => {
  const { code, stdout, stderr } = await runTroupe([
    "bench",
    "density",
    "--kubeconfig",
    troupe.kubeconfig,
    "--pods",
    String(PODS),
    "--json",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const figures = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Figure);
  expect(figures.map(({ metric, unit }) => `${metric} (${unit})`)).toEqual([
    "create rate (pods/s)",
    "scheduled rate (pods/s)",
    "running rate (pods/s)",
    "create call p50 (ms)",
    "create call p99 (ms)",
    "pod start-up p50 (ms)",
    "pod start-up p99 (ms)",
  ]);
  for (const { suite, value, conditions } of figures) {
    expect(suite).toBe("density");
    expect(value).toBeGreaterThan(0);
    expect(conditions).toMatch(new RegExp(`^server=v1\\.34\\.\\S+ nodes=10 pods=${PODS} concurrency=64 until=running cpus=\\d+$`));
  }
  await until("the end of its namespace", async () =>
    (await troupe.kubectl.run(["get", "namespace", "density"])).stderr.includes("NotFound"),
  );
  await troupe.stop();
});

test.each([
  [["density", "--kubeconfig", "/nowhere/config"], 1, /cannot read the kubeconfig \/nowhere\/config/],
  [["density"], 2, /--kubeconfig FILE is missing/],
  [["density", "--kubeconfig", "k", "--pods", "none"], 2, /--pods none/],
  [["sprint"], 2, /there is no suite sprint/],
])("wrong: bench %j", async (args, exitCode, words) => {
  const { code, stdout, stderr } = await runTroupe(["bench", ...args]);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
  expect(stderr).toMatch(words);
});

test("a cluster that is not there is said in one line", async () => {
  const { code, stderr } = await runTroupe(["bench", "density", "--kubeconfig", troupe.kubeconfig]);
  expect(code).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/ECONNREFUSED/);
});
