/** What is refused of volumes, of pods and persistent ones, in Kubernetes' words. Source: pkg/apis/core/validation of 1.34. */
import { describe, expect, test } from "vitest";
import { validatePersistentSource } from "../../../../actors/kinds/core/persistent-sources.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { validateVolumes } from "../../../../actors/kinds/core/volume-validation.ts";
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec, Volume } from "../../../../actors/kinds/generated/types.ts";
import type { FieldError } from "../../../../actors/kinds/status.ts";

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);
const WWN = "500a0982991b8dc5";
const ONE_PAIR = "must be a host:port pair or multiple pairs separated by commas";
const LONG = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

/** A `*` at the end of an error stands for the rest of it. */
describe("a pod's volume", () => {
  test.each<[source: object, errors: string[]]>([
    [
      { gitRepo: { repository: "r", directory: "/a/../b" } },
      [
        'v.gitRepo.directory: Invalid value: "/a/../b": must be a relative path',
        "v.gitRepo.directory: Invalid value: \"/a/../b\": must not contain '..'",
      ],
    ],
    [
      { gcePersistentDisk: { pdName: "", partition: 256 } },
      ["v.persistentDisk.pdName: Required value", "v.persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive"],
    ],
    [
      { awsElasticBlockStore: { volumeID: "x", partition: -1 } },
      ["v.awsElasticBlockStore.partition: Invalid value: -1: must be between 1 and 255, inclusive"],
    ],
    [{ flocker: {} }, ["v.flocker: Required value: one of datasetName and datasetUUID is required"]],
    [
      { flocker: { datasetName: "a/b", datasetUUID: "u" } },
      [
        'v.flocker: Invalid value: "resource": datasetName and datasetUUID can not be specified simultaneously',
        "v.flocker.datasetName: Invalid value: \"a/b\": must not contain '/'",
      ],
    ],
    [{ fc: {} }, ["v.fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"]],
    [
      { fc: { targetWWNs: [WWN], wwids: ["w"] } },
      [
        `v.fc.targetWWNs: Invalid value: ["${WWN}"]: targetWWNs and wwids can not be specified simultaneously`,
        "v.fc.lun: Required value: lun is required if targetWWNs is specified",
      ],
    ],
    [{ fc: { targetWWNs: [WWN], lun: 256 } }, ["v.fc.lun: Invalid value: 256: must be between 0 and 255, inclusive"]],
    [{ iscsi: { targetPortal: "127.0.0.1", iqn: "iqn.2015-02.example.com:test", lun: 1 } }, []],
    [
      { iscsi: { targetPortal: "127.0.0.1", iqn: "iqn.2015-02.example.com", lun: -1, chapAuthSession: true } },
      [
        'v.iscsi.iqn: Invalid value: "iqn.2015-02.example.com": must be valid format',
        "v.iscsi.lun: Invalid value: -1: must be between 0 and 255, inclusive",
        "v.iscsi.secretRef: Required value",
      ],
    ],
    [
      { iscsi: { targetPortal: "p".repeat(64), iqn: "eui.0123456789ABCDEF", lun: 0, initiatorName: "other" } },
      [
        'v.iscsi.initiatorname: Invalid value: "other": must be valid format starting with iqn, eui, or naa',
        `v.name: Invalid value: "n": ${LONG}`,
      ],
    ],
    [{ quobyte: { registry: "a:1,b", volume: "v" } }, [`v.quobyte.registry: Invalid value: "a:1,b": ${ONE_PAIR}`]],
    [{ quobyte: { registry: "[::1]:80", volume: "", tenant: "" } }, ["v.quobyte.volume: Required value"]],
    [
      { quobyte: { registry: "a:1", volume: "v", tenant: "t".repeat(65) } },
      ["v.quobyte.tenant: Required value: must be a UUID and may not exceed a length of 64 characters"],
    ],
    [
      { flexVolume: { driver: "d", options: { "my.K8s.io/a": "", "mykubernetes.io": "", other: "" } } },
      ['v.flexVolume.options[my.K8s.io/a]: Invalid value: "my.K8s.io/a": kubernetes.io and k8s.io namespaces are reserved'],
    ],
    [{ cinder: { volumeID: "x", secretRef: {} } }, ["v.cinder.secretRef.name: Required value"]],
    [
      { storageos: { volumeName: "A", volumeNamespace: "n" } },
      ['v.storageos.volumeName: Invalid value: "A": a lowercase RFC 1123 label *'],
    ],
    [
      { azureDisk: { diskName: "d", diskURI: "http://x", cachingMode: "X", kind: "Managed" } },
      [
        'v.azureDisk.cachingMode: Unsupported value: "X": supported values: "None", "ReadOnly", "ReadWrite"',
        'v.azureDisk.diskURI: Unsupported value: "http://x": supported values: "/subscriptions/*',
      ],
    ],
    [
      { image: { reference: "", pullPolicy: "Sometimes" } },
      [
        "v.image.reference: Required value",
        'v.image.pullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
      ],
    ],
    [
      { nfs: { server: "s", path: "/" }, cephfs: { monitors: ["m"] }, downwardAPI: {} },
      ["v.cephFS: Forbidden: may not specify more than 1 volume type", "v.downwarAPI: Forbidden: may not specify more than 1 volume type"],
    ],
    [
      {
        ephemeral: {
          volumeClaimTemplate: {
            metadata: { uid: "u", name: "n", finalizers: ["f"], labels: { a: "b" } },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1" } } },
          },
        },
      },
      ["name", "uID", "finalizers"].map((name) => `v.ephemeral.volumeClaimTemplate.metadata.${name}: Forbidden: cannot be set`),
    ],
  ])("%j", (source, errors) => {
    const found = validateVolumes([{ name: "n", ...source } as Volume], "v", "p").errors;
    const wanted = errors.map((error) => error.replace(/^v\./, "v[0]."));
    expect(printed(found)).toEqual(wanted.map((error) => (error.endsWith("*") ? expect.stringContaining(error.slice(0, -1)) : error)));
  });
});

describe("where a persistent volume comes from", () => {
  test.each<[source: object, errors: string[]]>([
    [{ hostPath: { path: "/a/.." } }, ["spec.hostPath.path: Invalid value: \"/a/..\": must not contain '..'"]],
    [{ local: { path: "a/../b" } }, ["spec.local.path: Invalid value: \"a/../b\": must not contain '..'"]],
    [
      { glusterfs: { endpoints: "e", path: "p", endpointsNamespace: "" } },
      ['spec.glusterfs.endpointsNamespace: Invalid value: "": if the endpointnamespace is set, it must be a valid namespace name'],
    ],
    [
      { iscsi: { targetPortal: "", iqn: "x", lun: 0, secretRef: {} } },
      [
        "spec.iscsi.targetPortal: Required value",
        'spec.iscsi.iqn: Invalid value: "x": must be valid format',
        "spec.iscsi.secretRef.name: Required value",
      ],
    ],
    [
      { cinder: { volumeID: "v", secretRef: {} } },
      ["spec.cinder.secretRef.name: Required value", "spec.cinder.secretRef.namespace: Required value"],
    ],
    [{ azureFile: { secretName: "s", shareName: "h", secretNamespace: "" } }, ["spec.azureFile.secretNamespace: Required value"]],
    [
      { csi: { driver: "d", volumeHandle: "", nodeExpandSecretRef: { name: "s" } } },
      ["spec.csi.volumeHandle: Required value", "spec.csi.nodeExpandSecretRef.namespace: Required value"],
    ],
    [{}, ["spec: Required value: must specify a volume type"]],
  ])("%j", (source, errors) => {
    expect(printed(validatePersistentSource(source as PersistentVolumeSpec, "m"))).toEqual(errors);
  });
});

describe("a persistent volume", () => {
  const affinity = (key: string): object => ({
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "In", values: ["a"] }] }] },
  });
  const volume = (spec: object, rest: object = {}): PersistentVolume =>
    ({ metadata: { name: "m" }, spec: { volumeMode: "Filesystem", ...spec }, ...rest }) as PersistentVolume;

  test("keeps its nodes, but for labels that have taken the place of older ones", () => {
    const before = volume({ nodeAffinity: affinity("failure-domain.beta.kubernetes.io/zone") });
    expect(PersistentVolumeKind.validateUpdate?.(volume({ nodeAffinity: affinity("topology.kubernetes.io/zone") }), before)).toEqual([]);
    expect(PersistentVolumeKind.validateUpdate?.(volume({ nodeAffinity: affinity("topology.kubernetes.io/region") }), before)).toHaveLength(
      1,
    );
  });

  test("keeps a class of attributes", () => {
    expect(printed(PersistentVolumeKind.validateUpdate?.(volume({}), volume({ volumeAttributesClassName: "a" })) ?? [])).toEqual([
      "spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden",
    ]);
  });

  test("says since when it is in its phase", () => {
    const before = volume({}, { status: { phase: "Pending", lastPhaseTransitionTime: "2026-01-01T00:00:00Z" } });
    const context = { now_ms: Date.UTC(2026, 1, 1) };
    const bound = volume({}, { status: { phase: "Bound" } });
    PersistentVolumeKind.prepareForStatusUpdate?.(bound, before, context);
    expect(bound.status?.lastPhaseTransitionTime).toBe("2026-02-01T00:00:00Z");
    const same = volume({}, { status: { phase: "Pending" } });
    PersistentVolumeKind.prepareForStatusUpdate?.(same, before, context);
    expect(same.status?.lastPhaseTransitionTime).toBe("2026-01-01T00:00:00Z");
  });
});

describe("what a claim is filled from", () => {
  const settled = (spec: object, current?: object): object => {
    const claim = { metadata: { name: "m" }, spec: structuredClone(spec) } as PersistentVolumeClaim;
    if (current === undefined) PersistentVolumeClaimKind.prepareForCreate?.(claim, { now_ms: 0 });
    else
      PersistentVolumeClaimKind.prepareForUpdate?.(claim, { metadata: { name: "m" }, spec: current } as PersistentVolumeClaim, {
        now_ms: 0,
      });
    return claim.spec;
  };
  const claim = { kind: "PersistentVolumeClaim", name: "c" };
  const snapshot = { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "s" };
  const other = { apiGroup: "example.com", kind: "Thing", name: "t" };

  test.each<[what: string, spec: object, settled: object]>([
    ["a claim", { dataSource: claim }, { dataSource: claim, dataSourceRef: claim }],
    ["a snapshot, the new way", { dataSourceRef: snapshot }, { dataSource: snapshot, dataSourceRef: snapshot }],
    ["something else, the old way", { dataSource: other }, {}],
    ["something else, the new way", { dataSourceRef: other }, { dataSource: other, dataSourceRef: other }],
    ["what is in another namespace", { dataSourceRef: { ...claim, namespace: "n" } }, {}],
  ])("%s", (_what, spec, wanted) => {
    expect(settled(spec)).toEqual(wanted);
  });

  test("stays when a client that does not know of it updates the claim", () => {
    expect(settled({ dataSource: other }, { dataSource: other, dataSourceRef: other })).toEqual({
      dataSource: other,
      dataSourceRef: other,
    });
  });

  test("is the same in both fields", () => {
    const spec = {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1" } },
      dataSource: claim,
      dataSourceRef: { ...claim, name: "d" },
    };
    expect(printed(PersistentVolumeClaimKind.validate({ metadata: { name: "m" }, spec } as unknown as PersistentVolumeClaim))).toEqual([
      "spec: Invalid value: {}: must match dataSourceRef",
    ]);
  });
});
