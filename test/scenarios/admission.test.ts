import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { patchAnswer, startWebhookServer, type WebhookServer } from "../cluster/outbound/webhook-server.ts";
import type { Kubectl } from "./kubectl.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** Webhooks, policies and levels of security of a running cluster: they hold for what kubectl asks and for what the cluster does by itself. */
let troupe: Troupe;
let kubectl: Kubectl;
let hooks: WebhookServer;
beforeAll(async () => {
  hooks = await startWebhookServer();
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "1"]);
  kubectl = troupe.kubectl;
});
afterAll(async () => {
  await troupe?.discard();
  await hooks?.stop();
});

function hook(path: string, more: object = {}): object {
  return {
    name: `${path.slice(1)}.example.com`,
    clientConfig: { url: hooks.url(path), caBundle: hooks.caBundle },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    timeoutSeconds: 1,
    ...more,
  };
}

async function configure(kind: "Mutating" | "Validating", ...webhooks: object[]): Promise<void> {
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: "test" },
    webhooks,
  };
  await kubectl.ok(["apply", "-f", "-"], { stdin: JSON.stringify(configuration) });
}

test("a webhook changes the pods that a ReplicaSet makes, and is asked again after another", async () => {
  const sidecar = { name: "sidecar", image: "proxy" };
  hooks.on("/count", ({ object }) =>
    patchAnswer([
      {
        op: "add",
        path: "/metadata/annotations",
        value: { ...object.metadata.annotations, containers: String(object.spec.containers.length) },
      },
    ]),
  );
  hooks.on("/sidecar", () => patchAnswer([{ op: "add", path: "/spec/containers/-", value: sidecar }]));
  await configure("Mutating", hook("/count", { reinvocationPolicy: "IfNeeded" }), hook("/sidecar"));
  await kubectl.ok(["create", "deployment", "web", "--image=web"]);
  await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=120s"]);
  const pods = JSON.parse(await kubectl.ok(["get", "pods", "-l", "app=web", "-o", "json"]));
  const [pod] = pods.items;
  expect(pod.spec.containers.map(({ name }: { name: string }) => name)).toEqual(["web", "sidecar"]);
  expect(pod.metadata.annotations.containers).toBe("2");
  await kubectl.ok(["delete", "deployment/web", "mutatingwebhookconfiguration/test"]);
});

test("a webhook is told which part of the house writes", async () => {
  hooks.on("/who", () => ({ allowed: true }));
  const rules = [
    { apiGroups: [""], apiVersions: ["v1"], resources: ["pods", "pods/binding", "pods/status"], operations: ["CREATE", "UPDATE"] },
    { apiGroups: ["apps"], apiVersions: ["v1"], resources: ["replicasets"], operations: ["CREATE"] },
  ];
  await configure("Validating", hook("/who", { rules }));
  await kubectl.ok(["create", "deployment", "who", "--image=who"]);
  await kubectl.ok(["rollout", "status", "deployment/who", "--timeout=120s"]);
  await kubectl.ok(["delete", "deployment/who", "validatingwebhookconfiguration/test"]);
  const asked = hooks.asked.get("/who") ?? [];
  const said = asked.map(({ operation, resource, subResource = "", userInfo }) =>
    [operation, resource.resource, subResource, userInfo.username, userInfo.groups[0]].join(" "),
  );
  const [node] = JSON.parse(await kubectl.ok(["get", "nodes", "-o", "json"])).items;
  const account = "system:serviceaccount:kube-system";
  expect(new Set(said)).toEqual(
    new Set([
      `CREATE replicasets  ${account}:deployment-controller system:serviceaccounts`,
      `CREATE pods  ${account}:replicaset-controller system:serviceaccounts`,
      "CREATE pods binding system:kube-scheduler system:authenticated",
      `UPDATE pods status system:node:${node.metadata.name} system:nodes`,
    ]),
  );
});

test("a webhook that says no is what kubectl says", async () => {
  hooks.on("/deny", () => ({ allowed: false, status: { message: "no pods today" }, warnings: ["it is Sunday"] }));
  await configure("Validating", hook("/deny"));
  const refused = await kubectl.run(["run", "p", "--image=i"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('admission webhook "deny.example.com" denied the request: no pods today');
  expect(refused.stderr).toContain("Warning: it is Sunday");
});

test("a webhook that is silent stands in the way, unless it is to be ignored", async () => {
  hooks.on("/silent", () => "hang");
  await configure("Validating", hook("/silent"));
  const refused = await kubectl.run(["run", "p", "--image=i"]);
  expect(refused.stderr).toContain('failed calling webhook "silent.example.com": failed to call webhook');
  expect(refused.stderr).toContain("context deadline exceeded");
  await configure("Validating", hook("/silent", { failurePolicy: "Ignore" }));
  await kubectl.ok(["run", "p", "--image=i"]);
  await kubectl.ok(["delete", "pod/p", "validatingwebhookconfiguration/test"]);
});

test("a webhook is not led to the cluster's own log", async () => {
  const [host = ""] = troupe.status().nats.split(",");
  const port = /:(\d+)/.exec(host)?.[1];
  await configure("Validating", hook("/nats", { clientConfig: { url: `https://127.0.0.1:${port}/` } }));
  expect((await kubectl.run(["run", "p", "--image=i"])).stderr).toContain("is the cluster's own and is not called from inside it");
  await kubectl.ok(["delete", "validatingwebhookconfiguration/test"]);
});

test("a policy holds what its binding says, for what the cluster makes as well", async () => {
  const policy = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: images }
spec:
  matchConstraints: { resourceRules: [{ apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE] }] }
  validations: [{ expression: "object.spec.containers.all(c, c.image.startsWith('good/'))", message: only good images }]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: images }
spec: { policyName: images, validationActions: [Deny] }
`;
  await kubectl.ok(["apply", "-f", "-"], { stdin: policy });
  expect((await kubectl.run(["run", "p", "--image=bad"])).stderr).toContain(
    "ValidatingAdmissionPolicy 'images' with binding 'images' denied request: only good images",
  );
  await kubectl.ok(["create", "deployment", "bad", "--image=bad"]);
  await until("the refusal is told", async () => (await kubectl.ok(["get", "events"])).includes("only good images"));
  await kubectl.ok(["delete", "deployment/bad", "validatingadmissionpolicybinding/images", "validatingadmissionpolicy/images"]);
});

test("a namespace that is restricted takes no pod that is not", async () => {
  await kubectl.ok(["create", "namespace", "strict"]);
  await kubectl.ok(["label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted"]);
  const refused = await kubectl.run(["run", "p", "--image=i", "-n", "strict"]);
  expect(refused.stderr).toContain(
    'pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "p" must set',
  );
});

test("what is served is listed as APIServices", async () => {
  const listed = await kubectl.ok(["get", "apiservices", "--no-headers"]);
  expect(listed).toMatch(/^v1\. +Local +True/m);
  expect(listed).toMatch(/^v2\.autoscaling +Local +True/m);
});
