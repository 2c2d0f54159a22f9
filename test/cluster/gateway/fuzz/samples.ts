/** One object of every kind that is served, as small as it may be and be accepted. */

const META = "metadata: { name: NAME, labels: { part: x } }";
const POD = "{ metadata: { labels: { app: x } }, spec: { containers: [{ name: c, image: i }] } }";
const ONCE = "{ spec: { restartPolicy: Never, containers: [{ name: c, image: i }] } }";
const RULE = "{ operations: [CREATE], apiGroups: [no.such.group], apiVersions: [v1], resources: [pods] }";
const RULES = `[${RULE}]`;
const HOOK = `{ name: a.b.c, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Ignore, clientConfig: { url: 'https://127.0.0.1:1/x' }, rules: ${RULES} }`;
const SELECTOR = "selector: { matchLabels: { app: x } }";
const CSR = Buffer.from("-----BEGIN CERTIFICATE REQUEST-----\neA==\n-----END CERTIFICATE REQUEST-----\n").toString("base64");
const EVENT_TIME = '"2026-01-01T00:00:00.000000Z"';

/** By resource and version, as in a path: what stands beside kind, apiVersion and metadata. `NAME` is the object's name. */
const BODIES: Readonly<Record<string, string>> = {
  "apiregistration.k8s.io/v1/apiservices": "spec: { group: GROUP, version: v1, groupPriorityMinimum: 100, versionPriority: 100 }",
  "v1/configmaps": "data: { a: b }",
  "v1/endpoints": "subsets: [{ addresses: [{ ip: 10.1.2.3 }], ports: [{ port: 80 }] }]",
  "v1/events": "involvedObject: { kind: Pod, name: p, namespace: NAMESPACE }\nreason: r\nmessage: m\ntype: Normal",
  "v1/limitranges": "spec: { limits: [{ type: PersistentVolumeClaim, max: { storage: 8Gi } }] }",
  "v1/namespaces": "spec: {}",
  "v1/nodes": "spec: {}",
  "v1/persistentvolumeclaims": "spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }",
  "v1/persistentvolumes": "spec: { capacity: { storage: 1Gi }, accessModes: [ReadWriteMany], hostPath: { path: /x } }",
  "v1/pods": "spec: { containers: [{ name: c, image: i, resources: { limits: { cpu: '1' } }, ports: [{ containerPort: 80 }] }] }",
  "v1/podtemplates": `template: ${POD}`,
  "v1/replicationcontrollers": `spec: { replicas: 2, template: ${POD} }`,
  "v1/resourcequotas": "spec: { hard: { 'count/no.such': '9' } }",
  "v1/secrets": "data: { a: eA== }",
  "v1/serviceaccounts": "automountServiceAccountToken: false",
  "v1/services": "spec: { ports: [{ port: 80 }], selector: { app: x } }",
  "apps/v1/controllerrevisions": "revision: 1\ndata: { a: 1 }",
  "apps/v1/daemonsets": `spec: { ${SELECTOR}, template: ${POD} }`,
  "apps/v1/deployments": `spec: { ${SELECTOR}, template: ${POD} }`,
  "apps/v1/replicasets": `spec: { ${SELECTOR}, template: ${POD} }`,
  "apps/v1/statefulsets": `spec: { serviceName: s, ${SELECTOR}, template: ${POD} }`,
  "events.k8s.io/v1/events": `eventTime: ${EVENT_TIME}\naction: a\nreason: r\nnote: n\ntype: Normal\nregarding: { kind: Pod, name: p, namespace: NAMESPACE }\nreportingController: a.b/c\nreportingInstance: i`,
  "autoscaling/v1/horizontalpodautoscalers": "spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: m } }",
  "autoscaling/v2/horizontalpodautoscalers": "spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: m } }",
  "batch/v1/cronjobs": `spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: ${ONCE} } } }`,
  "batch/v1/jobs": `spec: { template: ${ONCE} }`,
  "certificates.k8s.io/v1/certificatesigningrequests": `spec: { request: ${CSR}, signerName: a.b/c, usages: [client auth] }`,
  "networking.k8s.io/v1/ingressclasses": "spec: { controller: a.b/c }",
  "networking.k8s.io/v1/ingresses": "spec: { defaultBackend: { service: { name: s, port: { number: 80 } } } }",
  "networking.k8s.io/v1/ipaddresses": "spec: { parentRef: { resource: services, namespace: x, name: y } }",
  "networking.k8s.io/v1/networkpolicies": "spec: { podSelector: { matchLabels: { app: x } } }",
  "networking.k8s.io/v1/servicecidrs": "spec: { cidrs: [10.200.0.0/16] }",
  "policy/v1/poddisruptionbudgets": `spec: { minAvailable: 1, ${SELECTOR} }`,
  "rbac.authorization.k8s.io/v1/clusterrolebindings": "roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: no-such }",
  "rbac.authorization.k8s.io/v1/clusterroles": "rules: [{ nonResourceURLs: [/x], verbs: [get] }]",
  "rbac.authorization.k8s.io/v1/rolebindings": "roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: no-such }",
  "rbac.authorization.k8s.io/v1/roles": "rules: [{ apiGroups: [''], resources: [pods], verbs: [get] }]",
  "resource.k8s.io/v1/deviceclasses": `spec: { selectors: [{ cel: { expression: 'device.driver == "a.b"' } }] }`,
  "resource.k8s.io/v1/resourceclaims": "spec: { devices: { requests: [{ name: r, exactly: { deviceClassName: m } }] } }",
  "resource.k8s.io/v1/resourceclaimtemplates": "spec: { spec: { devices: { requests: [{ name: r, exactly: { deviceClassName: m } }] } } }",
  "resource.k8s.io/v1/resourceslices":
    "spec: { driver: a.b, nodeName: n1, pool: { name: n1, resourceSliceCount: 1 }, devices: [{ name: d, attributes: { model: { string: x } }, capacity: { memory: { value: 1Gi } } }] }",
  "storage.k8s.io/v1/csidrivers": "spec: {}",
  "storage.k8s.io/v1/csinodes": "spec: { drivers: [{ name: a.b, nodeID: n1 }] }",
  "storage.k8s.io/v1/csistoragecapacities": "storageClassName: m\ncapacity: 1Gi",
  "storage.k8s.io/v1/storageclasses": "provisioner: a.b/c",
  "storage.k8s.io/v1/volumeattachments": "spec: { attacher: a.b, nodeName: n1, source: { persistentVolumeName: m } }",
  "storage.k8s.io/v1/volumeattributesclasses": "driverName: a.b\nparameters: { iops: '1' }",
  "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": `webhooks: [${HOOK}]`,
  "admissionregistration.k8s.io/v1/validatingwebhookconfigurations": `webhooks: [${HOOK}]`,
  "admissionregistration.k8s.io/v1/validatingadmissionpolicies": `spec: { matchConstraints: { resourceRules: ${RULES} }, validations: [{ expression: 'true' }] }`,
  "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings": "spec: { policyName: no-such, validationActions: [Audit] }",
  "scheduling.k8s.io/v1/priorityclasses": "value: 100",
  "coordination.k8s.io/v1/leases": "spec: { holderIdentity: h, leaseDurationSeconds: 10 }",
  "node.k8s.io/v1/runtimeclasses": "handler: runc",
  "discovery.k8s.io/v1/endpointslices": "addressType: IPv4\nendpoints: [{ addresses: [10.1.2.3] }]\nports: [{ port: 80 }]",
  "flowcontrol.apiserver.k8s.io/v1/flowschemas": "spec: { priorityLevelConfiguration: { name: m } }",
  "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations": "spec: { type: Limited, limited: { limitResponse: { type: Reject } } }",
};

import { parse } from "yaml";
import type { Kind } from "../../../../actors/kinds/kind.ts";
import { apiVersionOf } from "../../../../actors/kinds/kind.ts";

/** Names that must be of a certain form. */
const NAMES: Readonly<Record<string, (serial: number) => string>> = {
  apiservices: (serial) => `v1.f-${serial}.example.com`,
  ipaddresses: (serial) => `10.${100 + ((serial >> 16) & 0x3f)}.${(serial >> 8) & 0xff}.${serial & 0xff}`,
};

/** A name that no other object has. */
export function nameFor(kind: Pick<Kind, "plural">, serial: number): string {
  return NAMES[kind.plural]?.(serial) ?? `f-${serial}`;
}

/** Whether there is a sample of this kind. */
export function hasSample(kind: Kind): boolean {
  return Object.hasOwn(BODIES, keyOf(kind));
}

/** A new object that is accepted. */
export function sampleOf(kind: Kind, namespace: string, name: string): Record<string, unknown> {
  const body = BODIES[keyOf(kind)];
  if (body === undefined) throw new Error(`there is no sample of ${keyOf(kind)}`);
  const text = `apiVersion: ${apiVersionOf(kind)}\nkind: ${kind.kind}\n${META}\n${body}\n`;
  return parse(
    text
      .replaceAll("NAMESPACE", namespace)
      .replaceAll("NAME", name)
      .replaceAll("GROUP", name.slice(name.indexOf(".") + 1)),
  ) as Record<string, unknown>;
}

function keyOf(kind: Kind): string {
  return `${apiVersionOf(kind)}/${kind.plural}`;
}
