import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ConfigurationError } from "../../../actors/kinds/configuration/fields.ts";
import { readAuthorizationConfiguration } from "../../../cluster/access/authorization/configuration.ts";
import { matcherOf } from "../../../cluster/access/authorization/match-conditions.ts";
import type { Call, Json, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";
import type { OutsideServer } from "./outside-server.ts";
import { startOutsideServer } from "./outside-server.ts";

const directory = mkdtempSync(join(tmpdir(), "troupe-authorization-"));
let outside: OutsideServer;

beforeAll(async () => {
  outside = await startOutsideServer();
});
afterAll(async () => {
  await outside.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A file with a kubeconfig of the server outside, at that path. */
function kubeconfig(path: string): string {
  const file = join(directory, `${path.slice(1)}.yaml`);
  const ca = Buffer.from(outside.authority).toString("base64");
  writeFileSync(
    file,
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: `${outside.url}${path}`, "certificate-authority-data": ca } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "" } }],
      "current-context": "c",
    }),
  );
  return file;
}

const webhook = (path: string, more = ""): string => `
- type: Webhook
  name: ${path.slice(1)}.example.org
  webhook:
    timeout: 3s
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: NoOpinion
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: "${kubeconfig(path)}"}
${more}`;
const HEAD = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:";
const RBAC = "\n- {type: RBAC, name: rbac}";
const read = (text: string): ReturnType<typeof readAuthorizationConfiguration> => readAuthorizationConfiguration(parse(text));

describe("a chain of authorizers", () => {
  let server: TestGateway;
  let jane: Call;
  const asked: Record<string, Json[]> = { first: [], second: [] };

  beforeAll(async () => {
    for (const name of ["first", "second"]) {
      outside.on(`/${name}`, (review) => {
        asked[name]?.push(review);
        const { user, group, groups, resourceAttributes } = review.spec;
        if (user === "broken") return 400;
        const knows = (groups ?? group ?? []).includes(name);
        return { ...review, status: { allowed: knows && resourceAttributes?.resource === "pods", reason: `${name} was asked` } };
      });
    }
    outside.on("/strict", () => 400);
    const configuration = read(
      HEAD +
        webhook(
          "/first",
          `    matchConditions:
    - expression: has(request.resourceAttributes)
    - expression: request.resourceAttributes.namespace == 'default'
    - expression: "!('system:masters' in request.groups)"
`,
        ) +
        webhook("/second", "    cacheAuthorizedRequests: false\n").replace(
          "subjectAccessReviewVersion: v1\n",
          "subjectAccessReviewVersion: v1beta1\n",
        ) +
        webhook("/strict", "    matchConditions: [{expression: \"request.user == 'strict'\"}]\n").replace("NoOpinion", "Deny") +
        webhook("/faulty", "    matchConditions: [{expression: \"request.user == 'faulty' && request.extra['x'][0] == 'y'\"}]\n").replace(
          "NoOpinion",
          "Deny",
        ) +
        RBAC,
    );
    server = await startGateway({ access: { authorizers: configuration } });
    jane = server.client(await server.authority.client("jane", ["first"]));
  });
  afterAll(() => server.stop());

  const as = async (user: string, ...groups: readonly string[]): Promise<Call> =>
    server.client(await server.authority.client(user, groups));

  test("asks whom it matches, in order, and the next where nobody has an opinion", async () => {
    expect((await jane("GET", "/api/v1/namespaces/default/pods")).status).toBe(200);
    expect([asked.first?.length, asked.second?.length]).toEqual([1, 0]);
    // Remembered.
    expect((await jane("GET", "/api/v1/namespaces/default/pods")).status).toBe(200);
    expect(asked.first?.length).toBe(1);
    // Of another namespace, so the first is not asked.
    const elsewhere = await jane("GET", "/api/v1/namespaces/kube-system/pods");
    expect([elsewhere.status, asked.first?.length, asked.second?.length]).toEqual([403, 1, 1]);
    expect(elsewhere.json().message).toContain("second was asked");
    expect(elsewhere.json().message).not.toContain("first was asked");
  });

  test("speaks the version that one speaks, and does not remember what it is not to", async () => {
    const joe = await as("joe", "second");
    for (let i = 0; i < 2; i++) expect((await joe("GET", "/api/v1/namespaces/kube-system/pods")).status).toBe(200);
    expect(asked.second?.slice(-2)).toMatchObject([
      { apiVersion: "authorization.k8s.io/v1beta1" },
      { apiVersion: "authorization.k8s.io/v1beta1" },
    ]);
    expect(asked.second?.at(-1).spec.group).toEqual(["second", "system:authenticated"]);
    expect(asked.second?.at(-1).spec.groups).toBeUndefined();
  });

  test("goes on past one that does not answer, or is refused by it, as the policy says", async () => {
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    expect((await (await as("broken"))("POST", path, {})).status).toBe(201);
    expect((await (await as("strict"))("POST", path, {})).status).toBe(403);
    expect((await (await as("other"))("POST", path, {})).status).toBe(201);
    // A condition that cannot be worked out is a failure, too.
    expect((await (await as("faulty"))("POST", path, {})).status).toBe(403);
  });

  test("does not hold up super-users", async () => {
    const before = asked.second?.length;
    expect((await server.call("GET", "/api/v1/secrets")).status).toBe(200);
    expect(asked.second?.length).toBe(before);
  });
});

describe("match conditions", () => {
  const spec = {
    user: "jane",
    groups: ["g"],
    resourceAttributes: { verb: "list", resource: "pods", fieldSelector: { rawSelector: "a=b" } },
  };

  test.each<[string, boolean | undefined]>([
    ["request.user == 'jane' && 'g' in request.groups", true],
    ["request.resourceAttributes.name == '' && request.resourceAttributes.subresource == ''", true],
    ["request.resourceAttributes.fieldSelector.rawSelector == 'a=b'", true],
    ["has(request.nonResourceAttributes)", false],
    ["request.uid == '7'", false],
    ["request.nonResourceAttributes.path == '/x'", undefined],
    ["request.user", undefined],
  ])("%s: %s", (expression, expected) => {
    expect(matcherOf([expression])(spec)).toBe(expected);
  });

  test("one that is false decides, also beside one that fails", () => {
    expect(matcherOf(["request.nonResourceAttributes.path == '/x'", "false"])(spec)).toBe(false);
    expect(matcherOf(["true", "request.nonResourceAttributes.path == '/x'"])(spec)).toBeUndefined();
    expect(matcherOf([])(spec)).toBe(true);
  });
});

describe("a file", () => {
  test("says what flags would, with Kubernetes' defaults", () => {
    const [first, second] = read(HEAD + webhook("/first") + "\n- {type: Node, name: node}");
    expect(first).toMatchObject({
      type: "Webhook",
      webhook: { allowed_ms: 300_000, refused_ms: 30_000, timeout_ms: 3_000, version: "v1", onFailure: "NoOpinion", conditions: [] },
    });
    expect(second).toEqual({ type: "Node" });
  });

  const w = (): string => webhook("/first");
  test.each<[string, () => string, string]>([
    ["no authorizers", () => HEAD.replace("authorizers:", ""), "authorizers: at least one"],
    ["another kind", () => `kind: Policy\n${HEAD.split("\n")[0]}`, "kind: must be one of AuthorizationConfiguration"],
    ["an authorizer that is none", () => `${HEAD}\n- {type: ABAC, name: a}`, "authorizers[0].type: must be one of Node, RBAC, Webhook"],
    ["one twice", () => `${HEAD}${RBAC}\n- {type: RBAC, name: other}`, "authorizers[1].type: is there twice"],
    ["one name twice", () => `${HEAD}${w()}${w()}`, "authorizers[1].name: is there twice"],
    ["no name", () => `${HEAD}\n- {type: RBAC}`, "authorizers[0].name: must be set"],
    ["a name that is none", () => `${HEAD}\n- {type: RBAC, name: A_B}`, "authorizers[0].name: authorizer name is invalid"],
    ["a webhook where there is none", () => `${HEAD}\n- {type: RBAC, name: a, webhook: {}}`, "authorizers[0].webhook: may only be"],
    ["no webhook where there is one", () => `${HEAD}\n- {type: Webhook, name: a}`, "authorizers[0].webhook: must be set"],
    ["no timeout", () => HEAD + w().replace("    timeout: 3s\n", ""), "webhook.timeout: must be set"],
    ["too long a timeout", () => HEAD + w().replace("timeout: 3s", "timeout: 31s"), "webhook.timeout: must be > 0s and <= 30s"],
    ["no policy", () => HEAD + w().replace("    failurePolicy: NoOpinion\n", ""), "webhook.failurePolicy: must be set"],
    ["another policy", () => HEAD + w().replace("NoOpinion", "Allow"), "webhook.failurePolicy: must be one of NoOpinion, Deny"],
    ["no version", () => HEAD + w().replace("    subjectAccessReviewVersion: v1\n", ""), "webhook.subjectAccessReviewVersion: must be set"],
    [
      "itself",
      () => HEAD + w().replace("type: KubeConfigFile", "type: InClusterConfig"),
      "connectionInfo.type: InClusterConfig is for other",
    ],
    ["a path that is not absolute", () => HEAD + w().replace(`"${directory}/`, '"'), "kubeConfigFile: must be an absolute path"],
    ["a file that is not there", () => HEAD + w().replace("first.yaml", "none.yaml"), "kubeConfigFile: cannot read the kubeconfig"],
    ["an unknown field", () => `${HEAD + w()}    retries: 3\n`, "webhook.retries: unknown field"],
    [
      "an expression that is none",
      () => `${HEAD + w()}    matchConditions: [{expression: "a &&"}]\n`,
      "matchConditions[0].expression: compilation failed",
    ],
    ["an empty one", () => `${HEAD + w()}    matchConditions: [{expression: " "}]\n`, "matchConditions[0].expression: must be set"],
    [
      "one twice",
      () => `${HEAD + w()}    matchConditions: [{expression: "true"}, {expression: "true"}]\n`,
      "matchConditions[1].expression: is there twice",
    ],
    [
      "conditions without their version",
      () => `${HEAD + w()}    matchConditions: [{expression: "true"}]\n`.replace("    matchConditionSubjectAccessReviewVersion: v1\n", ""),
      "webhook.matchConditionSubjectAccessReviewVersion: must be set",
    ],
  ])("with %s is refused", (_what, text, words) => {
    expect(() => read(text())).toThrow(ConfigurationError);
    expect(() => read(text())).toThrow(words);
  });
});
