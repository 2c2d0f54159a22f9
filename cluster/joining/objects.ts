import { kubeconfigOfCluster } from "../pki/kubeconfig.ts";

/** Whoever is bound to it may be part of the cluster: a host of it, which is trusted like all others. */
export const MEMBER_ROLE = "troupe:member";
/** The groups that tokens to join by have: those of kubeadm's, who may become nodes, and those who may become members too. */
export const NODE_TOKEN_GROUP = "system:bootstrappers:kubeadm:default-node-token";
export const MEMBER_TOKEN_GROUP = "system:bootstrappers:troupe:members";

export const CLUSTER_INFO_PATH = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

/** An object, and where it is made. */
export interface Placed {
  readonly path: string;
  readonly object: object;
}

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const RBAC_GROUP = "rbac.authorization.k8s.io";

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

/**
 * What a cluster has that others may join: its description, which everybody may read, and what those may do who have a token. Names and rules are kubeadm's, but
 * for members and clients of NATS. Source: cmd/kubeadm/app/phases/bootstraptoken of Kubernetes 1.34.
 */
export function joiningObjects(server: string, authority: string): readonly Placed[] {
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
      group("system:nodes"),
    ),
    clusterRole("kubeadm:get-nodes", [{ verbs: ["get"], apiGroups: [""], resources: ["nodes"] }]),
    clusterBinding("kubeadm:get-nodes", "kubeadm:get-nodes", group(NODE_TOKEN_GROUP)),
    clusterRole(MEMBER_ROLE, [{ verbs: ["post"], nonResourceURLs: ["/troupe/member-credentials"] }]),
    clusterBinding("troupe:member-tokens", MEMBER_ROLE, group(MEMBER_TOKEN_GROUP)),
    clusterRole("troupe:nats-client", [{ verbs: ["post"], nonResourceURLs: ["/troupe/nats-credentials"] }]),
    clusterBinding("troupe:nats-clients", "troupe:nats-client", group("system:authenticated")),
  ];
}
