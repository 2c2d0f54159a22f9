import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const NAMESPACE = "default";
const MERGE = { "content-type": "application/merge-patch+json" };
const LABELS = { operations: "all" };
const SELECTOR = "labelSelector=operations%3Dall";
const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
const selector = { matchLabels: { a: "b" } };
const condition = { type: "Tested", status: "True", reason: "Test", message: "m", lastTransitionTime: "2026-01-01T00:00:00Z" };
const untimed = { type: "Tested", status: "True", reason: "Test", message: "m" };

interface Operated {
  /** `apps/v1`, or `v1`. */
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly body: object;
  /** What its status is patched with; undefined where it has none of its own. */
  readonly status?: Readonly<Record<string, unknown>>;
  readonly scaled?: true;
}

function operated(version: string, plural: string, body: object, more: Partial<Operated> = {}): readonly [string, Operated] {
  return [`${plural}.${version}`, { version, plural, namespaced: true, body, ...more }];
}

const replicated = { replicas: 1, selector, template };
const webhook = {
  name: "w.example.com",
  clientConfig: { url: "https://127.0.0.1:1/" },
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["nothing"] }],
};

const KINDS = [
  operated("apps/v1", "controllerrevisions", { revision: 1, data: { a: 1 } }),
  operated("apps/v1", "daemonsets", { spec: { selector, template } }, { status: { conditions: [untimed] } }),
  operated("apps/v1", "deployments", { spec: replicated }, { status: { conditions: [untimed] }, scaled: true }),
  operated("apps/v1", "replicasets", { spec: replicated }, { status: { conditions: [untimed] }, scaled: true }),
  operated("apps/v1", "statefulsets", { spec: { ...replicated, serviceName: "s" } }, { status: { conditions: [untimed] }, scaled: true }),
  operated(
    "v1",
    "replicationcontrollers",
    { spec: { replicas: 1, selector: { a: "b" }, template } },
    { status: { conditions: [untimed] }, scaled: true },
  ),
  operated(
    "batch/v1",
    "jobs",
    { spec: { suspend: true, template: { spec: { ...template.spec, restartPolicy: "Never" } } } },
    { status: { startTime: "2026-01-01T00:00:00Z" } },
  ),
  operated(
    "batch/v1",
    "cronjobs",
    { spec: { schedule: "* * * * *", jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: "Never" } } } } } },
    { status: { lastScheduleTime: "2026-01-01T00:00:00Z" } },
  ),
  operated("policy/v1", "poddisruptionbudgets", { spec: { minAvailable: 1, selector } }, { status: { conditions: [condition] } }),
  operated("v1", "limitranges", { spec: { limits: [{ type: "Container", default: { cpu: "1" } }] } }),
  operated("v1", "resourcequotas", { spec: { hard: { pods: "5" } } }, { status: { hard: { pods: "3" } } }),
  operated("v1", "configmaps", { data: { a: "b" } }),
  operated("v1", "secrets", { data: { a: "Yg==" } }),
  operated("v1", "serviceaccounts", {}),
  operated("v1", "podtemplates", { template }),
  operated("v1", "pods", { spec: template.spec }, { status: { conditions: [untimed] } }),
  operated("v1", "nodes", {}, { namespaced: false, status: { conditions: [untimed] } }),
  operated("v1", "events", { involvedObject: { kind: "Pod", namespace: NAMESPACE, name: "p" }, reason: "Tested" }),
  operated("events.k8s.io/v1", "events", {
    eventTime: "2026-01-01T00:00:00.000000Z",
    type: "Normal",
    action: "Do",
    reason: "Tested",
    reportingController: "c",
    reportingInstance: "i",
    regarding: { kind: "Pod", namespace: NAMESPACE, name: "p" },
  }),
  operated("coordination.k8s.io/v1", "leases", { spec: { holderIdentity: "h", leaseDurationSeconds: 30 } }),
  operated("node.k8s.io/v1", "runtimeclasses", { handler: "h" }, { namespaced: false }),
  operated("scheduling.k8s.io/v1", "priorityclasses", { value: 5 }, { namespaced: false }),
  operated(
    "flowcontrol.apiserver.k8s.io/v1",
    "flowschemas",
    { spec: { matchingPrecedence: 10_000, priorityLevelConfiguration: { name: "global-default" } } },
    { namespaced: false, status: { conditions: [{ ...untimed, type: "Dangling" }] } },
  ),
  operated(
    "flowcontrol.apiserver.k8s.io/v1",
    "prioritylevelconfigurations",
    { spec: { type: "Limited", limited: { nominalConcurrencyShares: 2, limitResponse: { type: "Reject" } } } },
    { namespaced: false, status: { conditions: [untimed] } },
  ),
  operated(
    "admissionregistration.k8s.io/v1",
    "validatingadmissionpolicies",
    {
      spec: {
        matchConstraints: { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["nothing"] }] },
        validations: [{ expression: "true" }],
      },
    },
    { namespaced: false, status: { conditions: [condition] } },
  ),
  operated(
    "admissionregistration.k8s.io/v1",
    "validatingadmissionpolicybindings",
    { spec: { policyName: "none", validationActions: ["Deny"] } },
    { namespaced: false },
  ),
  operated("v1", "services", { spec: { ports: [{ port: 80 }] } }, { status: { conditions: [condition] } }),
  operated("v1", "endpoints", { subsets: [{ addresses: [{ ip: "10.0.0.24" }], ports: [{ name: "http", port: 80 }] }] }),
  operated("discovery.k8s.io/v1", "endpointslices", { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.24"] }], ports: [] }),
  operated(
    "networking.k8s.io/v1",
    "ingresses",
    { spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } } } },
    { status: { loadBalancer: { ingress: [{ ip: "169.1.1.1" }] } } },
  ),
  operated("networking.k8s.io/v1", "ingressclasses", { spec: { controller: "example.com/c" } }, { namespaced: false }),
  operated("networking.k8s.io/v1", "servicecidrs", { spec: { cidrs: ["10.1.2.0/24"] } }, { namespaced: false }),
  operated("storage.k8s.io/v1", "storageclasses", { provisioner: "example.com/p" }, { namespaced: false }),
  operated("storage.k8s.io/v1", "csidrivers", { spec: { volumeLifecycleModes: ["Ephemeral"] } }, { namespaced: false }),
  operated("storage.k8s.io/v1", "csinodes", { spec: { drivers: [] } }, { namespaced: false }),
  operated("storage.k8s.io/v1", "csistoragecapacities", { storageClassName: "c", capacity: "1Gi", maximumVolumeSize: "1Mi" }),
  operated(
    "storage.k8s.io/v1",
    "volumeattachments",
    { spec: { attacher: "a.example.com", nodeName: "n", source: { persistentVolumeName: "v" } } },
    { namespaced: false, status: { attached: true } },
  ),
  operated("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", { webhooks: [webhook] }, { namespaced: false }),
  operated("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", { webhooks: [webhook] }, { namespaced: false }),
];

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway();
});
afterAll(() => server.stop());

/** The path of the resource in its namespace, and in all. */
function pathsOf({ version, plural, namespaced }: Operated): { readonly own: string; readonly all: string } {
  const root = version.includes("/") ? `/apis/${version}` : `/api/${version}`;
  return { own: namespaced ? `${root}/namespaces/${NAMESPACE}/${plural}` : `${root}/${plural}`, all: `${root}/${plural}` };
}

async function answered(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Json> {
  const answer = await server.call(method, path, body, headers);
  expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
  return answer.json();
}

const names = (list: Json): string[] => list.items.map((item: Json) => item.metadata.name).sort();
const made = ({ body }: Operated, name: string): object => ({ ...body, metadata: { name, labels: LABELS } });

describe("every verb of a resource, as its clients use them", () => {
  test.each(KINDS)("%s: create, get, list, watch, patch, update, delete, delete the collection", async (_title, kind) => {
    const { own, all } = pathsOf(kind);
    const created = await answered("POST", own, made(kind, "one"));
    expect(created.metadata).toMatchObject({ name: "one", labels: LABELS });
    await answered("POST", own, made(kind, "two"));
    expect((await answered("GET", `${own}/one`)).metadata.uid).toBe(created.metadata.uid);
    const list = await answered("GET", `${all}?${SELECTOR}`);
    expect(names(list)).toEqual(["one", "two"]);
    expect(names(await answered("GET", `${own}?${SELECTOR}`))).toEqual(["one", "two"]);

    const watch = await server.watch(`${own}?watch=1&${SELECTOR}&resourceVersion=${list.metadata.resourceVersion}`);
    const patched = await answered("PATCH", `${own}/one`, { metadata: { annotations: { patched: "yes" } } }, MERGE);
    expect(patched.metadata.annotations).toMatchObject({ patched: "yes" });
    const updated = await answered("PUT", `${own}/one`, {
      ...patched,
      metadata: { ...patched.metadata, annotations: { ...patched.metadata.annotations, updated: "yes" } },
    });
    expect(updated.metadata.annotations).toMatchObject({ patched: "yes", updated: "yes" });
    const stale = await server.call("PUT", `${own}/one`, created);
    expect([stale.status, stale.json().reason]).toEqual([409, "Conflict"]);

    await answered("DELETE", `${own}/one?propagationPolicy=Background`);
    expect((await server.call("GET", `${own}/one`)).status).toBe(404);
    await answered("DELETE", `${own}?${SELECTOR}&propagationPolicy=Background`);
    expect(names(await answered("GET", `${all}?${SELECTOR}`))).toEqual([]);
    const seen: string[] = [];
    while (seen.length < 4) {
      const event = await watch.next();
      seen.push(`${event.type} ${event.object.metadata.name}`);
    }
    watch.close();
    expect(seen).toEqual(["MODIFIED one", "MODIFIED one", "DELETED one", "DELETED two"]);
  });

  test.each(KINDS.filter(([, { status }]) => status !== undefined))(
    "%s: the status is read, patched and updated through its own door",
    async (_title, kind) => {
      const { own } = pathsOf(kind);
      const { spec } = await answered("POST", own, made(kind, "with-status"));
      const path = `${own}/with-status`;
      const patched = await answered(
        "PATCH",
        `${path}/status`,
        { metadata: { annotations: { patched: "status" } }, status: kind.status as object },
        MERGE,
      );
      expect(patched.status).toMatchObject(kind.status as object);
      expect(patched.spec).toEqual(spec);
      const read = await answered("GET", `${path}/status`);
      expect(read).toEqual(patched);
      const again = await answered("PUT", `${path}/status`, {
        ...read,
        spec: undefined,
        metadata: { ...read.metadata, annotations: { put: "status" } },
      });
      expect(again.status).toEqual(patched.status);
      expect(again.spec).toEqual(spec);
      // Who writes the object writes no status.
      const written = await answered("PUT", path, { ...again, status: undefined });
      expect(written.status).toEqual(patched.status);
      await answered("DELETE", `${path}?propagationPolicy=Background`);
    },
  );

  test.each(KINDS.filter(([, { scaled }]) => scaled === true))("%s: its scale is read, updated and patched", async (_title, kind) => {
    const { own } = pathsOf(kind);
    await answered("POST", own, made(kind, "scaled"));
    const path = `${own}/scaled`;
    const scale = await answered("GET", `${path}/scale`);
    expect(scale).toMatchObject({ kind: "Scale", apiVersion: "autoscaling/v1", spec: { replicas: 1 } });
    const updated = await answered("PUT", `${path}/scale`, { ...scale, spec: { replicas: 2 } });
    expect(updated.spec.replicas).toBe(2);
    expect((await answered("GET", path)).spec.replicas).toBe(2);
    const stale = await server.call("PUT", `${path}/scale`, { ...scale, spec: { replicas: 5 } });
    expect(stale.status).toBe(409);
    await answered("PATCH", `${path}/scale`, { spec: { replicas: 4 } }, MERGE);
    expect((await answered("GET", path)).spec.replicas).toBe(4);
    await answered("DELETE", `${path}?propagationPolicy=Background`);
  });
});

test("a namespace is listed, patched, updated, and has a status and a finalizer of somebody else's", async () => {
  const path = "/api/v1/namespaces/operated";
  await answered("POST", "/api/v1/namespaces", { metadata: { name: "operated" } });
  const patched = await answered("PATCH", path, { metadata: { labels: { testing: "yes" } } }, MERGE);
  expect(patched.metadata.labels).toMatchObject({ testing: "yes", "kubernetes.io/metadata.name": "operated" });
  const updated = await answered("PUT", path, {
    ...patched,
    metadata: { ...patched.metadata, labels: { ...patched.metadata.labels, more: "yes" } },
  });
  expect(updated.metadata.labels).toMatchObject({ testing: "yes", more: "yes" });
  const conditioned = await answered("PATCH", `${path}/status`, { status: { conditions: [untimed] } }, MERGE);
  expect(conditioned.status).toMatchObject({ phase: "Active", conditions: [untimed] });
  const held = await answered("PUT", `${path}/finalize`, { ...conditioned, spec: { finalizers: ["kubernetes", "example.com/fake"] } });
  expect(held.spec.finalizers).toEqual(["kubernetes", "example.com/fake"]);
  const freed = await answered("PUT", `${path}/finalize`, { ...held, spec: { finalizers: ["kubernetes"] } });
  expect(freed.spec.finalizers).toEqual(["kubernetes"]);
});

test("what has no metadata has no table: 406", async () => {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { verb: "get", resource: "pods" } },
  };
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const answer = await server.call("POST", path, review, { accept });
  expect([answer.status, answer.json().reason]).toEqual([406, "NotAcceptable"]);
  const either = await server.call("POST", path, review, { accept: `${accept},application/json` });
  expect([either.status, either.json().kind]).toEqual([201, "SelfSubjectAccessReview"]);
});
