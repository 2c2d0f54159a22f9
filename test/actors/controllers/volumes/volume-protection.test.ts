import { afterEach, beforeEach, expect, test } from "vitest";
import { claimProtectionController } from "../../../../actors/controllers/volumes/volume-protection.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../../actors/kinds/kind.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";
import { Transcript } from "../transcript.ts";

let t: TestCluster;
beforeEach(async () => {
  // Without who binds them: the test says what they are bound to.
  t = await startCluster({ controllers: ["pvc-protection", "pv-protection", "service-account"] });
});
afterEach(() => t.stop());

const claim = (name: string): PersistentVolumeClaim =>
  named<PersistentVolumeClaim>(name, "d", {
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  });

test("a claim goes at once when no pod uses it, else with the pod", async () => {
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "used" } }];
  await t.registry.create(PersistentVolumeClaimKind, claim("used"));
  await t.registry.create(PersistentVolumeClaimKind, claim("idle"));
  await t.registry.create(PodKind, named<Pod>("p", "d", { spec: { volumes, containers: [{ name: "c", image: "i" }] } }));
  await t.until("the pod runs", () => t.view.get<Pod>("pods/d/p")?.status?.phase === "Running");
  for (const name of ["used", "idle"]) await t.registry.delete(PersistentVolumeClaimKind as unknown as Kind, "d", name);
  await t.until("the idle claim is gone", () => t.view.entry("persistentvolumeclaims/d/idle") === undefined);
  expect(t.view.entry("persistentvolumeclaims/d/used")).toBeDefined();
  await t.registry.delete(PodKind as unknown as Kind, "d", "p");
  await t.until("the used claim is gone", () => t.view.entry("persistentvolumeclaims/d/used") === undefined);
});

test("a volume goes when it is bound no more", async () => {
  const volume = named<PersistentVolume>("v", undefined, {
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/x" } },
  });
  await t.registry.create(PersistentVolumeKind, volume);
  const phase = (name: string): Promise<unknown> =>
    t.registry.modify(PersistentVolumeKind, undefined, "v", (now) => ({ ...now, status: { ...now.status, phase: name } }), {
      subresource: "status",
    });
  await phase("Bound");
  await t.registry.delete(PersistentVolumeKind as unknown as Kind, undefined, "v");
  await t.clock.run(1_000);
  expect(t.view.entry("persistentvolumes/v")).toBeDefined();
  await phase("Released");
  await t.until("it is gone", () => t.view.entry("persistentvolumes/v") === undefined);
});

test("a claim whose protection is taken away has it again", async () => {
  await t.registry.create(PersistentVolumeClaimKind, claim("bare"));
  const finalizers = (): unknown => t.view.get<PersistentVolumeClaim>("persistentvolumeclaims/d/bare")?.metadata.finalizers;
  const bared = await t.registry.modify(PersistentVolumeClaimKind, "d", "bare", (now) => ({
    ...now,
    metadata: { ...now.metadata, finalizers: [] },
  }));
  await t.until("seen", () => t.view.revision > bared.revision);
  expect(finalizers()).toEqual(["kubernetes.io/pvc-protection"]);
});

test.each<[string, object, object, boolean]>([
  ["runs", { phase: "Running" }, {}, true],
  ["has ended", { phase: "Succeeded" }, {}, true],
  ["is shut down", { phase: "Running" }, { deletionTimestamp: "2026-01-01T12:00:00Z", deletionGracePeriodSeconds: 0 }, true],
])("a claim stays while a pod that %s mounts it", (_what, status, metadata, stays) => {
  expect(staysFor({ persistentVolumeClaim: { claimName: "c" } }, status, metadata)).toBe(stays);
});

test.each<[string, object, object, boolean]>([
  ["runs", { phase: "Running" }, {}, true],
  ["has ended", { phase: "Succeeded" }, {}, true],
  ["is shut down", { phase: "Running" }, { deletionTimestamp: "2026-01-01T12:00:00Z", deletionGracePeriodSeconds: 0 }, false],
])("one of an ephemeral volume, while its pod %s: %j %j", (_what, status, metadata, stays) => {
  expect(staysFor({ ephemeral: { volumeClaimTemplate: {} } }, status, metadata)).toBe(stays);
});

/** Whether a claim that is to go stays for a pod `p` with this volume `v`. */
function staysFor(volume: object, status: object, metadata: object): boolean {
  const name = "ephemeral" in volume ? "p-v" : "c";
  const transcript = new Transcript(claimProtectionController());
  transcript.put(PodKind, { metadata: { name: "p", ...metadata }, spec: { nodeName: "n", volumes: [{ name: "v", ...volume }] }, status });
  transcript.put(PersistentVolumeClaimKind, {
    metadata: {
      name,
      deletionTimestamp: "2026-01-01T12:00:00Z",
      finalizers: ["kubernetes.io/pvc-protection"],
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "uid-p", controller: true }],
    },
    spec: {},
  });
  return transcript.decide().length === 0;
}
