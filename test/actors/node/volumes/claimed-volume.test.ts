import { expect, test } from "vitest";
import type { Pod, Volume } from "../../../../actors/kinds/generated/types.ts";
import { claimedVolume } from "../../../../actors/node/volumes/claimed-volume.ts";

const UNABLE = "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: ";
const GOING = { deletionTimestamp: "2026-01-01T00:00:00Z" };

interface Claim {
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: object;
}
const claim = ({ metadata = {}, spec = {}, status = { phase: "Bound" } }: Claim): object => ({
  metadata: { uid: "cu", finalizers: ["kubernetes.io/pvc-protection"], ...metadata },
  spec: { volumeName: "pv", ...spec },
  status,
});
const volume = (uid = "cu"): object => ({ metadata: { name: "pv" }, spec: { claimRef: { uid }, local: { path: "/d" } } });
const CLAIM = "persistentvolumeclaims/d/c";
const EPHEMERAL = "persistentvolumeclaims/d/p-v";
const PV = "persistentvolumes/pv";
const named = { persistentVolumeClaim: { claimName: "c" } };

test.each<[string, object, Readonly<Record<string, object>>, string | { readOnly: boolean } | undefined]>([
  ["bound", named, { [CLAIM]: claim({}), [PV]: volume() }, { readOnly: false }],
  ["read-only", { persistentVolumeClaim: { claimName: "c", readOnly: true } }, { [CLAIM]: claim({}), [PV]: volume() }, { readOnly: true }],
  ["being deleted, and protected", named, { [CLAIM]: claim({ metadata: GOING }), [PV]: volume() }, { readOnly: false }],
  ["no claim at all", { emptyDir: {} }, {}, undefined],
  ["missing", named, {}, 'error processing PVC d/c: failed to fetch PVC from API server: persistentvolumeclaims "c" not found'],
  ["not bound", named, { [CLAIM]: claim({ status: { phase: "Pending" } }) }, "error processing PVC d/c: PVC is not bound"],
  ["going", named, { [CLAIM]: claim({ metadata: { ...GOING, finalizers: [] } }) }, "error processing PVC d/c: PVC is being deleted"],
  [
    "without its volume",
    named,
    { [CLAIM]: claim({}) },
    'error processing PVC d/c: failed to fetch PV pv from API server: persistentvolumes "pv" not found',
  ],
  [
    "of another claim's volume",
    named,
    { [CLAIM]: claim({}), [PV]: volume("other") },
    "error processing PVC d/c: found PV object pv but its pv.Spec.ClaimRef.UID other does not point to claim.UID cu",
  ],
  [
    "a disk",
    named,
    { [CLAIM]: claim({ spec: { volumeMode: "Block" } }), [PV]: volume() },
    "volume v has volumeMode Block, but is specified in volumeMounts",
  ],
  [
    "ephemeral",
    { ephemeral: {} },
    { [EPHEMERAL]: claim({ metadata: { ownerReferences: [{ uid: "u" }] } }), [PV]: volume() },
    { readOnly: false },
  ],
  [
    "ephemeral, of another pod",
    { ephemeral: {} },
    { [EPHEMERAL]: claim({}), [PV]: volume() },
    "PVC d/p-v was not created for pod d/p (pod is not owner)",
  ],
])("a claim that is %s", (_what, source, objects, is) => {
  const containers = [{ name: "c", volumeMounts: [{ name: "v", mountPath: "/v" }] }];
  const pod = { metadata: { name: "p", namespace: "d", uid: "u" }, spec: { containers } } as unknown as Pod;
  const claimed = (): object | undefined => claimedVolume({ get: (key) => objects[key] as never }, pod, { name: "v", ...source } as Volume);
  if (typeof is === "string") expect(claimed).toThrow(UNABLE + is);
  else if (is === undefined) expect(claimed()).toBeUndefined();
  else expect(claimed()).toMatchObject({ ...is, volume: { metadata: { name: "pv" } } });
});
