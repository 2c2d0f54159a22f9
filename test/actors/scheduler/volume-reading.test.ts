import { describe, expect, it } from "vitest";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { ObjectList } from "../../../actors/scheduler/objects.ts";
import { readVolumes } from "../../../actors/scheduler/volumes.ts";
import { named } from "../registry/harness.ts";

const pod = named<Pod>("p", "d", { spec: { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] } });
const spec = { storageClassName: "late", accessModes: ["ReadWriteOnce"], capacity: { storage: "2Gi" } };
const available = { phase: "Available" };

/** Objects with a storage class that waits for the first consumer, a claim for 1Gi, and these volumes. */
function world(volumes: readonly object[], claim: object = {}): ObjectList {
  const objects = new ObjectList();
  objects.put(
    "storageclasses.storage.k8s.io",
    named<KubeObject>("late", undefined, { volumeBindingMode: "WaitForFirstConsumer", provisioner: "x" }),
  );
  const wanted = { storageClassName: "late", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...claim };
  objects.put("persistentvolumeclaims", named<KubeObject>("data", "d", { metadata: { uid: "u" }, spec: wanted }));
  for (const [number, volume] of volumes.entries()) objects.put("persistentvolumes", named<KubeObject>(`v${number}`, undefined, volume));
  return objects;
}

function candidates(objects: ObjectList): readonly string[] | undefined {
  const reading = readVolumes(objects, pod);
  return reading?.refusal === undefined ? reading?.facts.unbound[0]?.candidates.map(({ name }) => name) : undefined;
}

describe("the volumes that a claim may get", () => {
  it.each<[string, readonly object[], readonly string[]]>([
    [
      "the smallest first",
      [
        { spec: { ...spec, capacity: { storage: "3Gi" } }, status: available },
        { spec, status: available },
      ],
      ["v1", "v0"],
    ],
    ["none that is too small", [{ spec: { ...spec, capacity: { storage: "512Mi" } }, status: available }], []],
    ["none of another class", [{ spec: { ...spec, storageClassName: "other" }, status: available }], []],
    ["none of another mode", [{ spec: { ...spec, volumeMode: "Block" }, status: available }], []],
    ["none that cannot be used so", [{ spec: { ...spec, accessModes: ["ReadOnlyMany"] }, status: available }], []],
    ["none that is kept for another", [{ spec: { ...spec, claimRef: { namespace: "d", name: "other" } }, status: available }], []],
    [
      "none that is kept for a former claim of its name",
      [{ spec: { ...spec, claimRef: { namespace: "d", name: "data", uid: "old" } } }],
      [],
    ],
    ["none that is on its way out", [{ metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" }, spec, status: available }], []],
    ["none that is not available", [{ spec, status: { phase: "Released" } }], []],
    [
      "the one that is kept for it, and no other, whatever its modes and state",
      [{ spec, status: available }, { spec: { ...spec, accessModes: ["ReadOnlyMany"], claimRef: { namespace: "d", name: "data" } } }],
      ["v1"],
    ],
    [
      "not even the one that is kept for it when it is too small",
      [
        { spec, status: available },
        { spec: { ...spec, capacity: { storage: "1Mi" }, claimRef: { namespace: "d", name: "data", uid: "u" } } },
      ],
      ["v0"],
    ],
  ])("%s", (_, volumes, names) => {
    expect(candidates(world(volumes))).toEqual(names);
  });
});

describe("the zones of a bound volume", () => {
  const KEY = "topology.kubernetes.io/zone";
  it.each<[string, readonly string[] | undefined]>([
    ["z1", ["z1"]],
    ["z1__z2", ["z1", "z2"]],
    ["z1__ z2 ", ["z1", "z2"]],
    ["z1__", undefined],
  ])("%j", (label, values) => {
    const objects = world([{ metadata: { labels: { [KEY]: label } }, spec, status: { phase: "Bound" } }], { volumeName: "v0" });
    const claim = { metadata: { uid: "u" }, spec: { storageClassName: "late", volumeName: "v0" }, status: { phase: "Bound" } };
    objects.put("persistentvolumeclaims", named<KubeObject>("data", "d", claim));
    const reading = readVolumes(objects, pod);
    expect(reading?.refusal === undefined && reading?.facts.zones).toEqual(values === undefined ? [] : [{ key: KEY, values }]);
  });
});
