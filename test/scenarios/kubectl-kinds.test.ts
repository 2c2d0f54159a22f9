import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "./kubectl.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** One object of every family of kinds, through the life that kubectl gives it. No controllers: what is there is what was written. */
let troupe: Troupe;
let kubectl: Kubectl;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--only", "api"]);
  kubectl = troupe.kubectl;
  // A controller's work, which here nobody does.
  await kubectl.run(["create", "serviceaccount", "default"]);
});
afterAll(() => troupe?.discard());

const META = 'metadata: { name: m, labels: { part: "all" } }';
const POD = "{ metadata: { labels: { app: x } }, spec: { containers: [{ name: c, image: i }] } }";
const ONCE = "{ spec: { restartPolicy: Never, containers: [{ name: c, image: i }] } }";
const RULE = "{ operations: [CREATE], apiGroups: [''], apiVersions: [v1], resources: [pods] }";
const HOOK =
  "{ name: a.b.c, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Ignore, clientConfig: { url: 'https://127.0.0.1/x' } }";

/** Kind, apiVersion, the rest of the object, and what `kubectl get -o wide` prints of it. */
const OBJECTS: readonly (readonly [kind: string, apiVersion: string, rest: string, row: RegExp])[] = [
  ["LimitRange", "v1", "spec: { limits: [{ type: Container, max: { cpu: '8' } }] }", /^m +\d{4}-/],
  ["ResourceQuota", "v1", "spec: { hard: { 'count/secrets': '9' } }", /^m +\d+s$/],
  [
    "PersistentVolume",
    "v1",
    "spec: { capacity: { storage: 1Gi }, accessModes: [ReadWriteMany], hostPath: { path: /x } }",
    /^m +1Gi +RWX +Retain +Pending/,
  ],
  [
    "PersistentVolumeClaim",
    "v1",
    "spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }",
    /^m +Pending .*<unset> .*Filesystem$/,
  ],
  ["PodTemplate", "v1", `template: ${POD}`, /^m +c +i +app=x$/],
  ["ReplicationController", "v1", `spec: { replicas: 2, template: ${POD} }`, /^m +2 +0 +0 .* c +i +app=x$/],
  ["StatefulSet", "apps/v1", `spec: { serviceName: s, selector: { matchLabels: { app: x } }, template: ${POD} }`, /^m +0\/1 .* c +i$/],
  [
    "DaemonSet",
    "apps/v1",
    `spec: { selector: { matchLabels: { app: x } }, template: ${POD} }`,
    /^m +0 +0 +0 +0 +0 +<none> .* c +i +app=x$/,
  ],
  ["Job", "batch/v1", `spec: { completions: 3, template: ${ONCE} }`, /^m +Running +0\/3 /],
  [
    "CronJob",
    "batch/v1",
    `spec: { schedule: '*/5 * * * *', timeZone: Europe/Berlin, jobTemplate: { spec: { template: ${ONCE} } } }`,
    /^m +\*\/5 \* \* \* \* +Europe\/Berlin +False +0 +<none>/,
  ],
  ["DeviceClass", "resource.k8s.io/v1", `spec: { selectors: [{ cel: { expression: 'device.driver == "a.b"' } }] }`, /^m +\d+s$/],
  [
    "ResourceClaim",
    "resource.k8s.io/v1",
    "spec: { devices: { requests: [{ name: r, exactly: { deviceClassName: m } }] } }",
    /^m +pending +\d+s$/,
  ],
  [
    "ResourceClaimTemplate",
    "resource.k8s.io/v1",
    "spec: { spec: { devices: { requests: [{ name: r, exactly: { deviceClassName: m } }] } } }",
    /^m +\d+s$/,
  ],
  [
    "ResourceSlice",
    "resource.k8s.io/v1",
    "spec: { driver: a.b, nodeName: n1, pool: { name: p, resourceSliceCount: 1 }, devices: [{ name: d }] }",
    /^m +n1 +a.b +p +\d+s$/,
  ],
  [
    "HorizontalPodAutoscaler",
    "autoscaling/v1",
    "spec: { maxReplicas: 3, targetCPUUtilizationPercentage: 50, scaleTargetRef: { apiVersion: apps/v1, kind: StatefulSet, name: m } }",
    /^m +StatefulSet\/m +cpu: <unknown>\/50% +1 +3 +0/,
  ],
  ["Ingress", "networking.k8s.io/v1", "spec: { defaultBackend: { service: { name: s, port: { number: 80 } } } }", /^m +<none> +\* +80/],
  ["IngressClass", "networking.k8s.io/v1", "spec: { controller: a.b/c }", /^m +a\.b\/c +<none>/],
  ["NetworkPolicy", "networking.k8s.io/v1", "spec: { podSelector: { matchLabels: { app: x } } }", /^m +app=x/],
  ["ServiceCIDR", "networking.k8s.io/v1", "spec: { cidrs: [10.200.0.0/16] }", /^m +10\.200\.0\.0\/16/],
  ["Role", "rbac.authorization.k8s.io/v1", "rules: [{ apiGroups: [''], resources: [pods], verbs: [get] }]", /^m +\d{4}-/],
  [
    "RoleBinding",
    "rbac.authorization.k8s.io/v1",
    "roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: m }\nsubjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: ada }]",
    /^m +Role\/m +\S+ +ada$/,
  ],
  ["ClusterRole", "rbac.authorization.k8s.io/v1", "rules: [{ nonResourceURLs: [/x], verbs: [get] }]", /^m +\d{4}-/],
  [
    "ClusterRoleBinding",
    "rbac.authorization.k8s.io/v1",
    "roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: m }",
    /^m +ClusterRole\/m/,
  ],
  ["StorageClass", "storage.k8s.io/v1", "provisioner: a.b/c", /^m +a\.b\/c +Delete +Immediate +false/],
  ["CSIDriver", "storage.k8s.io/v1", "spec: {}", /^m +true +false +false +<unset> +false +Persistent/],
  ["CSINode", "storage.k8s.io/v1", "spec: { drivers: [{ name: a.b, nodeID: n1 }] }", /^m +1 /],
  ["CSIStorageCapacity", "storage.k8s.io/v1", "storageClassName: m\ncapacity: 1Gi", /^m +\d{4}-/],
  [
    "VolumeAttachment",
    "storage.k8s.io/v1",
    "spec: { attacher: a.b, nodeName: n1, source: { persistentVolumeName: m } }",
    /^m +a\.b +m +n1 +false/,
  ],
  ["VolumeAttributesClass", "storage.k8s.io/v1", "driverName: a.b\nparameters: { iops: '1' }", /^m +a\.b/],
  ["RuntimeClass", "node.k8s.io/v1", "handler: runc", /^m +runc/],
  ["MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", `webhooks: [${HOOK}]`, /^m +1 /],
  ["ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", `webhooks: [${HOOK}]`, /^m +1 /],
  [
    "ValidatingAdmissionPolicy",
    "admissionregistration.k8s.io/v1",
    `spec: { matchConstraints: { resourceRules: [${RULE}] }, validations: [{ expression: 'true' }] }`,
    /^m +1 +<unset>/,
  ],
  [
    "ValidatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io/v1",
    "spec: { policyName: other, validationActions: [Audit] }",
    /^m +other +<unset>/,
  ],
  ["FlowSchema", "flowcontrol.apiserver.k8s.io/v1", "spec: { priorityLevelConfiguration: { name: m } }", /^m +m +1000 +<none> .* \?$/],
  [
    "PriorityLevelConfiguration",
    "flowcontrol.apiserver.k8s.io/v1",
    "spec: { type: Limited, limited: { limitResponse: { type: Reject } } }",
    /^m +Limited +30 +<none> +<none> +<none>/,
  ],
];

const ALL = OBJECTS.map(([kind, apiVersion, rest]) => `apiVersion: ${apiVersion}\nkind: ${kind}\n${META}\n${rest}\n`).join("---\n");

describe("every family of kinds", () => {
  test("is created, left alone when applied again, and changed", async () => {
    const created = await kubectl.ok(["apply", "-f", "-"], { stdin: ALL });
    expect(created.match(/ created$/gm)).toHaveLength(OBJECTS.length);
    const again = await kubectl.ok(["apply", "-f", "-"], { stdin: ALL });
    // Where a default stands inside a list that is taken or left as a whole, kubectl sees a difference each time; so it does on Kubernetes.
    expect(again.match(/\S+(?= configured$)/gm)).toEqual([
      "limitrange/m",
      "resourceclaim.resource.k8s.io/m",
      "resourceclaimtemplate.resource.k8s.io/m",
      "validatingadmissionpolicy.admissionregistration.k8s.io/m",
    ]);
    expect(again.match(/ unchanged$/gm)).toHaveLength(OBJECTS.length - 4);
    await kubectl.ok(["label", "--all", "statefulsets,jobs,storageclasses,roles", "seen=yes"]);
  });

  test.each(OBJECTS)("%s is printed and described", async (kind, apiVersion, _rest, row) => {
    const slash = apiVersion.indexOf("/");
    const resource = slash < 0 ? kind : `${kind}.${apiVersion.slice(slash + 1)}.${apiVersion.slice(0, slash)}`;
    expect(await kubectl.ok(["get", resource, "m", "-o", "wide", "--no-headers"])).toMatch(row);
    expect(await kubectl.ok(["describe", resource, "m"])).toMatch(/^Name: +m$/m);
    expect(await kubectl.ok(["get", resource, "-l", "part=all", "-o", "name"])).toMatch(/\/m$/);
  });

  test("explain knows their fields", async () => {
    expect(await kubectl.ok(["explain", "cronjob.spec.jobTemplate.spec.backoffLimit"])).toContain("FIELD: backoffLimit <integer>");
    expect(await kubectl.ok(["explain", "ingress.spec.rules"])).toContain("FIELDS:");
  });

  test("scales what has a scale", async () => {
    await kubectl.ok(["scale", "statefulset/m", "rc/m", "--replicas=5"]);
    expect(await kubectl.ok(["get", "rc/m", "sts/m", "-o", "jsonpath={.items[*].spec.replicas}"])).toBe("5 5");
  });

  test("go as they came", async () => {
    await kubectl.ok(["delete", "--wait=false", "-f", "-"], { stdin: ALL });
    const left = await kubectl.ok([
      "get",
      "sts,ds,jobs,cj,hpa,ing,netpol,role,rolebinding,sc,runtimeclass,quota,limits",
      "-l",
      "part=all",
      "-o",
      "name",
    ]);
    expect(left).toBe("");
  });
});

test("an autoscaler is one object in two versions, and an Event in two groups", async () => {
  await kubectl.ok(["create", "deployment", "d", "--image=i"]);
  await kubectl.ok(["autoscale", "deployment", "d", "--min=2", "--max=4", "--cpu=70%"]);
  const v1 = await kubectl.json<{ spec: object }>(["get", "horizontalpodautoscalers.v1.autoscaling", "d"]);
  expect(v1.spec).toMatchObject({ minReplicas: 2, maxReplicas: 4, targetCPUUtilizationPercentage: 70 });
  const patch = '{"spec":{"targetCPUUtilizationPercentage":30}}';
  await kubectl.ok(["patch", "horizontalpodautoscalers.v1.autoscaling", "d", "--type=merge", "-p", patch]);
  const v2 = await kubectl.json<{ spec: object }>(["get", "horizontalpodautoscalers.v2.autoscaling", "d"]);
  expect(v2.spec).toMatchObject({ metrics: [{ resource: { target: { averageUtilization: 30 } } }] });

  const event = `
apiVersion: events.k8s.io/v1
kind: Event
metadata: { name: e, namespace: default }
eventTime: "2026-01-01T00:00:00.000000Z"
action: Try
reason: Tried
note: it was tried
type: Normal
regarding: { kind: Pod, name: p, namespace: default }
reportingController: a.b/c
reportingInstance: i
`;
  await kubectl.ok(["create", "-f", "-"], { stdin: event });
  const core = await kubectl.json<object>(["get", "events.v1.", "e"]);
  expect(core).toMatchObject({ message: "it was tried", involvedObject: { name: "p" }, reportingComponent: "a.b/c" });
  const named = ["get", "events.v1.events.k8s.io", "--field-selector", "regarding.name=p", "-o", "jsonpath={.items[*].note}"];
  expect(await kubectl.ok(named)).toBe("it was tried");
});

test("a certificate request is approved by its own door", async () => {
  const pem = "-----BEGIN CERTIFICATE REQUEST-----\neA==\n-----END CERTIFICATE REQUEST-----\n";
  const request = `
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: { name: c }
spec: { request: ${Buffer.from(pem).toString("base64")}, signerName: a.b/c, usages: [client auth] }
`;
  await kubectl.ok(["create", "-f", "-"], { stdin: request });
  await kubectl.ok(["certificate", "approve", "c"]);
  expect(await kubectl.ok(["get", "csr", "c", "--no-headers"])).toMatch(/^c +\S+ +a\.b\/c .*Approved$/);
});
