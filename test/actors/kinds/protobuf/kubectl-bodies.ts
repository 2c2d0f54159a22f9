/**
 * Bodies as kubectl 1.35.2 sent them, in base64, each beside the JSON that the same command prints with `--dry-run=client -o json`.
 * `create token` prints no JSON; its options are those of its flags.
 */
export const KUBECTL_BODIES: readonly { readonly command: string; readonly body: string; readonly json: object }[] = [
  {
    command: "create deployment web --image=nginx --replicas=2 --port=80",
    body: "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErgBCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEoYBCAISDAoKCgNhcHASA3dlYhpsChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEkwSLgoFbmdpbngSBW5naW54KgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA=",
    json: {
      kind: "Deployment",
      apiVersion: "apps/v1",
      metadata: { name: "web", labels: { app: "web" } },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "nginx", image: "nginx", ports: [{ containerPort: 80 }], resources: {} }] },
        },
        strategy: {},
      },
      status: {},
    },
  },
  {
    command: "create namespace a",
    body: "azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhkKEQoBYRIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA==",
    json: { kind: "Namespace", apiVersion: "v1", metadata: { name: "a" }, spec: {}, status: {} },
  },
  {
    command: "create configmap c --from-literal=a=b",
    body: "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEhsKEQoBYxIAGgAiACoAMgA4AEIAEgYKAWESAWIaACIA",
    json: { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "c" }, data: { a: "b" } },
  },
  {
    command: "create secret generic s --from-literal=a=b",
    body: "azhzAAoMCgJ2MRIGU2VjcmV0Eh0KEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESAWIaABoAIgA=",
    json: { kind: "Secret", apiVersion: "v1", metadata: { name: "s" }, data: { a: "Yg==" } },
  },
  {
    command: "create service clusterip web --tcp=80:8080",
    body: "azhzAAoNCgJ2MRIHU2VydmljZRJpCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEkIKGwoHODAtODA4MBIDVENQGFAiBwgAEJA/GgAoABIKCgNhcHASA3dlYhoAIglDbHVzdGVySVA6AEIAUgBaAGAAaAAaAgoAGgAiAA==",
    json: {
      kind: "Service",
      apiVersion: "v1",
      metadata: { name: "web", labels: { app: "web" } },
      spec: { ports: [{ name: "80-8080", protocol: "TCP", port: 80, targetPort: 8080 }], selector: { app: "web" }, type: "ClusterIP" },
      status: { loadBalancer: {} },
    },
  },
  {
    command: "create poddisruptionbudget b --selector=app=x --min-available=50%",
    body: "azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSOAoRCgFiEgAaACIAKgAyADgAQgASFwoJCAEQABoDNTAlEgoKCAoDYXBwEgF4GgoIABgAIAAoADAAGgAiAA==",
    json: {
      kind: "PodDisruptionBudget",
      apiVersion: "policy/v1",
      metadata: { name: "b" },
      spec: { minAvailable: "50%", selector: { matchLabels: { app: "x" } } },
      status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
    },
  },
  {
    command: "create priorityclass high --value=1000",
    body: "azhzAAolChRzY2hlZHVsaW5nLms4cy5pby92MRINUHJpb3JpdHlDbGFzcxIzChQKBGhpZ2gSABoAIgAqADIAOABCABDoBxgAIgAqFFByZWVtcHRMb3dlclByaW9yaXR5GgAiAA==",
    json: {
      kind: "PriorityClass",
      apiVersion: "scheduling.k8s.io/v1",
      metadata: { name: "high" },
      value: 1000,
      preemptionPolicy: "PreemptLowerPriority",
    },
  },
  {
    command: "create token x --duration=1h",
    body: "azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBIdChAKABIAGgAiACoAMgA4AEIAEgMgkBwaBAoAEgAaACIA",
    json: {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: {},
      spec: { expirationSeconds: 3600 },
      status: { token: "", expirationTimestamp: null },
    },
  },
];
