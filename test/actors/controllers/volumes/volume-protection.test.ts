import { afterEach, beforeEach, expect, test } from "vitest";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../../actors/kinds/kind.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";

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
