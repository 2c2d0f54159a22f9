import { configData, MACHINE_CONFIG, type MachineConfig } from "../kubelet/machine-config.ts";
import { KUBELET_CLIENT } from "../pki/certificates.ts";
import { kubeconfigOfCluster } from "../pki/kubeconfig.ts";

/** The group of tokens to join by: who shows one may become a node. */
export const NODE_TOKEN_GROUP = "system:bootstrappers:kubeadm:default-node-token";

export const CLUSTER_INFO_PATH = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

/** An object, and where it is made. */
export interface Placed {
  readonly path: string;
  readonly object: object;
}

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const RBAC_GROUP = "rbac.authorization.k8s.io";
const CSR_GROUP = "certificates.k8s.io";
/** All nodes. */
const NODES = group("system:nodes");

function group(name: string): object {
  return { kind: "Group", apiGroup: RBAC_GROUP, name };
}

function clusterRole(name: string, rules: readonly object[]): Placed {
  return { path: `${RBAC}/clusterroles`, object: { metadata: { name }, rules } };
}

function clusterBinding(name: string, role: string, subject: object): Placed {
  const roleRef = { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: role };
  return { path: `${RBAC}/clusterrolebindings`, object: { metadata: { name }, roleRef, subjects: [subject] } };
}

/** What machines have to know of the cluster: nodes may read it, and nobody else. Source: kubeadm's kubelet-config. */
function machineConfigObjects(config: MachineConfig): readonly Placed[] {
  const { namespace, name } = MACHINE_CONFIG;
  const rbac = `${RBAC}/namespaces/${namespace}`;
  return [
    { path: `/api/v1/namespaces/${namespace}/configmaps`, object: { metadata: { name }, data: configData(config) } },
    {
      path: `${rbac}/roles`,
      object: { metadata: { name }, rules: [{ verbs: ["get"], apiGroups: [""], resources: ["configmaps"], resourceNames: [name] }] },
    },
    {
      path: `${rbac}/rolebindings`,
      object: { metadata: { name }, roleRef: { apiGroup: RBAC_GROUP, kind: "Role", name }, subjects: [NODES] },
    },
  ];
}

/**
 * What a cluster has that others may join: its description, which everybody may read, what those may do who have a token, and what nodes may beside what all nodes of
 * Kubernetes may. Names and rules are kubeadm's where they are not Troupe's. Source: cmd/kubeadm/app/phases/bootstraptoken of Kubernetes 1.34.
 */
export function joiningObjects(server: string, authority: string, config: MachineConfig): readonly Placed[] {
  const publicRbac = `${RBAC}/namespaces/kube-public`;
  const infoRole = "kubeadm:bootstrap-signer-clusterinfo";
  return [
    {
      path: "/api/v1/namespaces/kube-public/configmaps",
      object: { metadata: { name: "cluster-info" }, data: { kubeconfig: kubeconfigOfCluster(server, authority) } },
    },
    {
      path: `${publicRbac}/roles`,
      object: {
        metadata: { name: infoRole },
        rules: [{ verbs: ["get"], apiGroups: [""], resources: ["configmaps"], resourceNames: ["cluster-info"] }],
      },
    },
    {
      path: `${publicRbac}/rolebindings`,
      object: {
        metadata: { name: infoRole },
        roleRef: { apiGroup: RBAC_GROUP, kind: "Role", name: infoRole },
        subjects: [{ kind: "User", apiGroup: RBAC_GROUP, name: "system:anonymous" }],
      },
    },
    clusterBinding("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", group(NODE_TOKEN_GROUP)),
    clusterBinding(
      "kubeadm:node-autoapprove-bootstrap",
      "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
      group(NODE_TOKEN_GROUP),
    ),
    clusterBinding(
      "kubeadm:node-autoapprove-certificate-rotation",
      "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
      NODES,
    ),
    clusterRole("troupe:node-serving", [
      { verbs: ["create"], apiGroups: [CSR_GROUP], resources: ["certificatesigningrequests/selfnodeserver"] },
    ]),
    clusterBinding("troupe:node-serving", "troupe:node-serving", NODES),
    clusterRole("troupe:node-services", [
      { verbs: ["list", "watch"], apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"] },
      // Where the other machines are, whose pods are behind services.
      { verbs: ["list", "watch"], apiGroups: [""], resources: ["namespaces", "nodes"] },
    ]),
    clusterBinding("troupe:node-services", "troupe:node-services", NODES),
    clusterBinding("troupe:kubelet-api", "system:kubelet-api-admin", { kind: "User", apiGroup: RBAC_GROUP, name: KUBELET_CLIENT }),
    ...machineConfigObjects(config),
    clusterRole("kubeadm:get-nodes", [{ verbs: ["get"], apiGroups: [""], resources: ["nodes"] }]),
    clusterBinding("kubeadm:get-nodes", "kubeadm:get-nodes", group(NODE_TOKEN_GROUP)),
    clusterRole("troupe:nats-client", [{ verbs: ["post"], nonResourceURLs: ["/troupe/nats-credentials"] }]),
    clusterBinding("troupe:nats-clients", "troupe:nats-client", group("system:authenticated")),
  ];
}
