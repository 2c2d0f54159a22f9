import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { Lease, Node } from "../../../../actors/kinds/generated/types.ts";
import { Played } from "./played.ts";

let played: Played;
beforeEach(async () => {
  played = await Played.begin();
});
afterEach(() => played.stop());

const renewed = (): string | undefined =>
  played.store.replica.get<Lease>("leases.coordination.k8s.io/kube-node-lease/node-0")?.spec?.renewTime;
const conditions = (): Record<string, string> =>
  Object.fromEntries((played.store.replica.get<Node>("nodes/node-0")?.status?.conditions ?? []).map(({ type, status }) => [type, status]));

/** Null takes an annotation away. */
async function annotate(annotations: Readonly<Record<string, string | null>>): Promise<void> {
  const told = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`troupe.dev/hollow-${key}`, value]));
  await played.during(() =>
    played.registry.patch(NodeKind, undefined, "node-0", { type: "merge", body: { metadata: { annotations: told } } }),
  );
}

test("a silent node renews no lease and reports nothing, and neither do its pods; then it comes back and all is told", async () => {
  await played.pod("before", {});
  await played.clock.run(1_000);
  await annotate({ silent: "true", "silent-after-seconds": "5", "silent-for-seconds": "100" });
  await played.clock.run(6_000);
  const last = renewed();
  await played.pod("meanwhile", {});
  await played.during(() => played.registry.delete(PodKind, "d", "before"));
  await played.clock.run(90_000);
  expect(renewed()).toBe(last);
  expect(played.stateOf("meanwhile")).toBe("Pending");
  expect(played.podOf("before")?.metadata.deletionTimestamp).toBeDefined();

  await played.clock.run(10_000);
  expect(Date.parse(renewed() ?? "")).toBeGreaterThan(Date.parse(last ?? ""));
  expect(played.stateOf("meanwhile")).toBe("Running ready");
  expect(played.podOf("before")).toBeUndefined();
});

test("a node that is silent for good comes back when the annotation is taken away", async () => {
  await annotate({ silent: "true" });
  const last = renewed();
  await played.clock.run(600_000);
  expect(renewed()).toBe(last);
  await annotate({ silent: null });
  expect(renewed()).not.toBe(last);
});

test("conditions that a node is told to report come and go, with kubelet's Events", async () => {
  await annotate({ conditions: "DiskPressure,Ready=False,example.com/Tired", "conditions-for-seconds": "60" });
  await played.clock.run(1_000);
  expect(conditions()).toEqual({
    "example.com/Tired": "True",
    MemoryPressure: "False",
    DiskPressure: "True",
    PIDPressure: "False",
    Ready: "False",
  });
  await annotate({ conditions: null, "conditions-for-seconds": null });
  expect(conditions()).toEqual({
    "example.com/Tired": "False",
    MemoryPressure: "False",
    DiskPressure: "False",
    PIDPressure: "False",
    Ready: "True",
  });
  await played.clock.run(1_000);
  expect(played.events()).toEqual(
    expect.arrayContaining([
      "NodeHasDiskPressure: Node node-0 status is now: NodeHasDiskPressure",
      "NodeNotReady: Node node-0 status is now: NodeNotReady",
      "NodeHasNoDiskPressure: Node node-0 status is now: NodeHasNoDiskPressure",
      "NodeReady: Node node-0 status is now: NodeReady",
    ]),
  );
});
