import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../actors/kinds/core/service-account.ts";
import type { Pod, PodSpec, PriorityClass, ServiceAccount } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import type { TestRegistry } from "./harness.ts";
import { named, objectOf, refusalOf, startRegistry } from "./harness.ts";

let t: TestRegistry;
beforeEach(async () => {
  t = await startRegistry();
});
afterEach(() => t.stop());

const pod = (name: string, spec: object = {}, metadata: object = {}): Pod =>
  named<Pod>(name, "d", { metadata, spec: { containers: [{ name: "c", image: "nginx" }], ...spec } });
const create = async (object: Pod): Promise<Pod> => objectOf<Pod>(await t.registry.create(PodKind, object));

/** What stands for the random part of a name. */
const RANDOM = /kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}/g;
const steady = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replace(RANDOM, "kube-api-access-<rand>"));

/** As Kubernetes 1.34.9 answered. */
const NOT_READY = { effect: "NoExecute", key: "node.kubernetes.io/not-ready", operator: "Exists", tolerationSeconds: 300 };
const UNREACHABLE = { ...NOT_READY, key: "node.kubernetes.io/unreachable" };
const MOUNT = { mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", name: "kube-api-access-<rand>", readOnly: true };
const VOLUME = {
  name: "kube-api-access-<rand>",
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
      { configMap: { items: [{ key: "ca.crt", path: "ca.crt" }], name: "kube-root-ca.crt" } },
      { downwardAPI: { items: [{ fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" }, path: "namespace" }] } },
    ],
  },
};

describe("admission", () => {
  test("a plain pod becomes what it becomes on Kubernetes", async () => {
    const created = await create(pod("m"));
    expect(created.metadata.generation).toBe(1);
    expect(created.status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
    expect(steady(created.spec)).toEqual({
      containers: [
        {
          image: "nginx",
          imagePullPolicy: "Always",
          name: "c",
          resources: {},
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
          volumeMounts: [MOUNT],
        },
      ],
      dnsPolicy: "ClusterFirst",
      enableServiceLinks: true,
      preemptionPolicy: "PreemptLowerPriority",
      priority: 0,
      restartPolicy: "Always",
      schedulerName: "default-scheduler",
      securityContext: {},
      serviceAccount: "default",
      serviceAccountName: "default",
      terminationGracePeriodSeconds: 30,
      tolerations: [NOT_READY, UNREACHABLE],
      volumes: [VOLUME],
    });
  });

  test("what a pod says itself is left as it is", async () => {
    const { spec } = await create(
      pod("m", {
        initContainers: [{ name: "i", image: "busybox:1.36", volumeMounts: [{ name: "v", mountPath: MOUNT.mountPath }] }],
        volumes: [{ name: "v", emptyDir: {} }],
        tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }],
      }),
    );
    expect(steady(spec.initContainers?.[0]?.volumeMounts)).toEqual([{ name: "v", mountPath: MOUNT.mountPath }]);
    expect(steady(spec.containers[0]?.volumeMounts)).toEqual([MOUNT]);
    expect(steady(spec.volumes)).toEqual([{ name: "v", emptyDir: {} }, VOLUME]);
    expect(spec.tolerations).toEqual([{ key: "node.kubernetes.io/not-ready", operator: "Exists" }, UNREACHABLE]);
  });

  test.each<[string, object, boolean, boolean]>([
    ["the account says no", {}, false, false],
    ["the pod says yes", { automountServiceAccountToken: true }, false, true],
    ["the pod says no", { automountServiceAccountToken: false }, true, false],
  ])("the token is mounted or not: %s", async (_what, spec, automountServiceAccountToken, mounted) => {
    await t.registry.create(
      ServiceAccountKind,
      named<ServiceAccount>("sa", "d", { automountServiceAccountToken, imagePullSecrets: [{ name: "s" }] }),
    );
    const created = await create(pod("m", { serviceAccountName: "sa", ...spec }));
    expect(created.spec.volumes !== undefined).toBe(mounted);
    expect(created.spec).toMatchObject({ serviceAccount: "sa", imagePullSecrets: [{ name: "s" }] });
  });

  test.each<[string, Pod, string]>([
    [
      "an account that is not there",
      pod("p", { serviceAccountName: "x" }),
      'pods "p" is forbidden: error looking up service account d/x: serviceaccount "x" not found',
    ],
    [
      "a priority class that is not there",
      pod("p", { priorityClassName: "x" }),
      'pods "p" is forbidden: no PriorityClass with name x was found',
    ],
    [
      "a priority of one's own",
      pod("p", { priority: 5 }),
      'pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ],
    [
      "a name to be generated",
      named<Pod>("", "d", { metadata: { generateName: "p-" }, spec: { containers: [], priorityClassName: "x" } }),
      'pods "p-" is forbidden: no PriorityClass with name x was found',
    ],
  ])("refuses %s", async (_what, object, message) => {
    expect(await refusalOf(t.registry.create(PodKind, object))).toMatchObject({ code: 403, reason: "Forbidden", message });
  });

  test("a pod has a token if it says so, or if it says nothing and its account does not say no", async () => {
    for (const [name, automountServiceAccountToken] of [
      ["mount", true],
      ["nomount", false],
    ] as const)
      await t.registry.create(ServiceAccountKind, named<ServiceAccount>(name, "d", { automountServiceAccountToken }));
    const has: string[] = [];
    for (const serviceAccountName of ["default", "mount", "nomount"])
      for (const said of [undefined, true, false]) {
        const spec = { serviceAccountName, ...(said === undefined ? {} : { automountServiceAccountToken: said }) };
        const made = await create(pod(`${serviceAccountName}-${said}`, spec));
        const mounts = made.spec.containers[0]?.volumeMounts ?? [];
        if (mounts.some(({ mountPath }) => mountPath === MOUNT.mountPath)) has.push(made.metadata.name);
      }
    expect(has).toEqual(["default-undefined", "default-true", "mount-undefined", "mount-true", "nomount-true"]);
  });

  test("priority comes from the class, the system's, or the default one", async () => {
    const classes = [
      named<PriorityClass>("high", undefined, { value: 1000, preemptionPolicy: "Never" }),
      named<PriorityClass>("normal", undefined, { value: 10, globalDefault: true }),
      named<PriorityClass>("another", undefined, { value: 20, globalDefault: true }),
    ];
    const mutations = classes.map(
      (one) => ({ op: "create", key: `priorityclasses.scheduling.k8s.io/${one.metadata.name}`, text: encodeObject(one) }) as const,
    );
    await t.store.client.propose({ request: "classes", mutations });
    const ranks = [];
    for (const priorityClassName of ["high", "system-node-critical", "system-cluster-critical", undefined]) {
      const { spec } = await create(pod(`p${ranks.length}`, priorityClassName === undefined ? {} : { priorityClassName }));
      ranks.push([spec.priorityClassName, spec.priority, spec.preemptionPolicy]);
    }
    expect(ranks).toEqual([
      ["high", 1000, "Never"],
      ["system-node-critical", 2_000_001_000, "PreemptLowerPriority"],
      ["system-cluster-critical", 2_000_000_000, "PreemptLowerPriority"],
      ["normal", 10, "PreemptLowerPriority"],
    ]);
  });
});

describe("bind", () => {
  test("sets the node and the condition, and nothing else", async () => {
    const created = await create(pod("b"));
    const bound = objectOf<Pod>(await t.registry.bind("d", "b", created.metadata.uid, "n1", { annotations: { a: "1" } }));
    expect(bound).toEqual({
      ...created,
      metadata: { ...created.metadata, resourceVersion: bound.metadata.resourceVersion, annotations: { a: "1" } },
      spec: { ...created.spec, nodeName: "n1" },
      status: {
        ...created.status,
        conditions: [{ lastProbeTime: null, lastTransitionTime: expect.any(String), status: "True", type: "PodScheduled" }],
      },
    });
  });

  test("refuses in Kubernetes' words", async () => {
    const bind = (name: string, uid?: string): Promise<unknown> => t.registry.bind("d", name, uid, "n2");
    const { metadata } = await create(pod("b"));
    expect(await refusalOf(bind("b", "other"))).toMatchObject({
      code: 409,
      message: `Operation cannot be fulfilled on pods/binding "b": StorageError: invalid object, Code: 4, Key: /registry/pods/d/b, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: other, UID in object meta: ${metadata.uid}`,
    });
    await t.registry.bind("d", "b", undefined, "n1");
    expect(await refusalOf(bind("b"))).toMatchObject({
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "b": pod b is already assigned to node "n1"',
      details: { kind: "pods/binding", name: "b" },
    });
    await create(pod("f", {}, { finalizers: ["x.y/z"] }));
    await t.registry.delete(PodKind as unknown as Kind, "d", "f");
    expect(await refusalOf(bind("f"))).toMatchObject({
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "f": pod f is being deleted, cannot be assigned to a host',
    });
    expect(await refusalOf(bind("nope"))).toMatchObject({ code: 404, message: 'pods "nope" not found' });
  });

  test("one of many wins", async () => {
    await create(pod("b"));
    const answers = await Promise.allSettled(["n1", "n2", "n3"].map((node) => t.registry.bind("d", "b", undefined, node)));
    expect(answers.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
  });
});

describe("status", () => {
  test("changes alone, and does not count as a change of what is asked for", async () => {
    const created = await create(pod("s", {}, { labels: { a: "1" } }));
    const wanted: Pod = {
      ...created,
      metadata: { ...created.metadata, ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "x" }] },
      spec: { ...created.spec, nodeName: "ignored" },
      status: { phase: "Running", podIP: "9.9.9.9" },
    };
    const updated = objectOf<Pod>(await t.registry.update(PodKind, wanted, { subresource: "status" }));
    expect(updated.status).toEqual({ phase: "Running", podIP: "9.9.9.9", podIPs: [{ ip: "9.9.9.9" }], qosClass: "BestEffort" });
    expect(updated.spec).toEqual(created.spec);
    expect(updated.metadata).toEqual({ ...created.metadata, resourceVersion: updated.metadata.resourceVersion });
    const moved: Pod = { ...updated, status: { ...updated.status, podIP: "9.9.9.8" } };
    const { status } = objectOf<Pod>(await t.registry.update(PodKind, moved, { subresource: "status" }));
    expect([status?.podIP, status?.podIPs]).toEqual(["9.9.9.8", [{ ip: "9.9.9.8" }]]);
  });

  test("is not what an update of the pod changes, and an image counts", async () => {
    const created = await create(pod("s"));
    const changed = structuredClone(created);
    const [container] = changed.spec.containers;
    if (container !== undefined) container.image = "other";
    changed.status = { phase: "Failed" };
    const updated = objectOf<Pod>(await t.registry.update(PodKind, changed));
    expect([updated.metadata.generation, updated.status]).toEqual([2, created.status]);
  });

  test("what may not change is refused", async () => {
    const created = await create(pod("s"));
    const spec: PodSpec = { ...created.spec, nodeName: "x" };
    expect(await refusalOf(t.registry.update(PodKind, { ...created, spec }))).toMatchObject({ code: 422, reason: "Invalid" });
  });
});

describe("eviction", () => {
  const RUNNING = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };

  async function running(name: string): Promise<Pod> {
    await create(pod(name, {}, { labels: { app: "x" } }));
    await t.registry.bind("d", name, undefined, "n1");
    return objectOf<Pod>(
      await t.registry.modify(PodKind, "d", name, (p) => ({ ...p, status: { ...p.status, ...RUNNING } }), { subresource: "status" }),
    );
  }

  async function budget(name: string, status: object): Promise<void> {
    const object = named(name, "d", {
      metadata: { uid: name, generation: 1 },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "x" } } },
      status: { observedGeneration: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2, disruptionsAllowed: 1, ...status },
    });
    await t.store.client.propose({
      request: `budget-${name}`,
      mutations: [{ op: "create", key: `poddisruptionbudgets.policy/d/${name}`, text: encodeObject(object) }],
    });
  }

  test("without a budget is a deletion", async () => {
    await running("e");
    expect(await t.registry.evict("d", "e", { gracePeriodSeconds: 0 })).toMatchObject({ removed: true });
    expect(await refusalOf(t.registry.evict("d", "e"))).toMatchObject({ code: 404, message: 'pods "e" not found' });
  });

  test("spends the budget in the same transaction, until there is none", async () => {
    await Promise.all([running("a"), running("b")]);
    await budget("pdb", {});
    const both = await Promise.allSettled(["a", "b"].map((name) => t.registry.evict("d", name)));
    const refused = both.flatMap((one) => (one.status === "rejected" ? [one.reason as { status: object }] : []));
    expect(refused.map(({ status }) => status)).toEqual([
      {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        reason: "TooManyRequests",
        details: {
          causes: [{ reason: "DisruptionBudget", message: "The disruption budget pdb needs 1 healthy pods and has 2 currently" }],
        },
        code: 429,
      },
    ]);
    const pods = ["a", "b"].map((name) => t.store.replica.get<Pod>(`pods/d/${name}`)?.metadata.deletionTimestamp);
    expect(pods.filter((at) => at !== undefined).length).toBe(1);
    expect(t.store.replica.get("poddisruptionbudgets.policy/d/pdb")).toMatchObject({
      status: { disruptionsAllowed: 0, conditions: [{ type: "DisruptionAllowed", status: "False", reason: "InsufficientPods" }] },
    });
  });

  test("says of the pod why it goes, also of one that is going already", async () => {
    const target = { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };
    const conditionsOf = (name: string) => t.store.replica.get<Pod>(`pods/d/${name}`)?.status?.conditions;
    await Promise.all([running("a"), running("b")]);
    await t.registry.evict("d", "a", { dryRun: true });
    expect(conditionsOf("a")).not.toContainEqual(expect.objectContaining({ type: "DisruptionTarget" }));
    await t.registry.evict("d", "a");
    expect(conditionsOf("a")).toContainEqual(expect.objectContaining(target));
    await t.registry.delete(PodKind, "d", "b");
    const before = t.store.replica.get<Pod>("pods/d/b")?.metadata.deletionTimestamp;
    expect(await t.registry.evict("d", "b")).toMatchObject({ removed: false });
    expect(conditionsOf("b")).toContainEqual(expect.objectContaining(target));
    expect(t.store.replica.get<Pod>("pods/d/b")?.metadata.deletionTimestamp).toBe(before);
  });

  test("waits for a budget that its controller has not seen", async () => {
    await running("a");
    await budget("pdb", { observedGeneration: 0 });
    expect(await refusalOf(t.registry.evict("d", "a"))).toMatchObject({ code: 429, details: { retryAfterSeconds: 10 } });
  });

  test("a pod that is not ready costs nothing while the others are enough", async () => {
    await running("a");
    await t.registry.modify(PodKind, "d", "a", (p) => ({ ...p, status: { ...p.status, conditions: [] } }), { subresource: "status" });
    await budget("pdb", { disruptionsAllowed: 0 });
    expect(await t.registry.evict("d", "a")).toMatchObject({ removed: false });
  });

  test("two budgets for one pod are too many", async () => {
    await running("a");
    await Promise.all([budget("one", {}), budget("two", {})]);
    expect(await refusalOf(t.registry.evict("d", "a"))).toMatchObject({ code: 500 });
  });
});
