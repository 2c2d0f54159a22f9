import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const GROUP = "/apis/admissionregistration.k8s.io/v1";
const POLICIES = `${GROUP}/validatingadmissionpolicies`;
const BINDINGS = `${GROUP}/validatingadmissionpolicybindings`;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const API_VERSION = "admissionregistration.k8s.io/v1";

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const path of [POLICIES, BINDINGS, CONFIG_MAPS]) await server.call("DELETE", path);
});

function policy(spec: object, name = "policy"): Json {
  const resourceRules = [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE", "UPDATE"] }];
  return {
    apiVersion: API_VERSION,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: { matchConstraints: { resourceRules }, ...spec },
  };
}

function binding(spec: object = {}, name = "binding"): Json {
  const metadata = { name };
  return {
    apiVersion: API_VERSION,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata,
    spec: { policyName: "policy", validationActions: ["Deny"], ...spec },
  };
}

async function bind(policySpec: object, bindingSpec: object = {}): Promise<void> {
  const made = await server.call("POST", POLICIES, policy(policySpec));
  expect(made.status, made.text).toBe(201);
  const bound = await server.call("POST", BINDINGS, binding(bindingSpec));
  expect(bound.status, bound.text).toBe(201);
}

/** An update of these must name the revision that it changes. */
async function replace(path: string, next: Json): Promise<void> {
  const { resourceVersion } = (await server.call("GET", path)).json().metadata;
  const replaced = await server.call("PUT", path, { ...next, metadata: { ...next["metadata"], resourceVersion } });
  expect(replaced.status, replaced.text).toBe(200);
}

const create = (name: string, data: Record<string, string> = {}, metadata: object = {}) =>
  server.call("POST", CONFIG_MAPS, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data });

describe("a policy that is bound", () => {
  test("denies in Kubernetes' words", async () => {
    await bind({ validations: [{ expression: "size(object.data) < 2", message: "too much" }] });
    expect((await create("a", { k: "v" })).status).toBe(201);
    const refused = await create("b", { k: "v", l: "w" });
    expect(refused.status).toBe(422);
    const message = "ValidatingAdmissionPolicy 'policy' with binding 'binding' denied request: too much";
    expect(refused.json()).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: `configmaps "b" is forbidden: ${message}`,
      reason: "Invalid",
      details: { name: "b", kind: "configmaps", causes: [{ message }] },
      code: 422,
    });
  });

  test.each([
    ["Forbidden", 403],
    ["RequestEntityTooLarge", 413],
  ])("for the reason %s", async (reason, code) => {
    await bind({ validations: [{ expression: "false", reason }] });
    const refused = await create("a");
    expect(refused.status).toBe(code);
    expect(refused.json()).toMatchObject({ reason, message: expect.stringMatching(/denied request: failed expression: false$/) });
  });

  test("says what its expression makes of the object", async () => {
    await bind({
      variables: [
        { name: "count", expression: "size(object.data)" },
        { name: "big", expression: "variables.count > 1" },
      ],
      validations: [
        { expression: "!variables.big", messageExpression: "'found ' + string(variables.count) + ' of ' + object.metadata.name" },
      ],
    });
    expect((await create("m", { a: "1", b: "2" })).json().message).toMatch(/denied request: found 2 of m$/);
  });

  test("sees what was there, who asks and where", async () => {
    await bind({
      validations: [
        { expression: "request.operation == 'CREATE' ? oldObject == null : object.data.k != oldObject.data.k", message: "no change" },
        { expression: "request.userInfo.username == 'admin' && 'system:masters' in request.userInfo.groups", message: "who" },
        { expression: "namespaceObject.metadata.name == 'default' && request.namespace == 'default'", message: "where" },
        { expression: "authorizer.group('').resource('pods').namespace('default').check('delete').allowed()", message: "may" },
        { expression: "!authorizer.serviceAccount('default', 'x').requestResource.check('create').allowed()", message: "may not" },
      ],
    });
    expect((await create("a", { k: "1" })).text).toContain('"name":"a"');
    const merge = { "content-type": "application/merge-patch+json" };
    expect((await server.call("PATCH", `${CONFIG_MAPS}/a`, { metadata: { labels: { x: "y" } } }, merge)).json().message).toMatch(
      /: no change$/,
    );
    expect((await server.call("PATCH", `${CONFIG_MAPS}/a`, { data: { k: "2" } }, merge)).status).toBe(200);
  });

  test("asks about those who are no administrators as well", async () => {
    const { call, client, authority } = server;
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["create", "get"] }];
    const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    await call("POST", `${rbac}/roles`, { metadata: { name: "writer" }, rules });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "writer" };
    await call("POST", `${rbac}/rolebindings`, {
      metadata: { name: "writer" },
      roleRef,
      subjects: [{ kind: "User", name: "jane", apiGroup: roleRef.apiGroup }],
    });
    await bind({
      validations: [
        { expression: "authorizer.requestResource.check('create').allowed()", message: "may" },
        { expression: "!authorizer.group('').resource('secrets').namespace('default').check('get').allowed()", message: "may not" },
        {
          expression: "authorizer.path('/healthz').check('get').allowed() && !authorizer.path('/metrics').check('get').allowed()",
          message: "pages",
        },
      ],
    });
    const jane = client(await authority.client("jane", []));
    const made = await jane("POST", CONFIG_MAPS, { metadata: { name: "janes" } });
    expect(made.status, made.text).toBe(201);
  });

  test("warns instead, if so bound", async () => {
    await bind({ validations: [{ expression: "false", message: "hm" }] }, { validationActions: ["Warn", "Audit"] });
    const made = await create("a");
    expect(made.status).toBe(201);
    expect(made.headers.warning).toBe("299 - \"Validation failed for ValidatingAdmissionPolicy 'policy' with binding 'binding': hm\"");
  });

  test("that cannot be evaluated fails as its policy says", async () => {
    const validations = [{ expression: "object.data.absent == 'x'" }];
    await bind({ validations });
    expect((await create("a", { k: "v" })).json().message).toMatch(
      /denied request: expression 'object.data.absent == 'x'' resulted in error: no such key: absent$/,
    );
    await replace(`${POLICIES}/policy`, policy({ validations, failurePolicy: "Ignore" }));
    expect((await create("a", { k: "v" })).status).toBe(201);
  });

  test("is bounded in what it may cost", async () => {
    const expression = "object.data.all(a, object.data.all(b, object.data.all(c, object.data.all(d, a + b + c + d != ''))))";
    await bind({ validations: [{ expression }] });
    const data = Object.fromEntries(Array.from({ length: 60 }, (_none, index) => [`k${index}`, "v"]));
    expect((await create("a", data)).json().message).toContain("resulted in error: operation cancelled: actual cost limit exceeded");
  });

  test("is for those whom both its constraints and its binding take", async () => {
    const matchResources = { objectSelector: { matchLabels: { strict: "yes" } } };
    await bind(
      { validations: [{ expression: "false" }], matchConditions: [{ name: "named", expression: "object.metadata.name != 'free'" }] },
      { matchResources },
    );
    expect((await create("a")).status).toBe(201);
    expect((await create("free", {}, { labels: { strict: "yes" } })).status).toBe(201);
    expect((await create("b", {}, { labels: { strict: "yes" } })).status).toBe(422);
  });

  test("leaves out what is excluded", async () => {
    const rule = { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["*"] };
    const matchConstraints = { resourceRules: [rule], excludeResourceRules: [{ ...rule, resourceNames: ["free"] }] };
    await bind({ matchConstraints, validations: [{ expression: "false" }] });
    expect((await create("free")).status).toBe(201);
    expect((await create("a")).status).toBe(422);
  });
});

describe("parameters", () => {
  const spec = {
    paramKind: { apiVersion: "v1", kind: "Secret" },
    validations: [
      {
        expression: "params == null || size(object.data) <= int(params.metadata.labels.max)",
        messageExpression: "'at most ' + params.metadata.labels.max",
      },
    ],
  };
  const secret = (name: string, labels: object) => ({ apiVersion: "v1", kind: "Secret", metadata: { name, labels } });
  const SECRETS = "/api/v1/namespaces/default/secrets";

  test("are found by name, and when they are missing the binding says what then", async () => {
    await bind(spec, { paramRef: { name: "limits", parameterNotFoundAction: "Deny" } });
    expect((await create("a")).json().message).toContain(
      "denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    );
    await server.call("POST", SECRETS, secret("limits", { max: "1" }));
    expect((await create("a", { k: "v" })).status).toBe(201);
    expect((await create("b", { k: "v", l: "w" })).json().message).toMatch(/denied request: at most 1$/);
    await server.call("DELETE", `${SECRETS}/limits`);
    await replace(`${BINDINGS}/binding`, binding({ paramRef: { name: "limits", parameterNotFoundAction: "Allow" } }));
    expect((await create("c", { k: "v", l: "w" })).status).toBe(201);
  });

  test("may be several, all of which hold", async () => {
    await bind(spec, { paramRef: { selector: { matchLabels: { kind: "limit" } }, parameterNotFoundAction: "Deny" } });
    await server.call("POST", SECRETS, secret("one", { kind: "limit", max: "3" }));
    await server.call("POST", SECRETS, secret("two", { kind: "limit", max: "1" }));
    expect((await create("a", { k: "v", l: "w" })).json().message).toMatch(/denied request: at most 1$/);
    await server.call("DELETE", SECRETS);
  });
});

describe("is refused when it is made", () => {
  const validations = (expression: string) => ({ validations: [{ expression }] });
  test.each([
    [
      validations("object.x +"),
      "spec.validations[0].expression",
      "compilation failed: ERROR: <input>:1:11: Syntax error: mismatched input '<EOF>'",
    ],
    [validations("nope == 1"), "spec.validations[0].expression", "undeclared reference to 'nope' (in container '')"],
    [validations("1 == 'a'"), "spec.validations[0].expression", "found no matching overload for '_==_' applied to '(int, string)'"],
    [validations("object.spec"), "spec.validations[0].expression", "must evaluate to bool but got dyn"],
    [validations("params.x == 1"), "spec.validations[0].expression", "undeclared reference to 'params'"],
    [{ ...validations("true"), variables: [{ name: "a b", expression: "1" }] }, "spec.variables[0].name", "must be a valid CEL identifier"],
    [
      { ...validations("variables.a == 'x'"), variables: [{ name: "a", expression: "1" }] },
      "spec.validations[0].expression",
      "'(int, string)'",
    ],
    [
      { validations: [{ expression: "true", messageExpression: "1" }] },
      "spec.validations[0].messageExpression",
      "must evaluate to string but got int",
    ],
    [
      { validations: [{ expression: "true", reason: "Nope" }] },
      "spec.validations[0].reason",
      'supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
    ],
    [
      { ...validations("true"), matchConditions: [{ name: "x", expression: "1" }] },
      "spec.matchConditions[0].expression",
      "must evaluate to bool but got int",
    ],
    [{ auditAnnotations: [{ key: "a", valueExpression: "1" }] }, "spec.auditAnnotations[0].valueExpression", "but got int"],
  ])("%j", async (spec, field, words) => {
    const refused = await server.call("POST", POLICIES, policy(spec));
    expect(refused.status, refused.text).toBe(422);
    const causes = refused.json().details.causes;
    expect(causes).toHaveLength(1);
    expect(causes[0].field).toBe(field);
    expect(causes[0].message).toContain(words);
  });
});
