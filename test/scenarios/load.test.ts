import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Figure } from "../../bench/figure.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

/** Every step there is, over in seconds. */
const WORKLOAD = `
name: small
namespaces: 2
phases:
  - name: fill
    steps:
      - create: { object: web, template: deployment, count: 2, replicas: 10 }
      - create: { object: web, template: service, count: 2 }
      - create: { object: db, template: statefulset, replicas: 3 }
      - create: { object: agent, template: daemonset, namespaces: 1 }
      - create: { object: batch, template: job, replicas: 5 }
      - create: { object: settings, template: configmap }
      - create: { object: password, template: secret }
    wait: 1m
  - name: churn
    for: 1s
    steps:
      - replace: { share: 10% }
      - update: { object: web, share: 50% }
      - killNodes: { count: 1, away: 100ms }
      - read: { perSecond: 40 }
    wait: 2m
  - name: shrink
    steps:
      - scale: { object: db, replicas: 1 }
      - delete: { object: batch }
`;

const folder = mkdtempSync(join(tmpdir(), "troupe-load-"));
let troupe: Troupe;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "10"]);
});
afterAll(async () => {
  await troupe?.discard();
  rmSync(folder, { recursive: true, force: true });
});

test("the load suite takes a cluster through all phases of a workload file, and takes everything away again", async () => {
  const workload = join(folder, "small.yaml");
  const page = join(folder, "small.html");
  writeFileSync(workload, WORKLOAD);
  const { code, stdout, stderr } = await runTroupe([
    "bench",
    "load",
    "--kubeconfig",
    troupe.kubeconfig,
    "--workload",
    workload,
    "--html",
    page,
    "--json",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const figures = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Figure);
  const value = (phase: string, metric: string): number | undefined =>
    figures.find((figure) => figure.case === phase && figure.metric === metric)?.value;
  // Two Deployments of ten, a StatefulSet of three and a Job of five in each namespace, and a daemon on each node.
  expect(value("fill", "pods running at its end")).toBe(2 * (2 * 10 + 3 + 5) + 10);
  for (const metric of [
    "EndpointSlice after readiness p99",
    "pod start-up p99",
    "create deployments (resource) p99",
    "time to the last pod",
  ]) {
    expect(value("fill", metric), metric).toBeGreaterThan(0);
  }
  expect(value("churn", "delete pods (resource) calls")).toBe(7);
  expect(value("churn", "patch deployments (resource) calls")).toBe(2);
  expect(value("churn", "delete nodes (resource) calls")).toBe(1);
  expect(value("churn", "get pods (resource) calls")).toBe(38);
  expect(value("shrink", "patch statefulsets/scale (resource) calls")).toBe(2);
  expect(value("by the server", "POST deployments (resource) calls")).toBe(4);
  const html = readFileSync(page, "utf8");
  expect(html).toContain("<svg");
  expect(html).not.toMatch(/https?:|<script|src=|href=/);
  expect((await troupe.kubectl.run(["get", "namespaces", "-o", "name"])).stdout).not.toContain("small-");
  await troupe.stop();
});

test.each([
  [["load"], 2, /--kubeconfig FILE is missing/],
  [["load", "--kubeconfig", "k"], 2, /--workload FILE is missing/],
  [["load", "--kubeconfig", "k", "--workload", "/nowhere/w.yaml"], 2, /\/nowhere\/w\.yaml cannot be read \(ENOENT\)/],
  [["cluster", "--nodes", "some"], 2, /--nodes some is not a whole number from 1 to/],
  [["deployment", "--minutes", "3"], 2, /--minutes/],
])("wrong: bench %j", async (args, exitCode, words) => {
  const { code, stdout, stderr } = await runTroupe(["bench", ...args]);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
  expect(stderr).toMatch(words);
});
