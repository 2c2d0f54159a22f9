import { describe, expect, test } from "vitest";
import { persistentVolumeController } from "../../../../actors/controllers/volumes/persistent-volume.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { StorageClassKind } from "../../../../actors/kinds/storage/storage-class.ts";
import { Transcript } from "../transcript.ts";

const COMPLETE = { "pv.kubernetes.io/bind-completed": "yes" };
const PENDING = 'status PersistentVolumeClaim/c {"phase":"Pending"}';

interface Parts {
  readonly name?: string;
  readonly annotations?: object;
  readonly spec?: object;
  readonly status?: object;
}

const volume = (name: string, storage: string, { spec, status = { phase: "Available" }, annotations = {} }: Parts = {}): object => ({
  metadata: { name, annotations },
  spec: {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "slow",
    capacity: { storage },
    persistentVolumeReclaimPolicy: "Retain",
    ...spec,
  },
  status,
});
const claim = ({ name = "c", annotations = {}, spec, status }: Parts = {}): object => ({
  metadata: { name, annotations, resourceVersion: "1" },
  spec: { accessModes: ["ReadWriteOnce"], storageClassName: "slow", resources: { requests: { storage: "1Gi" } }, ...spec },
  ...(status === undefined ? {} : { status }),
});
const storageClass = (name: string, more: object = {}): object => ({ metadata: { name }, provisioner: "x.y/z", ...more });
const reference = (name: string, uid = `uid-${name}`): object => ({
  claimRef: { kind: "PersistentVolumeClaim", namespace: "d", name, uid },
});

const started = (...volumes: readonly object[]): Transcript => {
  const transcript = new Transcript(persistentVolumeController());
  for (const one of volumes) transcript.put(PersistentVolumeKind, one);
  return transcript;
};
/** What it decides on the claim `c`. */
const onClaim = (transcript: Transcript): readonly string[] => transcript.look("persistentvolumeclaims/d/c");
/** The two writes by which the claim gets this volume; the revision in the first is whatever the claim's was. */
const binding = (name: string): readonly string[] => [
  expect.stringMatching(
    `^1: modify PersistentVolume/${name} .*"pv.kubernetes.io/bound-by-controller":"yes".*"claimRef":.*"name":"c".*"uid":"uid-c"`,
  ),
  `2: modify PersistentVolumeClaim/c {"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes","pv.kubernetes.io/bound-by-controller":"yes"}},"spec":{"volumeName":"${name}"}}`,
];

describe("a claim that has no volume yet", () => {
  test.each<[string, readonly object[], string]>([
    ["the smallest that is large enough", [volume("big", "9Gi"), volume("fits", "2Gi"), volume("small", "500Mi")], "fits"],
    [
      "one that names it before any other",
      [volume("fits", "1Gi"), volume("own", "9Gi", { spec: { claimRef: { namespace: "d", name: "c" } } })],
      "own",
    ],
    ["none of another's", [volume("taken", "1Gi", { spec: reference("other") }), volume("free", "5Gi")], "free"],
    [
      "one with no more access modes than it takes, if a larger one",
      [volume("shared", "2Gi", { spec: { accessModes: ["ReadWriteOnce", "ReadWriteMany"] } }), volume("alone", "9Gi")],
      "alone",
    ],
    ["none of other attributes", [volume("gold", "1Gi", { spec: { volumeAttributesClassName: "gold" } }), volume("plain", "5Gi")], "plain"],
    ["none of another class", [volume("fast", "1Gi", { spec: { storageClassName: "fast" } }), volume("slow", "5Gi")], "slow"],
    ["none that offers less", [volume("once", "1Gi", { spec: { accessModes: ["ReadOnlyMany"] } }), volume("right", "5Gi")], "right"],
  ])("gets %s", (_what, volumes, name) => {
    const lines = onClaim(started(...volumes).put(PersistentVolumeClaimKind, claim()));
    expect(lines[0]).toMatch(new RegExp(`^1: modify PersistentVolume/${name} `));
    expect(lines[1]).toContain(`"volumeName":"${name}"`);
  });

  test("takes the volume first, and then says so itself: what is lost in between does no harm", () => {
    expect(onClaim(started(volume("v", "1Gi")).put(PersistentVolumeClaimKind, claim()))).toEqual(binding("v"));
  });

  test.each<[string, object | undefined, object, readonly string[]]>([
    [
      "its class is not there",
      undefined,
      {},
      ['event Warning ProvisioningFailed PersistentVolumeClaim/c: storageclass.storage.k8s.io "slow" not found', PENDING],
    ],
    [
      "it has none",
      undefined,
      { storageClassName: "" },
      [
        "event Normal FailedBinding PersistentVolumeClaim/c: no persistent volumes available for this claim and no storage class is set",
        PENDING,
      ],
    ],
    [
      "its class waits for the consumer",
      storageClass("slow", { volumeBindingMode: "WaitForFirstConsumer" }),
      {},
      ["event Normal WaitForFirstConsumer PersistentVolumeClaim/c: waiting for first consumer to be created before binding", PENDING],
    ],
    [
      "nobody makes volumes of its class",
      storageClass("slow", { provisioner: "kubernetes.io/no-provisioner" }),
      {},
      ["event Warning ProvisioningFailed PersistentVolumeClaim/c: no volume plugin matched name: kubernetes.io/no-provisioner", PENDING],
    ],
    [
      "the plugin of its class makes none",
      storageClass("slow", { provisioner: "kubernetes.io/nfs" }),
      {},
      ["event Warning ProvisioningFailed PersistentVolumeClaim/c: no provisionable volume plugin matched", PENDING],
    ],
    [
      "the plugin of its class may make none",
      storageClass("slow", { provisioner: "kubernetes.io/host-path" }),
      {},
      [
        expect.stringMatching(/^modify PersistentVolumeClaim\/c .*"volume.kubernetes.io\/storage-provisioner":"kubernetes.io\/host-path"/),
        'event Warning ProvisioningFailed PersistentVolumeClaim/c: Failed to create provisioner: provisioning in volume plugin "kubernetes.io/host-path" is disabled',
        PENDING,
      ],
    ],
    [
      "that plugin has no mount options",
      storageClass("slow", { provisioner: "kubernetes.io/host-path", mountOptions: ["ro", "hard"] }),
      {},
      [
        expect.stringMatching(/^modify /),
        'event Warning ProvisioningFailed PersistentVolumeClaim/c: Mount options are not supported by the provisioner but StorageClass "slow" has mount options [ro hard]',
        PENDING,
      ],
    ],
    [
      "that plugin fills none",
      storageClass("slow", { provisioner: "kubernetes.io/host-path" }),
      { dataSource: { kind: "PersistentVolumeClaim", name: "other" } },
      [
        'event Warning ProvisioningFailed PersistentVolumeClaim/c: plugin "kubernetes.io/host-path" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource',
        PENDING,
      ],
    ],
  ])("waits: %s", (_what, itsClass, spec, lines) => {
    const transcript = started();
    if (itsClass !== undefined) transcript.put(StorageClassKind, itsClass);
    expect(onClaim(transcript.put(PersistentVolumeClaimKind, claim({ spec })))).toEqual(lines);
  });

  test.each<[string, readonly object[], string]>([
    ["pod", [{ name: "p" }], "p"],
    ["pods", [{ name: "p" }, { name: "q" }], "p,q"],
    ["pod", [{ name: "p" }, { name: "there", nodeName: "n" }, { name: "over", phase: "Failed" }], "p"],
  ])("waits for the %s that mount it: %j", (what, pods, names) => {
    const transcript = started().put(StorageClassKind, storageClass("slow", { volumeBindingMode: "WaitForFirstConsumer" }));
    for (const { name, nodeName, phase } of pods as { name: string; nodeName?: string; phase?: string }[]) {
      const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "c" } }];
      transcript.put(PodKind, {
        metadata: { name },
        spec: { volumes, ...(nodeName && { nodeName }) },
        status: { ...(phase && { phase }) },
      });
    }
    expect(onClaim(transcript.put(PersistentVolumeClaimKind, claim()))[0]).toBe(
      `event Normal WaitForPodScheduled PersistentVolumeClaim/c: waiting for ${what} ${names} to be scheduled`,
    );
  });

  test("is the scheduler's to bind, also when it has chosen a node, where its class says so", () => {
    const transcript = started(volume("v", "1Gi"));
    transcript.put(StorageClassKind, storageClass("slow", { volumeBindingMode: "WaitForFirstConsumer" }));
    const chosen = claim({ annotations: { "volume.kubernetes.io/selected-node": "n" } });
    expect(onClaim(transcript.put(PersistentVolumeClaimKind, chosen))[0]).toContain('"volume.kubernetes.io/storage-provisioner":"x.y/z"');
    transcript.put(PersistentVolumeKind, volume("own", "1Gi", { spec: { claimRef: { namespace: "d", name: "c" } } }));
    expect(onClaim(transcript)[0]).toContain("1: modify PersistentVolume/own ");
  });

  test("is for the driver that does what a plugin once did", () => {
    const transcript = started().put(StorageClassKind, storageClass("slow", { provisioner: "kubernetes.io/aws-ebs" }));
    const lines = onClaim(transcript.put(PersistentVolumeClaimKind, claim()));
    expect(lines[0]).toContain('"volume.kubernetes.io/storage-provisioner":"ebs.csi.aws.com"');
    expect(lines[1]).toContain("by the external provisioner 'ebs.csi.aws.com' or");
  });

  test("is told to who makes volumes of its class", () => {
    const lines = onClaim(started().put(StorageClassKind, storageClass("slow")).put(PersistentVolumeClaimKind, claim()));
    expect(lines).toEqual([
      'modify PersistentVolumeClaim/c {"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-provisioner":"x.y/z","volume.kubernetes.io/storage-provisioner":"x.y/z"}}}',
      expect.stringMatching(
        /^event Normal ExternalProvisioning PersistentVolumeClaim\/c: Waiting for a volume to be created either by the external/,
      ),
      PENDING,
    ]);
  });

  test.each<[string, object | undefined, readonly string[]]>([
    ["which is not there", undefined, [PENDING]],
    [
      "which is another's",
      volume("v", "1Gi", { spec: reference("other") }),
      ['event Warning FailedBinding PersistentVolumeClaim/c: volume "v" already bound to a different claim.', PENDING],
    ],
    [
      "which is too small",
      volume("v", "1Mi"),
      ['event Warning VolumeMismatch PersistentVolumeClaim/c: Cannot bind to requested volume "v": requested PV is too small', PENDING],
    ],
    [
      "which has other attributes",
      volume("v", "1Gi", { spec: { volumeAttributesClassName: "gold" } }),
      [
        'event Warning VolumeMismatch PersistentVolumeClaim/c: Cannot bind to requested volume "v": volumeAttributesClassName does not match',
        PENDING,
      ],
    ],
  ])("names a volume %s", (_what, named, lines) => {
    const transcript = started(...(named === undefined ? [] : [named]));
    expect(onClaim(transcript.put(PersistentVolumeClaimKind, claim({ spec: { volumeName: "v" } })))).toEqual(lines);
  });
});

describe("a claim that was bound", () => {
  const wasBound = (volumeName: string): object =>
    claim({
      annotations: COMPLETE,
      spec: { volumeName },
      status: { phase: "Bound", accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" } },
    });

  test.each<[string, readonly object[], string, readonly string[]]>([
    ["stays so", [volume("v", "1Gi", { spec: reference("c"), status: { phase: "Bound" } })], "v", []],
    [
      "is lost with its volume",
      [],
      "v",
      [
        'status PersistentVolumeClaim/c {"phase":"Lost","accessModes":null,"capacity":null}',
        "event Warning ClaimLost PersistentVolumeClaim/c: Bound claim has lost its PersistentVolume. Data on the volume is lost!",
      ],
    ],
    [
      "is lost when its volume is another's",
      [volume("v", "1Gi", { spec: reference("other") })],
      "v",
      [
        'status PersistentVolumeClaim/c {"phase":"Lost","accessModes":null,"capacity":null}',
        "event Warning ClaimMisbound PersistentVolumeClaim/c: Two claims are bound to the same volume, this one is bound incorrectly",
      ],
    ],
    [
      "is lost when its volume is kept for it, but not bound to it",
      [volume("v", "1Gi", { spec: { claimRef: { namespace: "d", name: "c" } } })],
      "v",
      [
        'status PersistentVolumeClaim/c {"phase":"Lost","accessModes":null,"capacity":null}',
        "event Warning ClaimMisbound PersistentVolumeClaim/c: Two claims are bound to the same volume, this one is bound incorrectly",
      ],
    ],
  ])("%s", (_what, volumes, volumeName, lines) => {
    expect(onClaim(started(...volumes).put(PersistentVolumeClaimKind, wasBound(volumeName)))).toEqual(lines);
  });

  test("takes a volume back that somebody has freed of it", () => {
    const transcript = started(volume("v", "1Gi", { spec: reference("c"), status: { phase: "Bound" } })).put(
      PersistentVolumeClaimKind,
      wasBound("v"),
    );
    expect(transcript.decide()).toEqual([]);
    const lines = transcript.put(PersistentVolumeKind, volume("v", "1Gi", { status: { phase: "Bound" } })).decide();
    expect(lines).toContainEqual(expect.stringMatching(/^1: modify PersistentVolume\/v .*"uid":"uid-c"/));
  });

  test("says which attributes it has, as soon as it is", () => {
    const attributes = { volumeAttributesClassName: "gold" };
    const of = volume("v", "1Gi", { spec: { ...reference("c"), ...attributes } });
    const begun = claim({ annotations: COMPLETE, spec: { volumeName: "v", ...attributes }, status: { phase: "Pending" } });
    const [line] = onClaim(started(of).put(PersistentVolumeClaimKind, begun));
    expect(line).toContain('"currentVolumeAttributesClassName":"gold"');
  });
});

describe("a volume", () => {
  const onVolume = (transcript: Transcript): readonly string[] => transcript.look("persistentvolumes/v");
  const phase = (name: string, more = ""): string =>
    `status PersistentVolume/v {"phase":"${name}","lastPhaseTransitionTime":"<now>"${more}}`;

  test.each<[string, object, readonly string[]]>([
    ["of nobody", volume("v", "1Gi", { status: {} }), [phase("Available")]],
    ["of nobody, known", volume("v", "1Gi"), []],
    ["kept for a claim that is to come", volume("v", "1Gi", { spec: { claimRef: { namespace: "d", name: "c" } } }), []],
    ["whose claim is gone", volume("v", "1Gi", { spec: reference("gone"), status: { phase: "Bound" } }), [phase("Released")]],
    [
      "whose claim's name another has",
      volume("v", "1Gi", { spec: reference("c", "before"), status: { phase: "Bound" } }),
      [phase("Released")],
    ],
    ["released, and kept", volume("v", "1Gi", { spec: reference("gone"), status: { phase: "Released" } }), []],
    [
      "released, to be deleted by who made it",
      volume("v", "1Gi", {
        annotations: { "pv.kubernetes.io/provisioned-by": "x.y/z" },
        spec: { ...reference("gone"), persistentVolumeReclaimPolicy: "Delete" },
        status: { phase: "Released" },
      }),
      [],
    ],
    [
      "released, to be deleted by nobody",
      volume("v", "1Gi", { spec: { ...reference("gone"), persistentVolumeReclaimPolicy: "Delete" }, status: { phase: "Released" } }),
      [
        phase("Failed", ',"message":"error getting deleter volume plugin for volume \\"v\\": no deletable volume plugin matched"'),
        'event Warning VolumeFailedDelete PersistentVolume/v: error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
      ],
    ],
  ])("%s", (_what, of, lines) => {
    expect(onVolume(started(of).put(PersistentVolumeClaimKind, claim({ spec: { volumeName: "elsewhere" } })))).toEqual(lines);
  });

  test("that its claim has is bound, and one that the claim did not take is let go", () => {
    const of = volume("v", "1Gi", {
      annotations: { "pv.kubernetes.io/bound-by-controller": "yes" },
      spec: reference("c"),
      status: { phase: "Available" },
    });
    expect(onVolume(started(of).put(PersistentVolumeClaimKind, claim({ spec: { volumeName: "v" } })))).toEqual([phase("Bound")]);
    expect(onVolume(started(of).put(PersistentVolumeClaimKind, claim()))).toEqual([]);
    expect(onVolume(started(of).put(PersistentVolumeClaimKind, claim({ spec: { volumeMode: "Block" } })))).toEqual([
      'event Warning VolumeMismatch PersistentVolume/v: Cannot bind PersistentVolume to requested PersistentVolumeClaim "c" due to incompatible volumeMode.',
      'event Warning VolumeMismatch PersistentVolumeClaim/c: Cannot bind PersistentVolume "v" to requested PersistentVolumeClaim due to incompatible volumeMode.',
    ]);
    expect(onVolume(started(of).put(PersistentVolumeClaimKind, claim({ spec: { volumeName: "w" } })))).toEqual([
      'modify PersistentVolume/v {"metadata":{"annotations":{"pv.kubernetes.io/bound-by-controller":null}},"spec":{"claimRef":null}}',
    ]);
  });
});

describe("a volume that nobody has provisioned and whose claim is gone", () => {
  const of = (policy: string, source: object, status: object = { phase: "Released" }): object =>
    volume("v", "3Gi", { spec: { ...reference("gone"), persistentVolumeReclaimPolicy: policy, ...source }, status });
  const begun = (object: object, remove = async (): Promise<void> => {}): Transcript => {
    const directories = { pathOf: String, make: async () => {}, remove: async () => {}, removeOther: remove };
    return new Transcript(persistentVolumeController(directories)).put(PersistentVolumeKind, object);
  };
  const onVolume = (transcript: Transcript): Promise<readonly string[]> => transcript.lookAndWork("persistentvolumes/v");
  const failed = (reason: string, why: string): readonly string[] => [
    `status PersistentVolume/v {"phase":"Failed","lastPhaseTransitionTime":"<now>","message":${JSON.stringify(why)}}`,
    `event Warning ${reason} PersistentVolume/v: ${why}`,
  ];
  const own = { hostPath: { path: "/tmp/own" } };

  test("goes with its directory, below /tmp alone", async () => {
    const removed: string[] = [];
    const remove = async (path?: string): Promise<void> => void removed.push(path ?? "");
    expect(await onVolume(begun(of("Delete", own), remove))).toEqual(["delete PersistentVolume/v"]);
    expect(removed).toEqual(["/tmp/own"]);
    for (const path of ["/srv/own", "/tmp", "/srv/tmp/own", "/tmp/../srv"]) {
      const told = failed("VolumeFailedDelete", `host_path deleter only supports /tmp/.+ but received provided ${path}`);
      expect(await onVolume(begun(of("Delete", { hostPath: { path } }), remove))).toEqual(told);
    }
    expect(removed).toEqual(["/tmp/own"]);
  });

  test("whose directory cannot be removed is tried again a minute later", async () => {
    const refuse = async (): Promise<void> => {
      throw new Error("EACCES");
    };
    expect(await onVolume(begun(of("Delete", own), refuse))).toEqual(failed("VolumeFailedDelete", "EACCES"));
    const transcript = begun(of("Delete", own, { phase: "Failed", lastPhaseTransitionTime: "2026-01-01T12:00:00Z" }));
    expect(await onVolume(transcript.after(10_000))).toEqual(["requeue 50000"]);
    expect(await onVolume(transcript.after(50_000))).toEqual(["delete PersistentVolume/v"]);
  });

  test("is scrubbed by a pod, and may then be had again", async () => {
    const transcript = begun(of("Recycle", own));
    const [action] = transcript.actions("persistentvolumes/v");
    const pod = action?.do === "create" ? (action.object as Pod) : undefined;
    expect(pod).toMatchObject({
      metadata: { name: "recycler-for-v", namespace: "default", ownerReferences: [{ kind: "PersistentVolume", name: "v", uid: "uid-v" }] },
      spec: { restartPolicy: "Never", activeDeadlineSeconds: 90, volumes: [{ hostPath: { path: "/tmp/own" } }] },
    });
    const metadata = { ...pod?.metadata, uid: "uid-pod" };
    const looksLike = (status: object, more: object = {}): Transcript =>
      transcript.put(PodKind, { ...pod, metadata: { ...metadata, ...more }, status });
    transcript.decide();
    expect(looksLike({ phase: "Running" }).decide()).toEqual([]);
    expect(looksLike({ phase: "Succeeded" }).decide()).toEqual([
      "event Normal VolumeRecycled PersistentVolume/v: Volume recycled",
      "1: delete Pod/recycler-for-v",
      '2: modify PersistentVolume/v {"spec":{"claimRef":{"uid":null}}}',
    ]);
    expect(looksLike({ phase: "Succeeded" }, { deletionTimestamp: "2026-01-01T12:00:00Z" }).decide()).toEqual([]);
    expect(looksLike({ phase: "Succeeded" }, { ownerReferences: [] }).decide()).toEqual(["delete Pod/recycler-for-v"]);
    expect(looksLike({ phase: "Failed", message: "too late" }).decide()).toEqual([
      "delete Pod/recycler-for-v",
      ...failed("VolumeFailedRecycle", "Recycle failed: too late"),
    ]);
  });

  test("is what somebody else sees to, where nobody here can", async () => {
    const told = "No recycler plugin found for the volume!";
    expect(await onVolume(begun(of("Recycle", { local: { path: "/tmp/own" } })))).toEqual(failed("VolumeFailedRecycle", told));
  });
});
