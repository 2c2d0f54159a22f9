import { encodeObject, type ObjectText } from "../actors/kinds/text.ts";

const MADE = "2026-01-01T00:00:00Z";
const TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The stored text of a Deployment's pod as it stands in a cluster: defaulted spec, tolerations, a projected token, a status with conditions. */
export function podText(name: string, namespace: string, uid: string, phase: "Pending" | "Running", i: number): ObjectText {
  const hash = (i % 1_000).toString(36).padStart(9, "7");
  const token = `kube-api-access-${hash.slice(-5)}`;
  const running = phase === "Running";
  const ip = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
  const condition = (type: string): object => ({ type, status: running ? "True" : "False", lastProbeTime: null, lastTransitionTime: MADE });
  const image = "registry.k8s.io/nginx:1.27";
  return encodeObject({
    metadata: {
      name,
      generateName: `web-${hash}-`,
      namespace,
      uid,
      creationTimestamp: MADE,
      labels: { app: "web", tier: `t${i % 7}`, "pod-template-hash": hash },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: `web-${hash}`,
          uid: `${hash}-5d1b-4c0e`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      volumes: [
        {
          name: token,
          projected: {
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
              { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
              { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
            ],
            defaultMode: 420,
          },
        },
      ],
      containers: [
        {
          name: "web",
          image,
          ports: [{ containerPort: 80, protocol: "TCP" }],
          resources: { limits: { memory: "128Mi" }, requests: { cpu: "100m", memory: "128Mi" } },
          volumeMounts: [{ name: token, readOnly: true, mountPath: TOKEN_PATH }],
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
          imagePullPolicy: "IfNotPresent",
        },
      ],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      serviceAccountName: "default",
      serviceAccount: "default",
      ...(running ? { nodeName: `node-${i % 5_000}` } : {}),
      securityContext: {},
      schedulerName: "default-scheduler",
      tolerations: [
        { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
        { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
      ],
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: "PreemptLowerPriority",
    },
    status: {
      phase,
      qosClass: "Burstable",
      ...(running
        ? {
            conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(condition),
            hostIP: `10.240.0.${i % 250}`,
            podIP: ip,
            podIPs: [{ ip }],
            startTime: MADE,
            containerStatuses: [
              {
                name: "web",
                state: { running: { startedAt: MADE } },
                lastState: {},
                ready: true,
                restartCount: 0,
                image,
                imageID: `${image}@sha256:${uid.replaceAll("-", "")}`,
                containerID: `hollow://${uid}`,
                started: true,
              },
            ],
          }
        : {}),
    },
  } as never);
}
