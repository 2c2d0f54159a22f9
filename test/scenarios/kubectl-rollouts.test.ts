import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { Kubectl } from "./kubectl.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

const NODES = 3;
const TIMEOUT = "--timeout=120s";

let troupe: Troupe;
let kubectl: Kubectl;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", String(NODES)]);
  kubectl = troupe.kubectl;
});
afterAll(() => troupe?.discard());

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly image: string }[] };
}
interface List<T> {
  readonly items: readonly T[];
}
interface Event {
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

const apply = (object: object): Promise<string> => kubectl.ok(["apply", "-f", "-"], { stdin: JSON.stringify(object) });
const podsOf = async (app: string): Promise<readonly Pod[]> =>
  (await kubectl.json<List<Pod>>(["get", "pods", "-l", `app=${app}`])).items.filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
const imagesOf = async (app: string): Promise<readonly string[]> => [
  ...new Set((await podsOf(app)).map(({ spec }) => spec.containers[0]?.image ?? "")),
];
const workload = (kind: string, name: string, spec: object = {}): object => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "img:1" }] } },
    ...spec,
  },
});

describe.each([
  ["daemonset", workload("DaemonSet", "agent"), "agent", NODES],
  ["statefulset", workload("StatefulSet", "db", { serviceName: "db", replicas: 3 }), "db", 3],
])("rollout of a %s", (kind, object, name, pods) => {
  const resource = `${kind}/${name}`;
  const done =
    kind === "daemonset"
      ? `daemon set "${name}" successfully rolled out`
      : /statefulset rolling update complete|partitioned roll out complete/;

  test("status waits until all pods are there", async () => {
    await apply(object);
    await kubectl.ok(["rollout", "status", resource, TIMEOUT]);
    expect(await podsOf(name)).toHaveLength(pods);
  });

  test("set image rolls it out, history has both, undo goes back", async () => {
    expect(await kubectl.ok(["set", "image", resource, "c=img:2"])).toBe(`${kind}.apps/${name} image updated`);
    expect(await kubectl.ok(["rollout", "status", resource, TIMEOUT])).toMatch(done);
    expect(await imagesOf(name)).toEqual(["img:2"]);
    expect(await kubectl.ok(["rollout", "history", resource])).toMatch(/REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>$/);
    expect(await kubectl.ok(["rollout", "history", resource, "--revision=1"])).toContain("img:1");
    expect(await kubectl.ok(["rollout", "undo", resource])).toBe(`${kind}.apps/${name} rolled back`);
    await kubectl.ok(["rollout", "status", resource, TIMEOUT]);
    expect(await imagesOf(name)).toEqual(["img:1"]);
    expect(await kubectl.ok(["rollout", "history", resource])).toMatch(/\n2\s+<none>\n3\s+<none>$/);
    expect(await kubectl.ok(["rollout", "undo", resource, "--to-revision=2"])).toBe(`${kind}.apps/${name} rolled back`);
    await kubectl.ok(["rollout", "status", resource, TIMEOUT]);
    expect(await imagesOf(name)).toEqual(["img:2"]);
  });

  test("restart replaces every pod; pause is not for it", async () => {
    const uids = async (): Promise<string> => kubectl.ok(["get", "pods", "-l", `app=${name}`, "-o", "jsonpath={.items[*].metadata.uid}"]);
    const before = new Set((await uids()).split(" "));
    expect(await kubectl.ok(["rollout", "restart", resource])).toBe(`${kind}.apps/${name} restarted`);
    await kubectl.ok(["rollout", "status", resource, TIMEOUT]);
    const after = (await uids()).split(" ");
    expect(after.filter((uid) => before.has(uid))).toEqual([]);
    expect(await kubectl.refused(["rollout", "pause", resource])).toContain("pausing is not supported");
  });
});

describe("a stateful set", () => {
  test("scales down from the last, waits for jsonpath, and its claims go as its policy says", async () => {
    const claims = [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }];
    for (const i of [0, 1]) {
      const hostPath = { path: `/data-${i}` };
      await apply({
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: `volume-${i}` },
        spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath, storageClassName: "" },
      });
    }
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: "Delete", whenScaled: "Delete" };
    await apply(
      workload("StatefulSet", "kept", {
        serviceName: "kept",
        replicas: 2,
        volumeClaimTemplates: claims,
        persistentVolumeClaimRetentionPolicy,
      }),
    );
    await kubectl.ok(["wait", "--for=jsonpath={.status.readyReplicas}=2", "statefulset/kept", TIMEOUT]);
    await kubectl.ok(["scale", "statefulset/kept", "--replicas=1"]);
    await kubectl.ok(["wait", "--for=delete", "pod/kept-1", TIMEOUT]);
    await kubectl.ok(["wait", "--for=delete", "pvc/data-kept-1", TIMEOUT]);
    expect(await kubectl.ok(["get", "pvc", "-o", "name"])).toBe("persistentvolumeclaim/data-kept-0");
    await kubectl.ok(["delete", "statefulset", "kept"]);
    await kubectl.ok(["wait", "--for=delete", "pvc/data-kept-0", TIMEOUT]);
  });
});

describe("jobs", () => {
  test("create job --from=cronjob makes one at once, which is waited for; ends as the cron job's own would", async () => {
    await kubectl.ok(["create", "cronjob", "report", "--image=img", "--schedule=0 0 1 1 *"]);
    expect(await kubectl.ok(["create", "job", "now", "--from=cronjob/report"])).toBe("job.batch/now created");
    expect(await kubectl.ok(["wait", "--for=condition=Complete", "job/now", TIMEOUT])).toBe("job.batch/now condition met");
    expect(
      await kubectl.ok(["get", "job", "now", "-o", "jsonpath={.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name}"]),
    ).toBe("CronJob/report");
    expect(await kubectl.ok(["get", "job", "now", "-o", "jsonpath={.metadata.annotations.cronjob\\.kubernetes\\.io/instantiate}"])).toBe(
      "manual",
    );
    await kubectl.ok(["delete", "cronjob", "report"]);
    await kubectl.ok(["wait", "--for=delete", "job/now", TIMEOUT]);
  });

  test("a job is suspended and resumed", async () => {
    const spec = {
      suspend: true,
      completions: 2,
      parallelism: 2,
      template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } },
    };
    await apply({ apiVersion: "batch/v1", kind: "Job", metadata: { name: "later" }, spec });
    await kubectl.ok(["wait", "--for=condition=Suspended", "job/later", TIMEOUT]);
    expect((await kubectl.json<List<Pod>>(["get", "pods", "-l", "job-name=later"])).items).toEqual([]);
    await kubectl.ok(["patch", "job", "later", "-p", '{"spec":{"suspend":false}}']);
    await kubectl.ok(["wait", "--for=condition=Complete", "job/later", TIMEOUT]);
    expect(await kubectl.ok(["get", "job", "later", "--no-headers"])).toMatch(/^later\s+Complete\s+2\/2\s/);
  });
});

describe("what volumes ask of controllers", () => {
  test("a pod with an ephemeral volume gets its claim, runs when that is bound, and takes it along", async () => {
    await apply({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "scratch" },
      spec: { capacity: { storage: "2Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/scratch" }, storageClassName: "scratch" },
    });
    const claim = { accessModes: ["ReadWriteOnce"], storageClassName: "scratch", resources: { requests: { storage: "1Gi" } } };
    const volumes = [{ name: "tmp", ephemeral: { volumeClaimTemplate: { spec: claim } } }];
    const containers = [{ name: "c", image: "i", volumeMounts: [{ name: "tmp", mountPath: "/tmp" }] }];
    await apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "user" }, spec: { containers, volumes } });
    await kubectl.ok(["wait", "--for=condition=Ready", "pod/user", TIMEOUT]);
    expect(await kubectl.ok(["get", "pvc", "user-tmp", "-o", "jsonpath={.status.phase} {.spec.volumeName}"])).toBe("Bound scratch");
    await kubectl.ok(["delete", "pod", "user"]);
    await kubectl.ok(["wait", "--for=delete", "pvc/user-tmp", TIMEOUT]);
  });

  test("a CSI volume is attached where its pod runs, by whoever plays its driver, and detached when the pod is gone", async () => {
    const csi = { driver: "csi.example.com", volumeHandle: "disk-1" };
    const claimRef = { namespace: "default", name: "disk" };
    const spec = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], storageClassName: "csi" };
    await apply({ apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "disk" }, spec: { ...spec, csi, claimRef } });
    const requests = { storage: "1Gi" };
    await apply({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "disk" },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: "csi", resources: { requests } },
    });
    const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "disk" } }];
    await apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "writer" },
      spec: { nodeName: "node-1", containers: [{ name: "c", image: "i" }], volumes },
    });
    const name = await until("the attachment", async () => (await kubectl.ok(["get", "volumeattachments", "-o", "name"])) || undefined);
    expect(await kubectl.ok(["get", name, "-o", "jsonpath={.spec.attacher} {.spec.nodeName} {.spec.source.persistentVolumeName}"])).toBe(
      "csi.example.com node-1 disk",
    );
    await kubectl.ok(["patch", name, "--subresource=status", "--type=merge", "-p", '{"status":{"attached":true}}']);
    const attached = ["get", "node", "node-1", "-o", "jsonpath={.status.volumesAttached[*].name}"];
    await until("the node says so", async () => (await kubectl.ok(attached)) === "kubernetes.io/csi/csi.example.com^disk-1");
    const events = async (): Promise<readonly Event[]> => (await kubectl.json<List<Event>>(["get", "events"])).items;
    await until("the Event", async () =>
      (await events()).some(({ reason, involvedObject }) => reason === "SuccessfulAttachVolume" && involvedObject.name === "writer"),
    );
    await kubectl.ok(["delete", "pod", "writer"]);
    await kubectl.ok(["wait", "--for=delete", name, TIMEOUT]);
    await until("the node says it no more", async () => (await kubectl.ok(attached)) === "");
  });
});

test("drain waits for a budget, and goes on when it allows more", async () => {
  await kubectl.ok(["create", "deployment", "web", "--image=img:1", "--replicas=2"]);
  await kubectl.ok(["rollout", "status", "deployment/web", TIMEOUT]);
  await kubectl.ok(["create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=2"]);
  await until(
    "the budget",
    async () => (await kubectl.ok(["get", "pdb", "web", "-o", "jsonpath={.status.currentHealthy} {.status.disruptionsAllowed}"])) === "2 0",
  );
  const node = (await podsOf("web"))[0]?.spec.nodeName ?? "";
  const draining = kubectl.run([
    "drain",
    node,
    "--ignore-daemonsets",
    "--delete-emptydir-data",
    "--force",
    "--pod-selector=app=web",
    TIMEOUT,
  ]);
  const refusal = (line: string): boolean => line.includes('subresource="eviction"') && line.includes('code="429"');
  await until("a refused eviction", async () => (await kubectl.ok(["get", "--raw", "/metrics"])).split("\n").some(refusal));
  await kubectl.ok(["patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"minAvailable":1}}']);
  const { code, stdout, stderr } = await draining;
  expect([code, stdout]).toEqual([0, expect.stringContaining(`node/${node} drained`)]);
  expect(stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
  await kubectl.ok(["rollout", "status", "deployment/web", TIMEOUT]);
  expect((await podsOf("web")).filter(({ spec }) => spec.nodeName === node)).toEqual([]);
  await kubectl.ok(["uncordon", node]);
});

test("at the end it stops as promised", () => troupe.stop());
