import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { patchAnswer, startWebhookServer, type WebhookServer } from "../outbound/webhook-server.ts";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const GROUP = "/apis/admissionregistration.k8s.io/v1";
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const RULE = { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE", "UPDATE", "DELETE"] };

let server: TestGateway;
let hooks: WebhookServer;
beforeAll(async () => {
  hooks = await startWebhookServer();
  server = await startGateway();
});
afterAll(async () => {
  await server.stop();
  await hooks.stop();
});
afterEach(async () => {
  for (const plural of ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"])
    await server.call("DELETE", `${GROUP}/${plural}`);
  await server.call("DELETE", CONFIG_MAPS);
  hooks.asked.clear();
});

type Kind = "Mutating" | "Validating";

function hook(path: string, more: object = {}): Json {
  return {
    name: `${path.replaceAll("/", "-").slice(1)}.example.com`,
    clientConfig: { url: hooks.url(path), caBundle: hooks.caBundle },
    rules: [RULE],
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    timeoutSeconds: 5,
    ...more,
  };
}

async function configure(kind: Kind, name: string, ...webhooks: Json[]): Promise<void> {
  const plural = `${kind.toLowerCase()}webhookconfigurations`;
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: `${kind}WebhookConfiguration`,
    metadata: { name },
    webhooks,
  };
  const made = await server.call("POST", `${GROUP}/${plural}`, configuration);
  expect(made.status, made.text).toBe(201);
}

function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}): Json {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

const create = (name: string, data?: Record<string, string>, metadata?: object, query = "") =>
  server.call("POST", `${CONFIG_MAPS}${query}`, configMap(name, data, metadata));

describe("a webhook that takes reviews of v1beta1 only", () => {
  const OLD = { admissionReviewVersions: ["v2", "v1beta1"] };

  test("is asked in that version, and may leave out what v1 asks for", async () => {
    const versions: string[] = [];
    const [add] = [{ op: "add", path: "/data", value: { from: "old" } }];
    hooks.on("/old", (_request, review) => {
      versions.push(review.apiVersion);
      // No kind, no uid, no type of patch.
      return { raw: { response: { allowed: true, patch: Buffer.from(JSON.stringify([add])).toString("base64") } } };
    });
    await configure("Mutating", "old", hook("/old", OLD));
    expect((await create("old")).json().data).toEqual({ from: "old" });
    expect(versions).toEqual(["admission.k8s.io/v1beta1"]);
  });

  test("still has to answer", async () => {
    hooks.on("/mute", () => ({ raw: { kind: "AdmissionReview" } }));
    await configure("Validating", "mute", hook("/mute", OLD));
    expect((await create("mute")).json().message).toContain("received invalid webhook response: webhook response was absent");
  });
});

describe("a validating webhook", () => {
  test("is asked in Kubernetes' words, and its refusal is the answer", async () => {
    hooks.on("/deny", () => ({ allowed: false, status: { message: "not today", code: 403, reason: "Forbidden" }, warnings: ["be kind"] }));
    await configure("Validating", "deny", hook("/deny"));
    const refused = await create("a", { k: "v" });
    expect(refused.status).toBe(403);
    expect(refused.json()).toMatchObject({
      status: "Failure",
      reason: "Forbidden",
      code: 403,
      message: 'admission webhook "deny.example.com" denied the request: not today',
    });
    expect(refused.headers.warning).toBe('299 - "be kind"');
    const [asked] = hooks.asked.get("/deny") ?? [];
    expect(asked).toMatchObject({
      kind: { group: "", version: "v1", kind: "ConfigMap" },
      resource: { group: "", version: "v1", resource: "configmaps" },
      requestKind: { group: "", version: "v1", kind: "ConfigMap" },
      name: "a",
      namespace: "default",
      operation: "CREATE",
      userInfo: { username: "admin", groups: ["system:masters", "system:authenticated"] },
      object: { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "a", namespace: "default" }, data: { k: "v" } },
      oldObject: null,
      dryRun: false,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
    });
    expect((await server.call("GET", `${CONFIG_MAPS}/a`)).status).toBe(404);
  });

  test.each([
    [{ allowed: false }, 400, "denied the request without explanation"],
    [{ allowed: false, status: { reason: "Why" } }, 400, "denied the request: Why"],
    [{ allowed: false, status: { message: "m", code: 200 } }, 400, "denied the request: m"],
  ])("that says %j", async (said, code, words) => {
    hooks.on("/terse", () => said);
    await configure("Validating", "terse", hook("/terse"));
    const refused = await create("a");
    expect(refused.status).toBe(code);
    expect(refused.json().message).toBe(`admission webhook "terse.example.com" ${words}`);
  });

  test("sees updates and deletions with what was there", async () => {
    await create("seen", { k: "1" });
    hooks.on("/see", () => ({ allowed: true }));
    await configure("Validating", "see", hook("/see"));
    expect(
      (await server.call("PATCH", `${CONFIG_MAPS}/seen`, { data: { k: "2" } }, { "content-type": "application/merge-patch+json" })).status,
    ).toBe(200);
    expect((await server.call("DELETE", `${CONFIG_MAPS}/seen`)).status).toBe(200);
    const [update, deletion] = hooks.asked.get("/see") ?? [];
    expect(update).toMatchObject({ operation: "UPDATE", object: { data: { k: "2" } }, oldObject: { data: { k: "1" } } });
    expect(deletion).toMatchObject({ operation: "DELETE", object: null, oldObject: { data: { k: "2" } } });
  });

  test("that answers nonsense, fails or is not there refuses, unless it is ignored", async () => {
    hooks.on("/fail", () => "fail");
    hooks.on("/uid", () => ({
      raw: { kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", response: { uid: "other", allowed: true } },
    }));
    hooks.on("/patch", () => patchAnswer([{ op: "add", path: "/data/x", value: "y" }]));
    const words: [string, string][] = [
      ["/fail", 'failed to call webhook: an error on the server ("broken") has prevented the request from succeeding'],
      ["/absent", "failed to call webhook: the server could not find the requested resource"],
      ["/patch", "received invalid webhook response: validating webhook may not return response.patch"],
    ];
    for (const [path, said] of words) {
      const failing = hook(path);
      await configure("Validating", "failing", failing);
      const refused = await create("a");
      expect(refused.status).toBe(500);
      expect(refused.json().message).toBe(`Internal error occurred: failed calling webhook "${failing.name}": ${said}`);
      await server.call("DELETE", `${GROUP}/validatingwebhookconfigurations/failing`);
    }
    await configure("Validating", "uid", hook("/uid"));
    expect((await create("a")).json().message).toMatch(
      /received invalid webhook response: expected response.uid="[-0-9a-f]{36}", got "other"$/,
    );
    await server.call("DELETE", `${GROUP}/validatingwebhookconfigurations/uid`);
    const unreachable = hook("/x", { clientConfig: { url: "https://127.0.0.1:1/x" }, failurePolicy: "Ignore" });
    await configure("Validating", "ignored", unreachable, hook("/fail", { failurePolicy: "Ignore" }));
    expect((await create("a")).status).toBe(201);
  });

  test("that does not answer in its time", async () => {
    hooks.on("/hang", () => "hang");
    await configure("Validating", "hang", hook("/hang", { timeoutSeconds: 1 }));
    const refused = await create("a");
    expect(refused.json().message).toBe(
      `Internal error occurred: failed calling webhook "hang.example.com": failed to call webhook: Post "${hooks.url("/hang?timeout=1s")}": context deadline exceeded`,
    );
  });

  test("is known by its certificate", async () => {
    const stranger = Buffer.from(server.authority.cert).toString("base64");
    await configure("Validating", "tls", hook("/tls", { clientConfig: { url: hooks.url("/tls"), caBundle: stranger } }));
    expect((await create("a")).json().message).toContain(
      "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    );
    expect(hooks.asked.get("/tls")).toBeUndefined();
  });

  test("is asked only about what its rules, selectors and conditions say", async () => {
    hooks.on("/some", () => ({ allowed: false, status: { message: "matched" } }));
    const refuses = async (more: object, metadata: object = {}): Promise<boolean> => {
      await configure("Validating", "some", hook("/some", more));
      const { status, text } = await create("some", {}, metadata, "?dryRun=All");
      await server.call("DELETE", `${GROUP}/validatingwebhookconfigurations/some`);
      expect([201, 400], text).toContain(status);
      return status === 400;
    };
    expect(await refuses({})).toBe(true);
    expect(await refuses({ rules: [{ ...RULE, operations: ["UPDATE"] }] })).toBe(false);
    expect(await refuses({ rules: [{ ...RULE, resources: ["secrets"] }] })).toBe(false);
    expect(await refuses({ rules: [{ ...RULE, resources: ["*/*"] }] })).toBe(true);
    expect(await refuses({ rules: [{ ...RULE, scope: "Cluster" }] })).toBe(false);
    expect(await refuses({ rules: [{ ...RULE, scope: "Namespaced" }] })).toBe(true);
    expect(await refuses({ objectSelector: { matchLabels: { a: "b" } } })).toBe(false);
    expect(await refuses({ objectSelector: { matchLabels: { a: "b" } } }, { labels: { a: "b" } })).toBe(true);
    const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } });
    expect(await refuses(inNamespace("default"))).toBe(true);
    expect(await refuses(inNamespace("kube-system"))).toBe(false);
    expect(await refuses({ matchConditions: [{ name: "c", expression: "object.metadata.name == 'some'" }] })).toBe(true);
    expect(await refuses({ matchConditions: [{ name: "c", expression: "request.userInfo.username == 'eve'" }] })).toBe(false);
  });

  test("is not asked about a dry run when it would leave traces", async () => {
    hooks.on("/dry", () => ({ allowed: true }));
    const { store } = server;
    expect(store.replica.count("validatingwebhookconfigurations.admissionregistration.k8s.io")).toBe(0);
    await configure("Validating", "dry", hook("/dry", { sideEffects: "NoneOnDryRun" }));
    expect((await create("a", {}, {}, "?dryRun=All")).status).toBe(201);
    expect(hooks.asked.get("/dry")?.[0]).toMatchObject({ dryRun: true, options: { dryRun: ["All"] } });
  });

  test("sees an equivalent of what it asks for, unless it wants it exactly", async () => {
    hooks.on("/hpa", () => ({ allowed: false }));
    const rules = [{ apiGroups: ["autoscaling"], apiVersions: ["v2"], resources: ["horizontalpodautoscalers"], operations: ["*"] }];
    const hpa = {
      apiVersion: "autoscaling/v1",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "h" },
      spec: {
        maxReplicas: 2,
        targetCPUUtilizationPercentage: 50,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" },
      },
    };
    const path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
    await configure("Validating", "hpa", hook("/hpa", { rules }));
    expect((await server.call("POST", path, hpa)).status).toBe(400);
    const [asked] = hooks.asked.get("/hpa") ?? [];
    expect(asked).toMatchObject({
      kind: { version: "v2" },
      requestKind: { version: "v1" },
      object: { apiVersion: "autoscaling/v2", spec: { metrics: [{ resource: { name: "cpu" } }] } },
    });
    await server.call("DELETE", `${GROUP}/validatingwebhookconfigurations/hpa`);
    await configure("Validating", "hpa", hook("/hpa", { rules, matchPolicy: "Exact" }));
    expect((await server.call("POST", path, hpa)).status).toBe(201);
    await server.call("DELETE", `${path}/h`);
  });

  test("has no say in what is configured of webhooks", async () => {
    hooks.on("/all", () => ({ allowed: false }));
    const rules = [{ apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"], operations: ["*"] }];
    await configure("Validating", "all", hook("/all", { rules }));
    expect((await create("a")).status).toBe(400);
    expect((await server.call("DELETE", `${GROUP}/validatingwebhookconfigurations/all`)).status).toBe(200);
  });

  test("sees subresources as what they are", async () => {
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: {
        selector: { matchLabels: { a: "b" } },
        template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } },
      },
    };
    const path = "/apis/apps/v1/namespaces/default/deployments";
    expect((await server.call("POST", path, deployment)).status).toBe(201);
    hooks.on("/parts", () => ({ allowed: true }));
    const rules = [{ apiGroups: ["apps"], apiVersions: ["v1"], resources: ["deployments/scale", "deployments/status"], operations: ["*"] }];
    await configure("Validating", "parts", hook("/parts", { rules }));
    const merge = { "content-type": "application/merge-patch+json" };
    expect((await server.call("PATCH", `${path}/d/scale`, { spec: { replicas: 3 } }, merge)).status).toBe(200);
    expect((await server.call("PATCH", `${path}/d/status`, { status: { replicas: 2 } }, merge)).status).toBe(200);
    expect((await server.call("PATCH", `${path}/d`, { metadata: { labels: { x: "y" } } }, merge)).status).toBe(200);
    const [scale, status, ...more] = hooks.asked.get("/parts") ?? [];
    expect(scale).toMatchObject({
      kind: { group: "autoscaling", version: "v1", kind: "Scale" },
      resource: { group: "apps", version: "v1", resource: "deployments" },
      subResource: "scale",
      object: { kind: "Scale", spec: { replicas: 3 } },
    });
    expect(status).toMatchObject({ subResource: "status", object: { kind: "Deployment", status: { replicas: 2 } } });
    expect(more).toEqual([]);
    await server.call("DELETE", `${path}/d`);
  });
});

describe("mutating webhooks", () => {
  const put = (key: string, value: string) => patchAnswer([{ op: "add", path: `/data/${key}`, value }]);

  test("change what is made, one after the other, by name", async () => {
    hooks.on("/second", (request) => put("second", `after ${request.object.data.first}`));
    hooks.on("/first", () => put("first", "1"));
    await configure("Mutating", "b", hook("/second"));
    await configure("Mutating", "a", hook("/first"));
    const made = await create("m", { k: "v" });
    expect(made.json().data).toEqual({ k: "v", first: "1", second: "after 1" });
    expect((await server.call("GET", `${CONFIG_MAPS}/m`)).json().data).toEqual({ k: "v", first: "1", second: "after 1" });
  });

  test("are asked again when others have changed the object since, if they want to", async () => {
    let calls = 0;
    hooks.on("/again", (request) => {
      calls++;
      return put("seen", Object.keys(request.object.data).sort().join("+"));
    });
    hooks.on("/late", () => put("late", "1"));
    await configure("Mutating", "a", hook("/again", { reinvocationPolicy: "IfNeeded" }));
    await configure("Mutating", "b", hook("/late"));
    expect((await create("m", { k: "v" })).json().data).toEqual({ k: "v", seen: "k+late+seen", late: "1" });
    expect(calls).toBe(2);
    expect(hooks.asked.get("/late")).toHaveLength(1);
  });

  test("add to a custom resource what its schema knows; the rest is pruned", async () => {
    const openAPIV3Schema = { type: "object", properties: { data: { type: "object", properties: { known: { type: "string" } } } } };
    const definition = {
      metadata: { name: "prunes.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "prunes", kind: "Prune" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }],
      },
    };
    expect((await server.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)).status).toBe(201);
    await expect.poll(async () => (await server.call("GET", "/apis/example.com/v1")).status, { timeout: 30_000 }).toBe(200);
    hooks.on("/known", () => put("known", "1"));
    hooks.on("/unknown", () => put("unknown", "1"));
    const rules = [{ ...RULE, apiGroups: ["example.com"], resources: ["prunes"] }];
    await configure("Mutating", "both", hook("/known", { rules }), hook("/unknown", { rules }));
    const body = { apiVersion: "example.com/v1", kind: "Prune", metadata: { name: "p" }, data: {} };
    const made = await server.call("POST", "/apis/example.com/v1/namespaces/default/prunes", body);
    expect(made.json().data).toEqual({ known: "1" });
  });

  test("and the plugins after them see the object once more", async () => {
    hooks.on("/sidecar", () => patchAnswer([{ op: "add", path: "/spec/containers/-", value: { name: "sidecar", image: "s" } }]));
    const rules = [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }];
    await configure("Mutating", "a", hook("/sidecar", { rules }));
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers: [{ name: "main", image: "m" }] } };
    const { spec } = (await server.call("POST", "/api/v1/namespaces/default/pods", pod)).json();
    expect(spec.containers.map(({ name }: Json) => name)).toEqual(["main", "sidecar"]);
    // Its defaults, and the token that its service account gives it.
    expect(spec.containers[1]).toMatchObject({
      imagePullPolicy: "Always",
      volumeMounts: [{ mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }],
    });
    await server.call("DELETE", "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=0");
  });

  test.each([
    ["does not fit", [{ op: "remove", path: "/data/absent" }], 500, "Internal error occurred: nothing at absent"],
    ["breaks the object", [{ op: "replace", path: "/data", value: "text" }], 500, /^Internal error occurred: /],
    ["makes it invalid", [{ op: "add", path: "/data/a b", value: "x" }], 422, /ConfigMap "m" is invalid: data\[a b\]: Invalid value/],
  ])("whose patch %s", async (_what, patch, code, words) => {
    hooks.on("/bad", () => patchAnswer(patch as object[]));
    await configure("Mutating", "bad", hook("/bad"));
    const refused = await create("m", { k: "v" });
    expect(refused.status, refused.text).toBe(code);
    expect(refused.json().message).toMatch(words);
  });

  test("may not change what is deleted", async () => {
    await create("gone", { k: "v" });
    hooks.on("/delete", () => put("x", "y"));
    await configure("Mutating", "delete", hook("/delete"));
    const refused = await server.call("DELETE", `${CONFIG_MAPS}/gone`);
    expect(refused.json().message).toContain('admission webhook "delete.example.com" attempted to modify the object');
  });

  test("change updates, and what an update leaves as it was is not written", async () => {
    await create("u", { k: "1" });
    hooks.on("/undo", (request) =>
      request.operation === "UPDATE" ? patchAnswer([{ op: "replace", path: "/data/k", value: "1" }]) : { allowed: true },
    );
    await configure("Mutating", "undo", hook("/undo"));
    const before = (await server.call("GET", `${CONFIG_MAPS}/u`)).json().metadata.resourceVersion;
    const after = await server.call("PUT", `${CONFIG_MAPS}/u`, configMap("u", { k: "2" }));
    expect(after.json().data).toEqual({ k: "1" });
    expect(after.json().metadata.resourceVersion).toBe(before);
  });
});

describe("a service in place of a URL", () => {
  const service = (name: string) => ({
    clientConfig: { service: { namespace: "default", name, path: "/svc", port: hooks.port }, caBundle: hooks.caBundle },
  });

  test("is called at its endpoint, under its own name", async () => {
    await configure("Validating", "svc", hook("/svc", service("nowhere")));
    expect((await create("a")).json().message).toContain(
      `failed to call webhook: Post "https://nowhere.default.svc:${hooks.port}/svc?timeout=5s": service "nowhere" not found`,
    );
    const external = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "nowhere" },
      spec: { type: "ExternalName", externalName: "localhost" },
    };
    expect((await server.call("POST", "/api/v1/namespaces/default/services", external)).status).toBe(201);
    // Reached, and found to be somebody else.
    expect((await create("a")).json().message).toContain("x509: certificate is not valid for the name");
  });

  test("without anybody behind it", async () => {
    const made = { apiVersion: "v1", kind: "Service", metadata: { name: "empty" }, spec: { ports: [{ port: hooks.port }] } };
    expect((await server.call("POST", "/api/v1/namespaces/default/services", made)).status).toBe(201);
    await configure("Validating", "svc", hook("/svc", service("empty")));
    expect((await create("a")).json().message).toContain('no endpoints available for service "empty"');
  });
});

test("the cluster's own parts are not called", async () => {
  const caBundle = Buffer.from(server.authority.cert).toString("base64");
  await configure("Validating", "own", hook("/own", { clientConfig: { url: `${server.url}/api`, caBundle } }));
  expect((await create("a")).json().message).toMatch(/is the cluster's own and is not called from inside it$/);
  const other = await startGateway({ ownPorts: [hooks.port] });
  const made = { apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingWebhookConfiguration", metadata: { name: "own" } };
  for (const host of ["127.0.0.1", "localhost", "127.1.2.3"]) {
    const clientConfig = { url: `https://${host}:${hooks.port}/x`, caBundle: hooks.caBundle };
    await other.call("POST", `${GROUP}/validatingwebhookconfigurations`, { ...made, webhooks: [hook("/x", { clientConfig })] });
    expect((await other.call("POST", CONFIG_MAPS, configMap("a"))).json().message).toContain("is the cluster's own");
    await other.call("DELETE", `${GROUP}/validatingwebhookconfigurations/own`);
  }
  expect(hooks.asked.get("/x")).toBeUndefined();
  await other.stop();
});
