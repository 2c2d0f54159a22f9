/** The plugins that have a say in what is created, held to the words of Kubernetes 1.34. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { LimitRangeKind } from "../../../actors/kinds/core/limit-range.ts";
import { PersistentVolumeClaimKind } from "../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ResourceQuotaKind } from "../../../actors/kinds/core/resource-quota.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import type {
  Ingress,
  IngressClass,
  LimitRange,
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
  RuntimeClass,
  Service,
  StorageClass,
} from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { IngressKind } from "../../../actors/kinds/networking/ingress.ts";
import { IngressClassKind } from "../../../actors/kinds/networking/ingress-class.ts";
import { RuntimeClassKind } from "../../../actors/kinds/node/runtime-class.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { StorageClassKind } from "../../../actors/kinds/storage/storage-class.ts";
import type { TestRegistry } from "./harness.ts";
import { configMap, named, objectOf, refusalOf, startRegistry } from "./harness.ts";

let t: TestRegistry;
beforeEach(async () => {
  t = await startRegistry();
});
afterEach(() => t.stop());

async function make<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
  return objectOf<T>(await t.registry.create(kind, object));
}

const pod = (name: string, resources: object = {}, spec: object = {}): Pod =>
  named<Pod>(name, "d", { spec: { containers: [{ name: "c", image: "i", resources }], ...spec } });
const claim = (name: string, storage: string, spec: object = {}): PersistentVolumeClaim =>
  named<PersistentVolumeClaim>(name, "d", { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, ...spec } });

describe("LimitRanger", () => {
  const limits = (item: object): Promise<LimitRange> =>
    make(LimitRangeKind, named<LimitRange>("l", "d", { spec: { limits: [{ type: "Container", ...item }] } }));

  test("fills in what a container leaves open, and says so", async () => {
    await limits({ default: { cpu: "1" }, defaultRequest: { cpu: "500m", memory: "1Gi" } });
    const made = await make(PodKind, pod("p"));
    expect(made.spec.containers[0]?.resources).toEqual({ limits: { cpu: "1" }, requests: { cpu: "500m", memory: "1Gi" } });
    expect(made.metadata.annotations).toEqual({
      "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c",
    });
  });

  test("a limit of one's own is a request of one's own", async () => {
    await limits({ defaultRequest: { cpu: "100m" } });
    const made = await make(PodKind, pod("p", { limits: { cpu: "2" } }));
    expect(made.spec.containers[0]?.resources).toEqual({ limits: { cpu: "2" }, requests: { cpu: "2" } });
    expect(made.metadata.annotations).toBeUndefined();
  });

  test.each([
    [{ max: { cpu: "1" } }, { limits: { cpu: "2" } }, "maximum cpu usage per Container is 1, but limit is 2"],
    [{ min: { cpu: "1" } }, { requests: { cpu: "500m" } }, "minimum cpu usage per Container is 1, but request is 500m"],
    [
      { maxLimitRequestRatio: { cpu: "2" } },
      { requests: { cpu: "1" }, limits: { cpu: "3" } },
      "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
    ],
    [{ type: "Pod", max: { memory: "1Gi" } }, {}, "maximum memory usage per Pod is 1Gi.  No limit is specified"],
  ])("%j holds %j", async (item, resources, why) => {
    await limits(item);
    expect(await refusalOf(make(PodKind, pod("p", resources)))).toMatchObject({ code: 403, message: `pods "p" is forbidden: ${why}` });
  });

  test("claims have bounds, too", async () => {
    await limits({ type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "2Gi" } });
    const refusal = await refusalOf(make(PersistentVolumeClaimKind, claim("c", "3Gi")));
    const why = "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi";
    expect(refusal.message).toBe(`persistentvolumeclaims "c" is forbidden: ${why}`);
    await make(PersistentVolumeClaimKind, claim("d", "2Gi"));
  });
});

describe("ResourceQuota", () => {
  /** A quota that its controller has taken up. */
  async function quota(name: string, hard: Record<string, string>, spec: object = {}): Promise<void> {
    const made = await make(ResourceQuotaKind, named<ResourceQuota>(name, "d", { spec: { hard, ...spec } }));
    const used = Object.fromEntries(Object.keys(hard).map((resource) => [resource, "0"]));
    await t.registry.update(ResourceQuotaKind, { ...made, status: { hard, used } }, { subresource: "status" });
  }
  const usedOf = (name: string): unknown => t.store.replica.get<ResourceQuota>(`resourcequotas/d/${name}`)?.status?.used;

  test("charges what is created, and refuses what is too much", async () => {
    await quota("q", { pods: "2", "requests.cpu": "1" });
    await make(PodKind, pod("a", { requests: { cpu: "600m" } }));
    expect(usedOf("q")).toEqual({ pods: "1", "requests.cpu": "600m" });
    const refusal = await refusalOf(make(PodKind, pod("b", { requests: { cpu: "500m" } })));
    expect(refusal).toMatchObject({
      code: 403,
      message: 'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1',
    });
    expect(usedOf("q")).toEqual({ pods: "1", "requests.cpu": "600m" });
  });

  test("asks every container to say what is counted", async () => {
    await quota("q", { "limits.memory": "1Gi", cpu: "1" });
    const refusal = await refusalOf(make(PodKind, pod("a")));
    expect(refusal.message).toBe('pods "a" is forbidden: failed quota: q: must specify cpu for: c; limits.memory for: c');
  });

  test("counts what a pod asks for as a whole, and asks its containers for nothing then", async () => {
    await quota("q", { "limits.memory": "1Gi", cpu: "1" });
    const whole = pod("a");
    await make(PodKind, { ...whole, spec: { ...whole.spec, resources: { limits: { cpu: "300m", memory: "64Mi" } } } });
    expect(usedOf("q")).toEqual({ "limits.memory": "64Mi", cpu: "300m" });
  });

  test("counts objects of any kind, and ports", async () => {
    await quota("q", { "count/configmaps": "1", "services.nodeports": "1" });
    await make(ConfigMapKind, configMap("a"));
    expect((await refusalOf(make(ConfigMapKind, configMap("b")))).message).toContain(
      "exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1",
    );
    const service = named<Service>("s", "d", { spec: { type: "NodePort", ports: [{ port: 1 }, { name: "b", port: 2 }] } });
    service.spec.ports = [
      { name: "a", port: 1 },
      { name: "b", port: 2 },
    ];
    expect((await refusalOf(make(ServiceKind, service))).message).toContain("requested: services.nodeports=2");
  });

  test("a dry run costs nothing", async () => {
    await quota("q", { pods: "1" });
    await t.registry.create(PodKind, pod("a"), { dryRun: true });
    expect(usedOf("q")).toEqual({ pods: "0" });
  });

  test("scopes choose their pods", async () => {
    await quota("q", { pods: "0" }, { scopes: ["BestEffort"] });
    await make(PodKind, pod("a", { requests: { cpu: "1" } }));
    expect((await refusalOf(make(PodKind, pod("b")))).message).toContain("exceeded quota: q");
  });

  test("what nobody has taken up does not hold yet", async () => {
    await make(ResourceQuotaKind, named<ResourceQuota>("q", "d", { spec: { hard: { pods: "0" } } }));
    await make(PodKind, pod("a"));
  });

  test("of many at once no more get in than may", async () => {
    await quota("q", { pods: "5" });
    const results = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => make(PodKind, pod(`p${i}`))));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    expect(usedOf("q")).toEqual({ pods: "5" });
  });
});

describe("storage", () => {
  const storageClass = (name: string, rest: object): StorageClass =>
    named<StorageClass>(name, undefined, { provisioner: "a.b/c", ...rest });

  test("claims get the default class and are held while they are used", async () => {
    await make(
      StorageClassKind,
      storageClass("fast", { metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } } }),
    );
    const made = await make(PersistentVolumeClaimKind, claim("c", "1Gi"));
    expect(made.spec.storageClassName).toBe("fast");
    expect(made.metadata.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
    const none = await make(PersistentVolumeClaimKind, claim("n", "1Gi", { storageClassName: "" }));
    expect(none.spec.storageClassName).toBe("");
  });

  test("a claim grows only where its class lets it", async () => {
    await make(StorageClassKind, storageClass("fixed", {}));
    await make(StorageClassKind, storageClass("growing", { allowVolumeExpansion: true }));
    for (const storageClassName of ["fixed", "growing"]) {
      const made = await make(PersistentVolumeClaimKind, claim(storageClassName, "1Gi", { storageClassName, volumeName: "v" }));
      await t.registry.update(PersistentVolumeClaimKind, { ...made, status: { phase: "Bound" } }, { subresource: "status" });
    }
    const grow = (name: string): Promise<unknown> =>
      t.registry.patch(PersistentVolumeClaimKind, "d", name, {
        type: "merge",
        body: { spec: { resources: { requests: { storage: "2Gi" } } } },
      });
    await grow("growing");
    expect((await refusalOf(grow("fixed"))).message).toBe(
      'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  });
});

test("ingresses get the default class", async () => {
  await make(
    IngressClassKind,
    named<IngressClass>("web", undefined, {
      metadata: { annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
      spec: { controller: "a.b/c" },
    }),
  );
  const backend = { service: { name: "s", port: { number: 80 } } };
  const made = await make(IngressKind, named<Ingress>("i", "d", { spec: { defaultBackend: backend } }));
  expect(made.spec?.ingressClassName).toBe("web");
});

describe("RuntimeClass", () => {
  test("gives a pod its overhead, nodes and tolerations", async () => {
    const toleration = { key: "vm", operator: "Exists" };
    await make(
      RuntimeClassKind,
      named<RuntimeClass>("vm", undefined, {
        handler: "vm",
        overhead: { podFixed: { cpu: "100m" } },
        scheduling: { nodeSelector: { vm: "yes" }, tolerations: [toleration] },
      }),
    );
    const made = await make(PodKind, pod("p", {}, { runtimeClassName: "vm" }));
    expect(made.spec).toMatchObject({ overhead: { cpu: "100m" }, nodeSelector: { vm: "yes" } });
    expect(made.spec.tolerations).toContainEqual(toleration);
    const refusal = await refusalOf(make(PodKind, pod("q", {}, { runtimeClassName: "vm", nodeSelector: { vm: "no" } })));
    expect(refusal.message).toContain("conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no");
  });

  test("must be there", async () => {
    const refusal = await refusalOf(make(PodKind, pod("p", {}, { runtimeClassName: "none" })));
    expect(refusal.message).toBe('pods "p" is forbidden: pod rejected: RuntimeClass "none" not found');
  });
});
