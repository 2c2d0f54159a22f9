/** What the kinds refuse, in Kubernetes' words: `field: message` of each error, in order. Source: pkg/apis/<group>/validation of 1.34. */
import { describe, expect, test } from "vitest";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { shape } from "../../../actors/kinds/machinery/shape.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { errorsInNew } from "../../../actors/kinds/object-rules.ts";
import type { FieldError } from "../../../actors/kinds/status.ts";

function kindOf(resource: string): Kind {
  const kind = BUILT_IN_KINDS.find((one) => one.plural === resource && one.stored === undefined);
  if (kind === undefined) throw new Error(`no kind of ${resource}`);
  return kind;
}

function object(kind: Kind, sent: object): KubeObject {
  const namespace = kind.namespaced ? { namespace: "ns" } : {};
  const body = structuredClone({ ...sent, metadata: { name: "m", uid: "u", ...namespace, ...(sent as { metadata?: object }).metadata } });
  const shaped = shape(kind.schema, body).object as unknown as KubeObject;
  kind.applyDefaults?.(shaped);
  return shaped;
}

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

const CONTAINERS = { containers: [{ name: "c", image: "i" }] };
const TEMPLATE = { metadata: { labels: { app: "x" } }, spec: CONTAINERS };
const SELECTOR = { matchLabels: { app: "x" } };
const JOB = { template: { spec: { ...CONTAINERS, restartPolicy: "Never" } } };
const SELECTING = { selector: SELECTOR, template: { ...TEMPLATE, ...JOB.template } };
const TARGET = { apiVersion: "apps/v1", kind: "Deployment", name: "d" };
const VOLUME = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/x" } };
const DNS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

describe("new objects", () => {
  test.each<[resource: string, sent: object, errors: string[]]>([
    [
      "services",
      {
        spec: {
          ports: [{ port: 80 }],
          externalTrafficPolicy: "Local",
          internalTrafficPolicy: "Somewhere",
          healthCheckNodePort: 31_000,
          allocateLoadBalancerNodePorts: true,
          loadBalancerClass: "a/b",
          trafficDistribution: "PreferFar",
        },
      },
      [
        "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
        "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
        'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
        "spec.healthCheckNodePort: Invalid value: 31000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        'spec.internalTrafficPolicy: Unsupported value: "Somewhere": supported values: "Cluster", "Local"',
        'spec.trafficDistribution: Unsupported value: "PreferFar": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
      ],
    ],
    [
      "services",
      { spec: { type: "NodePort", ports: [{ port: 80 }], externalTrafficPolicy: "Nowhere" } },
      ['spec.externalTrafficPolicy: Unsupported value: "Nowhere": supported values: "Cluster", "Local"'],
    ],
    [
      "statefulsets",
      { spec: { selector: SELECTOR, template: TEMPLATE, podManagementPolicy: "X", updateStrategy: { type: "Y" }, replicas: -1 } },
      [
        "spec.podManagementPolicy: Invalid value: \"X\": must be 'OrderedReady' or 'Parallel'",
        'spec.updateStrategy: Invalid value: {"Type":"Y","RollingUpdate":null}: must be \'RollingUpdate\' or \'OnDelete\'',
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
      ],
    ],
    [
      "statefulsets",
      { metadata: { name: "a.b" }, spec: { selector: SELECTOR, template: TEMPLATE } },
      ['metadata.name: Invalid value: "a.b": must not contain dots'],
    ],
    [
      "statefulsets",
      { spec: { selector: {}, template: TEMPLATE } },
      ["spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
    ],
    [
      "daemonsets",
      {
        spec: {
          selector: { matchLabels: { app: "y" } },
          template: TEMPLATE,
          updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } },
        },
      },
      [
        'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
        "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
      ],
    ],
    [
      "daemonsets",
      { spec: { selector: SELECTOR, template: TEMPLATE, updateStrategy: { type: "X" } } },
      ['spec.updateStrategy: Unsupported value: {"Type":"X","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"'],
    ],
    ["replicationcontrollers", { spec: { selector: { a: "b" } } }, ["spec.template: Required value"]],
    [
      "jobs",
      { spec: { ...JOB, manualSelector: true, selector: SELECTOR, completionMode: "Indexed", parallelism: -1 } },
      [
        "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
        "spec.completions: Required value: when completion mode is Indexed",
        "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
      ],
    ],
    [
      "cronjobs",
      {
        metadata: { name: "x".repeat(53) },
        spec: { schedule: "* * *", concurrencyPolicy: "X", jobTemplate: { spec: JOB }, timeZone: "Local" },
      },
      [
        'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]',
        'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
        'spec.concurrencyPolicy: Unsupported value: "X": supported values: "Allow", "Forbid", "Replace"',
        `metadata.name: Invalid value: "${"x".repeat(53)}": must be no more than 52 characters`,
      ],
    ],
    [
      "persistentvolumeclaims",
      { spec: { accessModes: ["ReadWriteOncePod", "ReadWriteMany"], resources: { requests: { storage: "0" } }, volumeMode: "X" } },
      [
        "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
        'spec.resources[storage]: Invalid value: "0": must be greater than zero',
        'spec.volumeMode: Unsupported value: "X": supported values: "Block", "Filesystem"',
      ],
    ],
    [
      "persistentvolumes",
      { spec: { accessModes: ["X"], capacity: { storage: "1Gi" } } },
      [
        'spec.accessModes: Unsupported value: "X": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
        "spec: Required value: must specify a volume type",
      ],
    ],
    [
      "persistentvolumes",
      { spec: { ...VOLUME, nfs: { server: "s", path: "/" }, persistentVolumeReclaimPolicy: "X" } },
      [
        'spec.persistentVolumeReclaimPolicy: Unsupported value: "X": supported values: "Delete", "Recycle", "Retain"',
        "spec.nfs: Forbidden: may not specify more than 1 volume type",
      ],
    ],
    [
      "limitranges",
      { spec: { limits: [{ type: "Pod", min: { cpu: "2" }, max: { cpu: "1" }, default: { cpu: "1" } }, { type: "Pod" }] } },
      [
        "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        'spec.limits[1].type: Duplicate value: "Pod"',
      ],
    ],
    [
      "resourcequotas",
      { spec: { hard: { nope: "1", pods: "-1" }, scopes: ["BestEffort", "NotBestEffort"] } },
      [
        'spec.hard[nope]: Invalid value: "nope": must be a standard resource type or fully qualified',
        'spec.hard[nope]: Invalid value: "nope": must be a standard resource for quota',
        'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
      ],
    ],
    [
      "ingresses",
      { spec: { rules: [{ host: "1.2.3.4", http: { paths: [{ path: "x", pathType: "Prefix", backend: {} }] } }] } },
      [
        'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
        'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path',
        'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
      ],
    ],
    ["ingresses", { spec: {} }, ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]],
    ["ingressclasses", { spec: {} }, ["spec.controller: Required value"]],
    [
      "networkpolicies",
      {
        spec: {
          podSelector: {},
          egress: [
            {
              ports: [{ endPort: 1 }, { port: "web", endPort: 1 }, { port: 80, endPort: 79 }],
              to: [
                { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16", "11.0.0.0/16", "10.0.0.0/8", "x"] } },
                { ipBlock: {}, podSelector: {} },
              ],
            },
          ],
        },
      },
      [
        "spec.egress[0].ports[0].endPort: Invalid value: 1: may not be specified when `port` is not specified",
        "spec.egress[0].ports[1].endPort: Invalid value: 1: may not be specified when `port` is non-numeric",
        "spec.egress[0].ports[2].endPort: Invalid value: 80: must be greater than or equal to `port`",
        'spec.egress[0].to[0].ipBlock.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
        'spec.egress[0].to[0].ipBlock.except[2]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
        'spec.egress[0].to[0].ipBlock.except[3]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        "spec.egress[0].to[1].ipBlock.cidr: Required value",
        "spec.egress[0].to[1]: Forbidden: may not specify both ipBlock and another peer",
      ],
    ],
    [
      "ingresses",
      {
        metadata: { annotations: { "kubernetes.io/ingress.class": "a" } },
        spec: { ingressClassName: "b", defaultBackend: { resource: { kind: "a/b", name: "" } } },
      },
      [
        "spec.defaultBackend.resource.kind: Invalid value: \"a/b\": may not contain '/'",
        "spec.defaultBackend.resource.name: Required value",
        'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
      ],
    ],
    ["poddisruptionbudgets", { metadata: { name: "A_B" }, spec: { maxUnavailable: 1 } }, []],
    [
      "networkpolicies",
      { spec: { podSelector: {}, ingress: [{ ports: [{ port: 0 }], from: [{}] }], policyTypes: ["X"] } },
      [
        "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        "spec.ingress[0].from[0]: Required value: must specify a peer",
        'spec.policyTypes[0]: Unsupported value: "X": supported values: "Ingress", "Egress"',
      ],
    ],
    [
      "ipaddresses",
      { metadata: { name: "x" } },
      [
        'metadata.name: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        "spec.parentRef: Required value",
      ],
    ],
    [
      "servicecidrs",
      { spec: { cidrs: ["10.0.0.0/33"] } },
      ['spec.cidrs[0]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ],
    [
      "roles",
      { rules: [{ nonResourceURLs: ["/x"] }, { verbs: ["get"] }] },
      [
        "rules[0].verbs: Required value: verbs must contain at least one value",
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
        "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[1].resources: Required value: resource rules must supply at least one resource",
      ],
    ],
    [
      "clusterrolebindings",
      {
        roleRef: { kind: "Role", name: "r" },
        subjects: [
          { kind: "ServiceAccount", name: "s" },
          { kind: "X", name: "y" },
        ],
      },
      [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
        "subjects[0].namespace: Required value",
        'subjects[1].kind: Unsupported value: "X": supported values: "ServiceAccount", "User", "Group"',
      ],
    ],
    [
      "storageclasses",
      { reclaimPolicy: "X" },
      ["provisioner: Required value", 'reclaimPolicy: Unsupported value: "X": supported values: "Delete", "Retain"'],
    ],
    ["volumeattributesclasses", { driverName: "d" }, ["parameters: Required value: must contain at least one key/value pair"]],
    [
      "runtimeclasses",
      { handler: "A" },
      [
        "handler: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [
      "horizontalpodautoscalers",
      {
        spec: {
          maxReplicas: 2,
          scaleTargetRef: TARGET,
          metrics: [{ type: "Resource" }, { type: "X" }, { type: "Pods", pods: { metric: { name: "" }, target: { type: "Value" } } }],
        },
      },
      [
        "spec.metrics[0].resource: Required value: must populate information for the given metric source",
        'spec.metrics[1].type: Unsupported value: "X": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
        'spec.metrics[1].type: Unsupported value: "X": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
        "spec.metrics[2].pods.metric.name: Required value: must specify a metric name",
        "spec.metrics[2].pods.target.averageValue: Required value: must specify a positive target averageValue",
      ],
    ],
    [
      "certificatesigningrequests",
      { spec: { request: "eA==", signerName: "x", usages: ["x"], expirationSeconds: 5 } },
      [
        'spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST',
        'spec.usages[0]: Unsupported value: "x": supported values: "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping"',
        "spec.signerName: Invalid value: \"x\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
        "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)",
      ],
    ],
    [
      "validatingwebhookconfigurations",
      { webhooks: [{ name: "a", clientConfig: {}, sideEffects: "Some", admissionReviewVersions: [], timeoutSeconds: 31 }] },
      [
        'webhooks[0].name: Invalid value: "a": should be a domain with at least three segments separated by dots',
        'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
        "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
        "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
        "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
      ],
    ],
    [
      "flowschemas",
      { spec: { matchingPrecedence: 20000 } },
      [
        "spec.matchingPrecedence: Invalid value: 20000: must not be greater than 10000",
        "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
      ],
    ],
    [
      "prioritylevelconfigurations",
      { spec: { type: "Limited" } },
      ["spec.limited: Required value: must not be empty when type is Limited"],
    ],
    [
      "csinodes",
      { spec: { drivers: [{ name: "A_", nodeID: "" }] } },
      [`spec.drivers[0].name: Invalid value: "A_": ${DNS}`, "spec.drivers[0].nodeID: Required value"],
    ],
  ])("%s of %j", (resource, sent, errors) => {
    const kind = kindOf(resource);
    expect(printed(errorsInNew(kind, object(kind, sent)))).toEqual(errors);
  });
});

describe("changes", () => {
  test.each<[resource: string, before: object, after: object, errors: string[]]>([
    [
      "statefulsets",
      { spec: { selector: SELECTOR, template: TEMPLATE, serviceName: "a" } },
      { spec: { selector: SELECTOR, template: TEMPLATE, serviceName: "b", replicas: 3 } },
      [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ],
    ],
    [
      "jobs",
      { spec: { ...SELECTING, completions: 1 } },
      { spec: { ...SELECTING, completions: 2 } },
      ["spec.completions: Invalid value: 2: field is immutable"],
    ],
    [
      "jobs",
      { spec: { ...SELECTING, completionMode: "Indexed", completions: 1, parallelism: 1 } },
      { spec: { ...SELECTING, completionMode: "Indexed", completions: 2, parallelism: 2 } },
      [],
    ],
    [
      "jobs",
      { spec: { ...SELECTING, suspend: true } },
      { spec: { ...SELECTING, suspend: true, template: { ...TEMPLATE, spec: { ...JOB.template.spec, nodeSelector: { a: "b" } } } } },
      [],
    ],
    [
      "rolebindings",
      { roleRef: { kind: "Role", name: "a" } },
      { roleRef: { kind: "Role", name: "b" } },
      ['roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"b"}: cannot change roleRef'],
    ],
    [
      "storageclasses",
      { provisioner: "a", parameters: { x: "1" } },
      { provisioner: "b" },
      ["parameters: Forbidden: updates to parameters are forbidden.", "provisioner: Forbidden: updates to provisioner are forbidden."],
    ],
    ["runtimeclasses", { handler: "a" }, { handler: "b" }, ['handler: Invalid value: "b": field is immutable']],
    [
      "ingressclasses",
      { spec: { controller: "a.b/c" } },
      { spec: { controller: "a.b/d" } },
      ['spec.controller: Invalid value: "a.b/d": field is immutable'],
    ],
    [
      "persistentvolumeclaims",
      { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
      { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } } },
      [
        `spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims
@@ -6,7 +6,7 @@
  "Resources": {
   "Limits": null,
   "Requests": {
-   "storage": "1Gi"
+   "storage": "2Gi"
   }
  },
  "VolumeName": "",
`,
      ],
    ],
    [
      "persistentvolumeclaims",
      { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }, status: { phase: "Bound" } },
      { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } } },
      [],
    ],
    [
      "persistentvolumes",
      { spec: VOLUME },
      { spec: { ...VOLUME, hostPath: { path: "/y" } } },
      [
        `spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation
@@ -2,7 +2,7 @@
  "GCEPersistentDisk": null,
  "AWSElasticBlockStore": null,
  "HostPath": {
-  "Path": "/x",
+  "Path": "/y",
   "Type": ""
  },
  "Glusterfs": null,
`,
      ],
    ],
  ])("%s from %j to %j", (resource, before, after, errors) => {
    const kind = kindOf(resource);
    expect(printed(kind.validateUpdate?.(object(kind, after), object(kind, before)) ?? [])).toEqual(errors);
  });
});
