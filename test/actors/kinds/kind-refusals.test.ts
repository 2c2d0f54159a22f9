/**
 * What the kinds beside workloads refuse, in Kubernetes' words and order, as `field: message`. Source: the validation.go of each group, and
 * the strategies of pkg/registry, of 1.34.
 */
import { describe, expect, test } from "vitest";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { shape } from "../../../actors/kinds/machinery/shape.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { errorsInNew, errorsInUpdate } from "../../../actors/kinds/object-rules.ts";
import type { FieldError } from "../../../actors/kinds/status.ts";

function kindOf(resource: string): Kind {
  const [plural, group] = [resource.split(".")[0], resource.split(".").slice(1).join(".")];
  const kind = BUILT_IN_KINDS.find((one) => one.plural === plural && one.stored === undefined && (group === "" || one.group === group));
  if (kind === undefined) throw new Error(`no kind of ${resource}`);
  return kind;
}

function object(kind: Kind, sent: object): KubeObject {
  const namespace = kind.namespaced ? { namespace: "ns" } : {};
  const own = { name: "m", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z", ...namespace };
  const body = structuredClone({ ...sent, metadata: { ...own, ...(sent as { metadata?: object }).metadata } });
  const shaped = shape(kind.schema, body).object as unknown as KubeObject;
  kind.applyDefaults?.(shaped);
  return shaped;
}

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

const STANDARD = "name is neither a standard finalizer name nor is it fully qualified";
const REQUEST = Buffer.from("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n").toString("base64");
const SIGNING = { request: REQUEST, signerName: "example.com/x", usages: ["client auth"] };
const CAPACITY = { metadata: { name: "m" }, storageClassName: "s" };

describe("new objects", () => {
  test.each<[resource: string, sent: object, errors: string[]]>([
    ["configmaps", { metadata: { finalizers: ["x"] } }, [`metadata.finalizers[0]: Invalid value: "x": ${STANDARD}`]],
    ["leases", { metadata: { finalizers: ["x"] } }, []],
    [
      "configmaps",
      { metadata: { labels: { a: "b".repeat(64) } } },
      [`metadata.labels: Invalid value: "${"b".repeat(64)}": must be no more than 63 characters`],
    ],
    [
      "csidrivers",
      { metadata: { name: "Driver" }, spec: {} },
      [expect.stringContaining('metadata.name: Invalid value: "Driver": a lowercase RFC 1123 subdomain')],
    ],
    [
      "volumeattachments",
      { spec: { attacher: "", nodeName: "n", source: { persistentVolumeName: "_" } } },
      [
        "spec.attacher: Required value",
        "spec.attacher: Required value",
        expect.stringContaining('spec.attacher: Invalid value: ""'),
        expect.stringContaining('spec.source.persistentVolumeName: Invalid value: "_": a lowercase RFC 1123 subdomain'),
      ],
    ],
    [
      "endpointslices",
      {
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.0.0.1"], deprecatedTopology: { "topology.kubernetes.io/zone": "a" } }],
        ports: [],
      },
      ["endpoints[0].deprecatedTopology[topology.kubernetes.io/zone]: Internal error: reserved key was not removed in conversion"],
    ],
    [
      "networkpolicies",
      {
        spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "010.000.0.0/08", except: ["10.1.0.0/016", "11.0.0.0/16"] } }] }] },
      },
      ['spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
    ],
    [
      "servicecidrs",
      { spec: { cidrs: ["010.0.0.0/8"] } },
      ['spec.cidrs[0]: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length'],
    ],
    [
      "servicecidrs",
      { spec: { cidrs: ["::ffff:10.0.0.0/104"] } },
      ['spec.cidrs[0]: Invalid value: "::ffff:10.0.0.0/104": must not have an IPv4-mapped IPv6 address'],
    ],
    [
      "prioritylevelconfigurations",
      {
        metadata: { name: "catch-all" },
        spec: { type: "Limited", limited: { nominalConcurrencyShares: 6, limitResponse: { type: "Reject" } } },
      },
      [expect.stringMatching(/^spec: Invalid value: \{"Type":"Limited",.*\}: spec of 'catch-all' must equal the fixed value$/)],
    ],
    ["prioritylevelconfigurations", { metadata: { name: "exempt" }, spec: { type: "Exempt", exempt: { lendablePercent: 5 } } }, []],
    [
      "flowschemas",
      { metadata: { name: "exempt" }, spec: { priorityLevelConfiguration: { name: "exempt" }, matchingPrecedence: 1 } },
      [
        'spec: Invalid value: {"PriorityLevelConfiguration":{"Name":"exempt"},"MatchingPrecedence":1,"DistinguisherMethod":null,"Rules":null}: spec of \'exempt\' must equal the fixed value',
      ],
    ],
    [
      "persistentvolumes",
      {
        metadata: { annotations: { "volume.beta.kubernetes.io/mount-options": "ro" } },
        spec: {
          capacity: { storage: "1" },
          accessModes: ["ReadWriteOnce"],
          hostPath: { path: "/" },
          persistentVolumeReclaimPolicy: "Recycle",
        },
      },
      [
        "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
        "metadata.annotations.volume.beta.kubernetes.io/mount-options: Forbidden: may not specify mount options for this volume type",
      ],
    ],
    [
      "validatingwebhookconfigurations",
      { webhooks: [{ name: "a.b.c", clientConfig: { url: "https://a" }, admissionReviewVersions: ["v1"] }] },
      ["webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun"],
    ],
    [
      "leases",
      { spec: { strategy: "Nope", preferredHolder: "" } },
      ['spec.strategy.strategy: Unsupported value: "Nope": supported values: "OldestEmulationVersion"'],
    ],
    ["leases", { spec: { preferredHolder: "a" } }, ["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"]],
    [
      "secrets",
      { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": Buffer.from("[]").toString("base64") } },
      [
        'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}',
      ],
    ],
    ["configmaps", { data: { "": "x" } }, [expect.stringMatching(/^data\[\]: Invalid value: ""/)]],
    ["secrets", { data: { "": "eA==" } }, [expect.stringMatching(/^data\[\]: Invalid value: ""/)]],
    ["secrets", { type: "kubernetes.io/ssh-auth", data: {} }, ["data[ssh-privatekey]: Required value"]],
    ["secrets", { type: "kubernetes.io/tls", data: { "tls.crt": "" } }, ["data[tls.key]: Required value"]],
    ["namespaces", { spec: { finalizers: ["x"] } }, [`spec.finalizers: Invalid value: "x": ${STANDARD}`]],
    [
      "nodes",
      {
        spec: {
          taints: [
            { key: "a", effect: "NoSchedule" },
            { key: "a", effect: "NoSchedule" },
          ],
          podCIDRs: ["10.0.0.0/24", "10.0.1.0/24"],
        },
        status: { capacity: { pods: "1500m" } },
      },
      [
        'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
        'status.capacity.pods: Invalid value: "1500m": must be an integer',
        'status.allocatable.pods: Invalid value: "1500m": must be an integer',
        'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family',
      ],
    ],
    [
      "resourcequotas",
      {
        spec: {
          hard: { "requests.storage": "1Gi" },
          scopeSelector: { matchExpressions: [{ scopeName: "BestEffort", operator: "In" }] },
        },
      },
      [
        'spec.scopeSelector.matchExpressions: Invalid value: {"MatchExpressions":[{"ScopeName":"BestEffort","Operator":"In","Values":null}]}: unsupported scope applied to resource',
        "spec.scopeSelector.matchExpressions.operator: Invalid value: \"In\": must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
    [
      "limitranges",
      { spec: { limits: [{ type: "X" }] } },
      ['spec.limits[0].type: Invalid value: "X": must be a standard limit type or fully qualified'],
    ],
    [
      "storageclasses",
      { provisioner: "p", allowedTopologies: [{}, { matchLabelExpressions: [{ key: "z", values: ["a", "a"] }] }] },
      [
        'allowedTopologies[0].matchLabelExpressions: Duplicate value: ""',
        'allowedTopologies[0].matchLabelExpressions: Duplicate value: ""',
        'allowedTopologies[1].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
      ],
    ],
    [
      "csidrivers",
      { spec: { volumeLifecycleModes: ["X"] } },
      ['spec.volumeLifecycleModes: Unsupported value: "X": supported values: "Persistent", "Ephemeral"'],
    ],
    [
      "csinodes",
      {
        spec: {
          drivers: [
            { name: "d", nodeID: "n", topologyKeys: ["k", "k"] },
            { name: "d", nodeID: "n" },
          ],
        },
      },
      ['spec.drivers[0]: Duplicate value: "k"', 'spec.drivers[1].name: Duplicate value: "d"'],
    ],
    ["csistoragecapacities", { ...CAPACITY, maximumVolumeSize: "-1" }, []],
    [
      "volumeattachments",
      { spec: { attacher: "a", nodeName: "n", source: { persistentVolumeName: "v", inlineVolumeSpec: {} } } },
      ["spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName"],
    ],
    [
      "volumeattributesclasses",
      { driverName: "" },
      ["driverName: Required value", "parameters: Required value: must contain at least one key/value pair"],
    ],
    [
      "persistentvolumes",
      { spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], local: { path: "/x" }, volumeAttributesClassName: "" } },
      [
        "spec.nodeAffinity: Required value: Local volume requires node affinity",
        "spec.volumeAttributesClassName: Required value: an empty string is disallowed",
        "spec.csi: Required value: has to be specified when using volumeAttributesClassName",
      ],
    ],
    [
      "priorityclasses",
      { metadata: { name: "system-node-critical" }, value: 1, preemptionPolicy: "X" },
      [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000",
        'preemptionPolicy: Unsupported value: "X": supported values: "PreemptLowerPriority", "Never"',
      ],
    ],
    [
      "runtimeclasses",
      {
        handler: "h",
        overhead: { podFixed: { nope: "1" } },
        scheduling: { tolerations: [{ key: "a", operator: "Sometimes" }] },
      },
      [
        'overhead.limits[nope]: Invalid value: "nope": must be a standard resource type or fully qualified',
        'overhead.limits[nope]: Invalid value: "nope": must be a standard resource for containers',
        'scheduling.tolerations.tolerations[0].operator: Unsupported value: "Sometimes": supported values: "Equal", "Exists"',
      ],
    ],
    [
      "ingressclasses",
      { spec: { controller: "X/y", parameters: { kind: "K", name: "n", namespace: "ns" } } },
      [
        expect.stringMatching(/^spec\.controller: Invalid value: "X": a lowercase RFC 1123 subdomain/) as unknown as string,
        "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
      ],
    ],
    [
      "ipaddresses",
      { metadata: { name: "010.0.0.1" }, spec: { parentRef: { name: "n" } } },
      ['metadata.name: Invalid value: "010.0.0.1": must not have leading 0s', "spec.parentRef.resource: Required value"],
    ],
    [
      "servicecidrs",
      { spec: { cidrs: ["10.0.0.1/24", "fd00:0::/64"] } },
      [
        'spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length',
        'spec.cidrs[1]: Invalid value: "fd00:0::/64": must be in canonical form ("fd00::/64")',
      ],
    ],
    [
      "flowschemas",
      {
        spec: {
          priorityLevelConfiguration: { name: "p" },
          distinguisherMethod: { type: "X" },
          rules: [
            {
              subjects: [{ kind: "User", user: { name: "u" }, group: { name: "g" } }],
              nonResourceRules: [{ verbs: ["get", "*"], nonResourceURLs: ["/a*"] }],
            },
          ],
        },
      },
      [
        'spec.distinguisherMethod.type: Unsupported value: {"Type":"X"}: supported values: "ByNamespace", "ByUser"',
        "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
        'spec.rules[0].nonResourceRules[0].verbs: Invalid value: ["get","*"]: if \'*\' is present, must not specify other verbs',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching',
      ],
    ],
    [
      "prioritylevelconfigurations",
      {
        spec: {
          type: "Limited",
          limited: { lendablePercent: 101, limitResponse: { type: "Queue", queuing: { queues: 512, handSize: 8 } } },
        },
      },
      [
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60",
        "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
      ],
    ],
    [
      "certificatesigningrequests",
      { spec: { ...SIGNING, request: "", signerName: "a/x", usages: ["x"] } },
      [
        "spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST",
        expect.stringMatching(/^spec\.usages\[0\]: Unsupported value: "x": supported values: "any", "cert sign"/) as unknown as string,
        'spec.signerName: Invalid value: "a": should be a domain with at least two segments separated by dots',
      ],
    ],
    [
      "events",
      { involvedObject: { namespace: "ns" }, eventTime: "2026-01-01T00:00:00Z", reportingComponent: "c", action: "a", reason: "r" },
      ["reportingInstance: Required value"],
    ],
    ["events", { involvedObject: {} }, ['involvedObject.namespace: Invalid value: "": does not match event.namespace']],
    [
      "horizontalpodautoscalers",
      { spec: { maxReplicas: 1, minReplicas: 0, scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "v1" } } },
      [
        "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
        'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
        "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas",
      ],
    ],
    [
      "apiservices",
      { metadata: { name: "v1.x" }, spec: { group: "x", version: "v1", groupPriorityMinimum: 1, versionPriority: 1, caBundle: "AAAA" } },
      ['spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle'],
    ],
    [
      "validatingwebhookconfigurations",
      {
        webhooks: [
          {
            name: "a.b.c",
            sideEffects: "Some",
            admissionReviewVersions: ["v1"],
            clientConfig: { service: { namespace: "", name: "s", path: "/a//b" } },
            rules: [{ operations: ["CREATE"], apiGroups: ["", "*"], apiVersions: ["v1"], resources: ["*", "pods"] }],
          },
        ],
      },
      [
        'webhooks[0].rules[0].apiGroups: Invalid value: ["","*"]: if \'*\' is present, must not specify other API groups',
        'webhooks[0].rules[0].resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources without subresources',
        'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
        "webhooks[0].clientConfig.service.name: Required value",
        'webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty',
      ],
    ],
    [
      "validatingadmissionpolicybindings",
      { spec: { policyName: "P", validationActions: ["Deny", "Deny"], paramRef: { name: "a/b", parameterNotFoundAction: "Deny" } } },
      [
        expect.stringMatching(/^spec\.policyName: Invalid value: "P": a lowercase RFC 1123 subdomain/) as unknown as string,
        `spec.paramRef.name: Invalid value: "a/b": may not contain '/'`,
        'spec.validationActions[1]: Duplicate value: "Deny"',
      ],
    ],
  ])("%s of %j", (resource, sent, errors) => {
    const kind = kindOf(resource);
    expect(printed(errorsInNew(kind, object(kind, sent)))).toEqual(errors);
  });
});

describe("updates", () => {
  const LABEL = /^metadata\.labels: Invalid value: "-": a valid label must be an empty string/;

  // What is wrong with metadata is found by the rules of all objects, twice, and again by those of the kind.
  test.each<[resource: string, sent: object, times: number]>([
    ["configmaps", {}, 4],
    ["secrets", {}, 4],
    ["serviceaccounts", {}, 4],
    ["limitranges", {}, 3],
    ["leases", {}, 3],
    ["roles", {}, 5],
    ["priorityclasses", { value: 1 }, 3],
    ["namespaces", {}, 4],
  ])("a label of %s", (resource, sent, times) => {
    const kind = kindOf(resource);
    const errors = printed(errorsInUpdate(kind, object(kind, { ...sent, metadata: { labels: { a: "-" } } }), object(kind, sent)));
    expect(errors).toEqual(Array.from({ length: times }, () => expect.stringMatching(LABEL) as unknown));
  });

  test.each<[resource: string, before: object, after: object, errors: string[]]>([
    [
      "csidrivers",
      { spec: { fsGroupPolicy: "File" } },
      { spec: { fsGroupPolicy: "None", attachRequired: false } },
      ["spec.attachedRequired: Invalid value: false: field is immutable"],
    ],
    [
      "csinodes",
      { spec: { drivers: [{ name: "d", nodeID: "n" }] } },
      { spec: { drivers: [{ name: "d", nodeID: "o", topologyKeys: null }] } },
      ['spec.drivers: Invalid value: {"Name":"d","NodeID":"o","TopologyKeys":null,"Allocatable":null}: field is immutable'],
    ],
    [
      "servicecidrs",
      { spec: { cidrs: ["10.0.0.0/24"] } },
      { spec: { cidrs: ["10.0.1.0/24"] } },
      ['spec.cidrs[0]: Invalid value: "10.0.1.0/24": field is immutable'],
    ],
    ["servicecidrs", { spec: { cidrs: ["10.0.0.0/24"] } }, { spec: { cidrs: ["10.0.0.0/24", "fd00::/64"] } }, []],
    [
      "nodes",
      { spec: { podCIDR: "10.0.0.0/24" } },
      { spec: { podCIDR: "10.0.1.0/24", externalID: "x" } },
      [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
        "spec.externalID: Forbidden: may not be updated",
      ],
    ],
    ["priorityclasses", { value: 1 }, { value: 2 }, ["value: Forbidden: may not be changed in an update."]],
    [
      "horizontalpodautoscalers",
      { spec: { maxReplicas: 1, scaleTargetRef: { kind: "Deployment", name: "d" } } },
      { spec: { maxReplicas: 2, scaleTargetRef: { kind: "Deployment", name: "d" } } },
      [],
    ],
    ["resourcequotas", { spec: { scopes: ["BestEffort"] } }, { spec: {} }, ["spec.scopes: Invalid value: null: field is immutable"]],
  ])("%s from %j to %j", (resource, before, after, errors) => {
    const kind = kindOf(resource);
    expect(printed(errorsInUpdate(kind, object(kind, after), object(kind, before)))).toEqual(errors);
  });

  test.each<[resource: string, spec: object, before: object, after: object, errors: string[]]>([
    [
      "pods",
      { restartPolicy: "OnFailure", containers: [{ name: "c", image: "i" }] },
      { qosClass: "BestEffort", containerStatuses: [{ name: "c", state: { terminated: { exitCode: 0 } } }] },
      {
        qosClass: "Burstable",
        nominatedNodeName: "",
        observedGeneration: -1,
        conditions: [{ type: "a b", status: "True" }],
        containerStatuses: [{ name: "c", state: { running: {} } }],
        podIPs: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }],
        hostIPs: [{ ip: "x" }],
      },
      [
        expect.stringMatching(/^status\.conditions\[0\]\.Type: Invalid value: "a b": name part must consist of/) as unknown as string,
        "status.observedGeneration: Invalid value: -1: must be a non-negative integer",
        'status.qosClass: Invalid value: "Burstable": field is immutable',
        "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state",
        'status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.2"}]: may specify no more than one IP for each IP family',
        'status.hostIPs[0].ip: Invalid value: "x": must be equal to `hostIP`',
        'status.hostIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    [
      "persistentvolumeclaims",
      {},
      {},
      { capacity: { storage: "-1" }, allocatedResourceStatuses: { cpu: "X" }, allocatedResources: { "example.com/x": "-1" } },
      [
        "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
        'status.allocatedResourceStatuses: Unsupported value: "cpu": supported values: "storage"',
        'status.allocatedResourceStatuses: Unsupported value: "cpu": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
        "status.allocatedResources[example.com/x]: Invalid value: -1: must be a valid resource quantity",
      ],
    ],
    ["flowschemas", {}, {}, { conditions: [{ type: "A" }, { type: "A" }] }, ['status.conditions[1].type: Duplicate value: "A"']],
    [
      "nodes",
      {},
      {},
      {
        addresses: [
          { type: "Hostname", address: "a" },
          { type: "Hostname", address: "a" },
        ],
      },
      ['status.addresses[1]: Duplicate value: {"Type":"Hostname","Address":"a"}'],
    ],
  ])("the status of %s", (resource, spec, before, after, errors) => {
    const kind = kindOf(resource);
    const of = (status: object): KubeObject => object(kind, { spec, status });
    expect(printed(kind.validateStatus?.(of(after), of(before)) ?? [])).toEqual(errors);
  });

  test("a namespace that stays is active", () => {
    const kind = kindOf("namespaces");
    const next = { ...object(kind, {}), status: { phase: "Terminating" } } as KubeObject;
    expect(printed(kind.validateStatus?.(next, object(kind, {})) ?? [])).toEqual([
      "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
    ]);
  });

  test("who approves a request decides once, and who issues does not approve", () => {
    const kind = kindOf("certificatesigningrequests");
    const of = (...types: string[]): KubeObject =>
      object(kind, { spec: SIGNING, status: { conditions: types.map((type) => ({ type, status: "True" })) } });
    expect(printed(kind.validateApproval?.(of("Approved", "Denied"), of()) ?? [])).toEqual([
      'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ]);
    expect(printed(kind.validateApproval?.(of(), of("Approved")) ?? [])).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ]);
    expect(printed(kind.validateStatus?.(of("Approved"), of()) ?? [])).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ]);
  });
});
