import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Account, Placement } from "../../actors/mod.ts";
import { until } from "../../cluster/chaos/until.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

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
  // A group whose members do not all fit gets nothing.
  const group = "{apiVersion: scheduling.x-k8s.io/v1alpha1, kind: PodGroup, metadata: {name: pair}, spec: {minMember: 2}}";
  const member = (name: string, cpu: string): string =>
    pod(name, cpu).replace("metadata: {", "metadata: {labels: {scheduling.x-k8s.io/pod-group: pair}, ");
  const pair = join(troupe.data, "../pair.yaml");
  writeFileSync(pair, [group, member("first", "1"), member("second", "100000")].join("\n---\n"));
  const [first, second] = JSON.parse(await ask("what-if", "-f", pair, "-o", "json")) as Placement[];
  expect(first).toMatchObject({ message: 'the other members of pod group "default/pair" found no nodes', victims: [] });
  expect(second?.message).toBe("0/3 nodes are available: 3 Insufficient cpu.");
  // Nothing was made.
  expect(await kubectl.ok(["get", "pods", "small", "--ignore-not-found"])).toBe("");
});

/** What a pod asks for of the 32 cpus of a hollow node, and what it uses. */
const sharing = (name: string, cpu: string, used: string, labels: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {${labels}}, annotations: {troupe.dev/usage-cpu: "${used}"}},
  spec: {nodeSelector: {lends: "yes"}, containers: [{name: c, image: i, resources: {requests: {cpu: "${cpu}"}}}]}}`;

test("offline pods use what online ones have reserved and leave idle, and go first when it is wanted back", async () => {
  const { kubectl } = troupe;
  const lender = (await kubectl.ok(["get", "nodes", "-o", "jsonpath={.items[2].metadata.name}"])).trim();
  await kubectl.ok(["label", "node", lender, "scheduling.troupe.dev/lends=true", "lends=yes"]);
  const phase = (name: string): Promise<string> =>
    kubectl.ok(["get", "pod", name, "--ignore-not-found", "-o", "jsonpath={.status.phase} {.metadata.deletionTimestamp}"]);
  await kubectl.ok(["apply", "-f", "-"], { stdin: sharing("online", "30", "2", "app: web") });
  await until("the online pod to run", async () => (await phase("online")).startsWith("Running"), 20_000);
  // More than nobody has reserved, and less than is idle.
  await kubectl.ok(["apply", "-f", "-"], { stdin: sharing("offline", "20", "20", "scheduling.troupe.dev/class: offline") });
  await until("the node to measure, and the offline pod to run", async () => (await phase("offline")).startsWith("Running"), 40_000);
  // The online pod takes what it has reserved.
  await kubectl.ok(["annotate", "pod", "online", "--overwrite", "troupe.dev/usage-cpu=28"]);
  await until("the offline pod to go", async () => (await phase("offline")) !== "Running", 40_000);
  expect(await phase("online")).toBe("Running");
  const told = await until("the reason", async () => {
    const messages = await kubectl.ok(["get", "events", "--field-selector=reason=Reclaimed", "-o", "jsonpath={.items[*].message}"]);
    return messages.includes("wanted back") && messages;
  });
  expect(told).toContain(lender);
  await kubectl.ok(["label", "node", lender, "scheduling.troupe.dev/lends-"]);
  const annotation = ["get", "node", lender, "-o", "jsonpath={.metadata.annotations}"];
  await until("the node to lend no more", async () => !(await kubectl.ok(annotation)).includes("online-usage"), 40_000);
});
