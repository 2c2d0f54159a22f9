import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { parse } from "yaml";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { customKinds } from "../../../../actors/kinds/custom/custom-kind.ts";
import type { CustomResourceDefinition, Pod } from "../../../../actors/kinds/generated/types.ts";
import { POD_GROUP_LABEL, POD_GROUPS, type PodGroup, type PodGroupStatus } from "../../../../actors/kinds/scheduling/pod-group.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";

const DEFINITION = parse(readFileSync("examples/pod-group/custom-resource-definition.yaml", "utf8")) as CustomResourceDefinition;

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

/** A cluster with a group of two; `defineAfter`: what happens before anybody knows what a PodGroup is. */
async function startGroup(defineAfter: (cluster: TestCluster) => Promise<void> = async () => {}): Promise<TestCluster> {
  const started = await startCluster({ controllers: ["pod-group", "service-account"] });
  cluster = started;
  await defineAfter(started);
  for (const kind of customKinds(DEFINITION)) {
    started.kinds.add(kind);
    await started.registry.create(kind, named<PodGroup>("g", "d", { spec: { minMember: 2 } }));
  }
  return started;
}

const status = (): PodGroupStatus | undefined => cluster?.view.get<PodGroup>(`${POD_GROUPS}/d/g`)?.status;
const phase = (wanted: string) => (): boolean => status()?.phase === wanted;
async function join({ registry }: TestCluster, name: string): Promise<void> {
  const owner = { apiVersion: "batch/v1", kind: "Job", name: "training", uid: "u" };
  const metadata = { labels: { [POD_GROUP_LABEL]: "g" }, ownerReferences: [owner] };
  await registry.create(PodKind, named<Pod>(name, "d", { metadata, spec: { containers: [{ name: "c", image: "i" }] } }));
}
async function end({ registry }: TestCluster, name: string, to: "Succeeded" | "Failed"): Promise<void> {
  const ended = (pod: Pod): Pod => ({ ...pod, status: { ...pod.status, phase: to } });
  await registry.modify(PodKind, "d", name, ended, { subresource: "status" });
}

test("a group waits for its members, is begun with, runs, and is finished when enough have succeeded", async () => {
  const started = await startGroup();
  await started.until("Pending", phase("Pending"));
  await join(started, "a");
  // Its one member runs already.
  await started.clock.run(1_000);
  expect(status()).toEqual({ phase: "Pending" });
  started.kubelet.start_ms = 5_000;
  await join(started, "b");
  await started.until("Scheduling", () => status()?.scheduled === 2);
  expect(status()).toMatchObject({ phase: "Scheduling", occupiedBy: "d/training", running: 1, succeeded: 0, failed: 0 });
  expect(Date.parse(status()?.scheduleStartTime ?? "")).toBeGreaterThan(0);
  await started.until("Running", phase("Running"));
  expect(status()).toMatchObject({ scheduled: 2, running: 2 });
  await end(started, "a", "Succeeded");
  await end(started, "b", "Succeeded");
  await started.until("Finished", phase("Finished"));
  expect(status()).toMatchObject({ running: 0, succeeded: 2 });
});

test("one member that fails fails the group, and what is final stays", async () => {
  const started = await startGroup();
  await join(started, "a");
  await join(started, "b");
  await started.until("Running", phase("Running"));
  await end(started, "b", "Failed");
  await started.until("Failed", phase("Failed"));
  expect(status()).toMatchObject({ running: 1, failed: 1 });
  await join(started, "c");
  await started.clock.run(1_000);
  expect(status()).toMatchObject({ phase: "Failed", running: 1 });
});

test("pods that were there before the definition count, and a group that loses members waits again", async () => {
  const started = await startGroup(async (early) => {
    await join(early, "a");
    await join(early, "b");
  });
  await started.until("Running", phase("Running"));
  await started.registry.delete(PodKind as never, "d", "b", { gracePeriodSeconds: 0 });
  await started.until("Pending", phase("Pending"));
  expect(status()).toMatchObject({ scheduled: 1, running: 1 });
  expect((await started.counters("pod-group")).crashes).toBe(0);
});
