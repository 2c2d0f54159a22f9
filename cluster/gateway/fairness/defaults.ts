import { everything, group, MANDATORY_LEVELS, MANDATORY_SCHEMAS } from "../../../actors/kinds/flowcontrol/mandatory.ts";
import type {
  FlowSchema,
  FlowSchemaSpec,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
} from "../../../actors/kinds/generated/types.ts";

/**
 * The flows and levels that every Kubernetes cluster has, but for those of which the one is about kubelets' leases alone. Source: apiserver's
 * pkg/apis/flowcontrol/bootstrap/default.go.
 */

/** Filled in by the registry. */
const NEW = { uid: "", creationTimestamp: "" };
/** They are kept as the server wants them only where nobody says otherwise. */
const ANNOTATIONS = { "apf.kubernetes.io/autoupdate-spec": "true" };

function level(name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration {
  return { metadata: { name, annotations: ANNOTATIONS, ...NEW }, spec };
}

function queued(shares: number, lendable_percent: number, queues: number, hand: number): PriorityLevelConfigurationSpec {
  const queuing = { queues, handSize: hand, queueLengthLimit: 50 };
  const limitResponse = { type: "Queue", queuing };
  return { type: "Limited", limited: { nominalConcurrencyShares: shares, lendablePercent: lendable_percent, limitResponse } };
}

export const DEFAULT_LEVELS: readonly PriorityLevelConfiguration[] = [
  ...Object.entries(MANDATORY_LEVELS).map(([name, spec]) => level(name, spec)),
  level("system", queued(30, 33, 64, 6)),
  level("node-high", queued(40, 25, 64, 6)),
  level("leader-election", queued(10, 0, 16, 4)),
  level("workload-high", queued(40, 50, 128, 6)),
  level("workload-low", queued(100, 90, 128, 6)),
  level("global-default", queued(20, 50, 128, 6)),
];

type Rules = NonNullable<FlowSchemaSpec["rules"]>;
type Subjects = Rules[number]["subjects"];

const USER = (name: string): Subjects[number] => ({ kind: "User", user: { name } });
const ACCOUNT = (namespace: string, name: string): Subjects[number] => ({ kind: "ServiceAccount", serviceAccount: { namespace, name } });
const EVERYBODY: Subjects = [group("system:unauthenticated"), group("system:authenticated")];

function schema(name: string, level: string, precedence: number, by: "ByUser" | "ByNamespace" | undefined, ...rules: Rules): FlowSchema {
  const distinguisherMethod = by === undefined ? {} : { distinguisherMethod: { type: by } };
  const spec: FlowSchemaSpec = {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: precedence,
    ...distinguisherMethod,
    rules,
  };
  return { metadata: { name, annotations: ANNOTATIONS, ...NEW }, spec };
}

const LEASES = { verbs: ["get", "create", "update"], apiGroups: ["coordination.k8s.io"], resources: ["leases"], namespaces: ["*"] };
const ENDPOINTS = { verbs: ["get", "create", "update"], apiGroups: [""], resources: ["endpoints"], namespaces: ["*"] };

export const DEFAULT_SCHEMAS: readonly FlowSchema[] = [
  ...Object.entries(MANDATORY_SCHEMAS).map(([name, spec]) => ({ metadata: { name, annotations: ANNOTATIONS, ...NEW }, spec })),
  schema("probes", "exempt", 2, undefined, {
    subjects: EVERYBODY,
    nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
  }),
  schema("system-leader-election", "leader-election", 100, "ByUser", {
    subjects: [USER("system:kube-controller-manager"), USER("system:kube-scheduler"), ACCOUNT("kube-system", "*")],
    resourceRules: [LEASES],
  }),
  schema("endpoint-controller", "workload-high", 150, "ByUser", {
    subjects: [USER("system:kube-controller-manager"), ACCOUNT("kube-system", "endpoint-controller")],
    resourceRules: [ENDPOINTS],
  }),
  schema("workload-leader-election", "leader-election", 200, "ByUser", {
    subjects: [ACCOUNT("kube-system", "*")],
    resourceRules: [LEASES],
  }),
  schema("system-node-high", "node-high", 400, "ByUser", {
    subjects: [group("system:nodes")],
    resourceRules: [
      { verbs: ["*"], apiGroups: [""], resources: ["nodes", "nodes/status"], clusterScope: true, namespaces: ["*"] },
      { verbs: ["*"], apiGroups: ["coordination.k8s.io"], resources: ["leases"], namespaces: ["*"] },
    ],
  }),
  schema("system-nodes", "system", 500, "ByUser", everything([group("system:nodes")])),
  schema("kube-controller-manager", "workload-high", 800, "ByNamespace", everything([USER("system:kube-controller-manager")])),
  schema("kube-scheduler", "workload-high", 800, "ByNamespace", everything([USER("system:kube-scheduler")])),
  schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", everything([ACCOUNT("kube-system", "*")])),
  schema("service-accounts", "workload-low", 9_000, "ByUser", everything([group("system:serviceaccounts")])),
  schema("global-default", "global-default", 9_900, "ByUser", everything(EVERYBODY)),
];
