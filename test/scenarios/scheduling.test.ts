import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Account, Placement } from "../../actors/mod.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";
import { until } from "./until.ts";

/** What users see of the scheduler: groups of pods, and what `why` and `what-if` say of a running cluster. */
let troupe: Troupe;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "3"]);
});
afterAll(() => troupe?.discard());

const pod = (name: string, cpu: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: {containers: [{name: c, image: i, resources: {requests: {cpu: "${cpu}"}}}]}}`;
async function ask(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTroupe([...args, "--data", troupe.data]);
  expect(code, stderr).toBe(0);
  return stdout;
}

test("the example's group gets its nodes together, and its status says how far it is", async () => {
  const { kubectl } = troupe;
  await kubectl.ok(["apply", "-f", "examples/pod-group/custom-resource-definition.yaml"]);
  await kubectl.ok(["wait", "--for=condition=Established", "crd/podgroups.scheduling.x-k8s.io", "--timeout=10s"]);
  await kubectl.ok(["apply", "-f", "examples/pod-group/training.yaml"]);
  let phase = "";
  const isThrough = async (): Promise<boolean> => {
    phase = await kubectl.ok(["get", "podgroup", "training", "-o", "jsonpath={.status.phase}"]);
    return /Running|Finished/.test(phase);
  };
  await until("the group's pods to run", isThrough, 30_000);
  expect(await kubectl.ok(["get", "podgroup", "training", "-o", "jsonpath={.status.occupiedBy}"])).toBe("default/training");
});

test("why says of each node what it thinks of a pod, and what-if where others would go", async () => {
  const { kubectl } = troupe;
  await kubectl.ok(["apply", "-f", "-"], { stdin: pod("large", "100000") });
  const account = JSON.parse(await ask("why", "large", "-o", "json")) as Account;
  expect(account).toMatchObject({ pod: "default/large", best: [] });
  expect(account.nodes.map(({ feasible }) => feasible)).toEqual([false, false, false]);
  expect(await ask("why", "large")).toMatch(/^pod default\/large waits for a node\n0\/3 nodes are available: 3 Insufficient cpu\./);

  const file = join(troupe.data, "../small.yaml");
  writeFileSync(file, pod("small", "1"));
  const placements = JSON.parse(await ask("what-if", "-f", file, "-o", "json")) as Placement[];
  expect(placements).toEqual([{ pod: "default/small", node: expect.any(String), victims: [] }]);
  const nodes = (await kubectl.ok(["get", "nodes", "-o", "name"])).split("\n");
  expect(nodes).toContain(`node/${placements[0]?.node}`);
  expect(await ask("what-if", "-f", file)).toMatch(/^POD +NODE\ndefault\/small +\S+\n$/);
  // Nothing was made.
  expect(await kubectl.ok(["get", "pods", "small", "--ignore-not-found"])).toBe("");
});
