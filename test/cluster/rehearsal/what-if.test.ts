import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BootFailure } from "../../../cluster/boot/failure.ts";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";
import { parseWhatIfFlags, parseWhyFlags } from "../../../cluster/rehearsal/flags.ts";
import { accountLines } from "../../../cluster/rehearsal/report.ts";
import { runWhatIf } from "../../../cluster/rehearsal/run.ts";

const NODES = ["a", "b"]
  .map((name) => `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, status: {allocatable: {cpu: "2", memory: 4Gi, pods: "10"}}}`)
  .join("\n---\n");
const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 5
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: nginx, resources: {requests: {cpu: "1"}}}]
`;

describe("what-if", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "what-if-"));
    await writeFile(join(folder, "nodes.yaml"), NODES);
    await writeFile(join(folder, "pods.yaml"), DEPLOYMENT);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const run = async (...more: string[]): Promise<string> => {
    let written = "";
    const output = new Writable({
      write: (chunk: Buffer, _, done) => {
        written += chunk.toString();
        done();
      },
    });
    const flags = ["-f", join(folder, "pods.yaml"), "--nodes", join(folder, "nodes.yaml"), "--offline", ...more];
    await runWhatIf(parseWhatIfFlags(flags), output);
    return written;
  };

  it("says where the pods of a template would go on the nodes of a file, without a cluster", async () => {
    const placements = JSON.parse(await run("-o", "json")) as { pod: string; node?: string; message?: string }[];
    expect(placements.map(({ pod }) => pod)).toEqual([0, 1, 2, 3, 4].map((number) => `default/web-${number}`));
    expect(placements.map(({ node }) => node).sort()).toEqual(["a", "a", "b", "b", undefined]);
    expect(placements[4]?.message).toMatch(/^0\/2 nodes are available: 2 Insufficient cpu\./);
    expect(await run()).toMatch(/^POD\s+NODE\n(default\/web-\d\s+[ab]\n){4}default\/web-4\s+-\s+0\/2 nodes/);
  });

  it("follows a KubeSchedulerConfiguration, and says what is wrong with one", async () => {
    const file = join(folder, "scheduler.yaml");
    const head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
    const pack = "pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}]";
    await writeFile(file, `${head}profiles: [{${pack}, plugins: {score: {disabled: [{name: NodeResourcesBalancedAllocation}]}}}]\n`);
    const placements = JSON.parse(await run("-o", "json", "--scheduler-config", file)) as { node?: string }[];
    expect(placements[1]?.node).toBe(placements[0]?.node);
    await writeFile(file, `${head}profile: []\n`);
    await expect(run("--scheduler-config", file)).rejects.toThrow(`--scheduler-config ${file}: profile: unknown field`);
  });

  it("refuses what has no pods", async () => {
    await writeFile(join(folder, "pods.yaml"), "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}");
    await expect(run()).rejects.toThrow(BootFailure);
  });
});

describe("the flags of why and what-if", () => {
  it("want what the commands are about", () => {
    expect(parseWhyFlags(["pod/web", "-n", "demo"])).toMatchObject({ pod: "web", namespace: "demo", format: "table", data: ".troupe" });
    for (const wrong of [[], ["a", "b"], ["a", "-o", "xml"]]) expect(() => parseWhyFlags(wrong)).toThrow(WrongUsage);
    for (const wrong of [[], ["-f", "x", "--offline"], ["-f"]]) expect(() => parseWhatIfFlags(wrong)).toThrow(WrongUsage);
  });
});

describe("the table of an account", () => {
  it("has the best nodes marked, the scores by plugin, and the rejected below", () => {
    const lines = accountLines({
      pod: "d/a",
      node: undefined,
      message: undefined,
      best: ["n2"],
      nodes: [
        { node: "n1", feasible: true, scores: { NodeResourcesFit: 50, ImageLocality: 0 }, total: 50 },
        { node: "n2", feasible: true, scores: { NodeResourcesFit: 90, ImageLocality: 0 }, total: 90 },
        { node: "n3", feasible: false, reasons: ["Insufficient cpu", "Too many pods"] },
      ],
    });
    expect(lines).toEqual([
      "pod d/a waits for a node",
      "",
      "  NODE  TOTAL  NodeResourcesFit  ImageLocality",
      "* n2    90     90                0",
      "  n1    50     50                0",
      "",
      "  NODE  REJECTED BY",
      "  n3    Insufficient cpu, Too many pods",
    ]);
  });
});
