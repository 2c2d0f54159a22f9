/** What the kinds fill in where a client is silent, held to Kubernetes' SetDefaults_* and strategies. */
import { describe, expect, test } from "vitest";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { shape } from "../../../actors/kinds/machinery/shape.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";

/** An object of this resource as a server makes it of what it was sent. */
function made(resource: string, sent: object): Record<string, unknown> {
  const kind = BUILT_IN_KINDS.find((one) => one.plural === resource && one.stored === undefined);
  if (kind === undefined) throw new Error(`no kind of ${resource}`);
  const body = structuredClone({ ...sent, metadata: { name: "m", uid: "u", ...(sent as { metadata?: object }).metadata } });
  const object = shape(kind.schema, body).object as unknown as KubeObject;
  kind.applyDefaults?.(object);
  kind.prepareForCreate?.(object, { now_ms: Date.parse("2026-01-01T00:00:00Z") });
  return JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
}

const TEMPLATE = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i:1" }] } };
const SELECTOR = { matchLabels: { app: "x" } };
const WEBHOOK = {
  name: "a.b.c",
  clientConfig: { service: { name: "s", namespace: "n" } },
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
};

describe("what is filled in", () => {
  test.each<[resource: string, sent: object, expected: object]>([
    [
      "statefulsets",
      { spec: { serviceName: "s", selector: SELECTOR, template: TEMPLATE, volumeClaimTemplates: [{ metadata: { name: "d" }, spec: {} }] } },
      {
        spec: {
          replicas: 1,
          revisionHistoryLimit: 10,
          podManagementPolicy: "OrderedReady",
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
          persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
          volumeClaimTemplates: [
            {
              apiVersion: "v1",
              kind: "PersistentVolumeClaim",
              metadata: { name: "d" },
              spec: { volumeMode: "Filesystem" },
              status: { phase: "Pending" },
            },
          ],
        },
        status: { replicas: 0, availableReplicas: 0 },
      },
    ],
    [
      "replicationcontrollers",
      { spec: { template: TEMPLATE } },
      { metadata: { labels: { app: "x" } }, spec: { replicas: 1, selector: { app: "x" } }, status: { replicas: 0 } },
    ],
    [
      "cronjobs",
      { spec: { schedule: "@daily", jobTemplate: { spec: { template: TEMPLATE } } } },
      { spec: { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }, status: {} },
    ],
    [
      "jobs",
      { spec: { parallelism: 3, backoffLimitPerIndex: 1, template: TEMPLATE } },
      { spec: { parallelism: 3, backoffLimit: 2147483647 } },
    ],
    [
      "jobs",
      {
        spec: { template: TEMPLATE, podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }] } },
      },
      {
        spec: { completions: 1, podReplacementPolicy: "Failed", podFailurePolicy: { rules: [{ onPodConditions: [{ status: "True" }] }] } },
      },
    ],
    [
      "limitranges",
      { spec: { limits: [{ type: "Container", max: { cpu: "2", memory: "1Gi" }, min: { cpu: "100m" }, default: { cpu: "1" } }] } },
      { spec: { limits: [{ default: { cpu: "1", memory: "1Gi" }, defaultRequest: { cpu: "1", memory: "1Gi" } }] } },
    ],
    [
      "limitranges",
      { spec: { limits: [{ type: "Container", min: { cpu: "100m" } }] } },
      { spec: { limits: [{ defaultRequest: { cpu: "100m" } }] } },
    ],
    [
      "persistentvolumes",
      { spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/x" } } },
      {
        spec: { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem", hostPath: { path: "/x", type: "" } },
        status: { phase: "Pending", lastPhaseTransitionTime: "2026-01-01T00:00:00Z" },
      },
    ],
    [
      "horizontalpodautoscalers",
      {
        spec: {
          maxReplicas: 3,
          scaleTargetRef: { kind: "Deployment", name: "d" },
          behavior: { scaleUp: { stabilizationWindowSeconds: 5 } },
        },
      },
      {
        spec: {
          minReplicas: 1,
          metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
          behavior: {
            scaleUp: {
              stabilizationWindowSeconds: 5,
              selectPolicy: "Max",
              policies: [
                { type: "Pods", value: 4, periodSeconds: 15 },
                { type: "Percent", value: 100, periodSeconds: 15 },
              ],
            },
            scaleDown: { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
          },
        },
      },
    ],
    [
      "networkpolicies",
      { spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } },
      { spec: { policyTypes: ["Ingress", "Egress"], egress: [{ ports: [{ port: 53, protocol: "TCP" }] }] } },
    ],
    ["networkpolicies", { spec: { podSelector: {} } }, { spec: { policyTypes: ["Ingress"] } }],
    [
      "ingressclasses",
      { spec: { controller: "a.b/c", parameters: { kind: "K", name: "n" } } },
      { spec: { parameters: { scope: "Cluster" } } },
    ],
    [
      "csidrivers",
      { spec: {} },
      {
        spec: {
          attachRequired: true,
          podInfoOnMount: false,
          storageCapacity: false,
          fsGroupPolicy: "ReadWriteOnceWithFSType",
          volumeLifecycleModes: ["Persistent"],
          requiresRepublish: false,
          seLinuxMount: false,
        },
      },
    ],
    [
      "mutatingwebhookconfigurations",
      { webhooks: [{ ...WEBHOOK, rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }] }] },
      {
        webhooks: [
          {
            failurePolicy: "Fail",
            matchPolicy: "Equivalent",
            namespaceSelector: {},
            objectSelector: {},
            timeoutSeconds: 10,
            reinvocationPolicy: "Never",
            clientConfig: { service: { name: "s", namespace: "n", port: 443 } },
            rules: [{ scope: "*" }],
          },
        ],
      },
    ],
    [
      "validatingadmissionpolicies",
      {
        spec: {
          matchConstraints: { resourceRules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }] },
        },
      },
      {
        spec: {
          failurePolicy: "Fail",
          matchConstraints: { matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {}, resourceRules: [{ scope: "*" }] },
        },
      },
    ],
    [
      "customresourcedefinitions",
      {
        spec: {
          group: "a.b",
          scope: "Namespaced",
          names: { plural: "things", kind: "Thing" },
          versions: [{ name: "v1", served: true, storage: true }],
        },
      },
      {
        spec: { names: { singular: "thing", listKind: "ThingList" }, conversion: { strategy: "None" } },
        status: { storedVersions: ["v1"] },
      },
    ],
    [
      "apiservices",
      { spec: { group: "a.b", version: "v1", service: { name: "s", namespace: "n" }, groupPriorityMinimum: 1, versionPriority: 1 } },
      { spec: { service: { port: 443 } } },
    ],
    ["flowschemas", { spec: { priorityLevelConfiguration: { name: "p" } } }, { spec: { matchingPrecedence: 1000 } }],
    [
      "prioritylevelconfigurations",
      { spec: { type: "Limited", limited: { limitResponse: { type: "Queue", queuing: {} } } } },
      {
        spec: {
          limited: {
            nominalConcurrencyShares: 30,
            lendablePercent: 0,
            limitResponse: { queuing: { handSize: 8, queues: 64, queueLengthLimit: 50 } },
          },
        },
      },
    ],
    [
      "clusterrolebindings",
      {
        roleRef: { kind: "ClusterRole", name: "r" },
        subjects: [
          { kind: "Group", name: "g" },
          { kind: "ServiceAccount", name: "s", namespace: "n" },
        ],
      },
      {
        roleRef: { apiGroup: "rbac.authorization.k8s.io" },
        subjects: [
          { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "g" },
          { kind: "ServiceAccount", name: "s", namespace: "n" },
        ],
      },
    ],
    [
      "pods",
      {
        spec: {
          terminationGracePeriodSeconds: -1,
          resources: { limits: { cpu: "1", memory: "1Gi", "hugepages-2Mi": "4Mi" } },
          containers: [
            { name: "a", image: "i", resources: { requests: { cpu: "100m" } } },
            { name: "b", image: "i", resources: { requests: { cpu: "200m" } } },
          ],
        },
      },
      {
        spec: {
          terminationGracePeriodSeconds: 1,
          resources: {
            requests: { cpu: "300m", memory: "1Gi", "hugepages-2Mi": "4Mi" },
            limits: { cpu: "1", memory: "1Gi", "hugepages-2Mi": "4Mi" },
          },
        },
        status: { qosClass: "Burstable" },
      },
    ],
    [
      "pods",
      { spec: { containers: [{ name: "c", image: "i", resources: { limits: { cpu: "100m", memory: "100Mi" } } }] } },
      { status: { qosClass: "Guaranteed" } },
    ],
    [
      "podtemplates",
      { template: { spec: { ...TEMPLATE.spec, terminationGracePeriodSeconds: -1, resources: { limits: { cpu: "1" } } } } },
      { template: { spec: { terminationGracePeriodSeconds: -1, resources: { limits: { cpu: "1" } } } } },
    ],
    ["certificatesigningrequests", { spec: { request: "eA==", signerName: "a.b/c" }, status: { certificate: "eA==" } }, { status: {} }],
  ])("%s of %j", (resource, sent, expected) => {
    expect(made(resource, sent)).toMatchObject(expected);
  });

  test("a job is told apart by labels of its own, which it bears itself", () => {
    const job = made("jobs", { metadata: { name: "j", uid: "u1" }, spec: { template: { spec: TEMPLATE.spec } } });
    const labels = {
      "batch.kubernetes.io/controller-uid": "u1",
      "batch.kubernetes.io/job-name": "j",
      "controller-uid": "u1",
      "job-name": "j",
    };
    expect(job).toMatchObject({
      metadata: { labels },
      spec: { selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "u1" } }, template: { metadata: { labels } } },
    });
  });

  test("a job that manages its selector is left alone", () => {
    const job = made("jobs", { spec: { manualSelector: true, selector: SELECTOR, template: TEMPLATE } });
    expect(job).toMatchObject({ spec: { selector: SELECTOR, template: { metadata: { labels: { app: "x" } } } } });
    expect((job.spec as { template: { metadata: { labels: object } } }).template.metadata.labels).toEqual({ app: "x" });
  });
});
