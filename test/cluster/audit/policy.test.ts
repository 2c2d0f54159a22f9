import { describe, expect, it } from "vitest";
import { type Asked, readAuditPolicy, ruleFor } from "../../../cluster/audit/policy.ts";

const HEAD = { apiVersion: "audit.k8s.io/v1", kind: "Policy" };
const JANE = { user: "jane", groups: ["devs", "system:authenticated"] };

function on(resource: string, more: Partial<Asked & { type: "resource" }> = {}): Asked {
  return { type: "resource", verb: "get", group: "", resource, subresource: "", namespace: "default", name: "x", ...more };
}

/** The level for a request under one rule before a last one of Metadata for all. */
function levelOf(rule: object, asked: Asked, who = JANE): string | undefined {
  const policy = readAuditPolicy({ ...HEAD, rules: [{ level: "Request", ...rule }, { level: "Metadata" }] });
  return ruleFor(policy, who, asked)?.level;
}

describe("a rule", () => {
  it.each<[string, object, Asked, boolean]>([
    ["of a user", { users: ["jane"] }, on("pods"), true],
    ["of another user", { users: ["joe"] }, on("pods"), false],
    ["of a group", { userGroups: ["devs", "x"] }, on("pods"), true],
    ["of another group", { userGroups: ["ops"] }, on("pods"), false],
    ["of a verb", { verbs: ["get"] }, on("pods"), true],
    ["of another verb", { verbs: ["list"] }, on("pods"), false],
    ["of a resource", { resources: [{ group: "", resources: ["pods"] }] }, on("pods"), true],
    ["of a resource, for its subresource", { resources: [{ group: "", resources: ["pods"] }] }, on("pods", { subresource: "log" }), false],
    ["of a subresource", { resources: [{ group: "", resources: ["pods/log"] }] }, on("pods", { subresource: "log" }), true],
    ["of all subresources", { resources: [{ group: "", resources: ["pods/*"] }] }, on("pods", { subresource: "log" }), true],
    ["of one subresource of all", { resources: [{ group: "", resources: ["*/log"] }] }, on("pods", { subresource: "log" }), true],
    ["of a group's resources", { resources: [{ group: "apps" }] }, on("deployments", { group: "apps" }), true],
    ["of another group's resources", { resources: [{ group: "apps" }] }, on("pods"), false],
    ["of a name", { resources: [{ group: "", resources: ["pods"], resourceNames: ["x"] }] }, on("pods"), true],
    ["of another name", { resources: [{ group: "", resources: ["pods"], resourceNames: ["y"] }] }, on("pods"), false],
    ["of a namespace", { namespaces: ["default"] }, on("pods"), true],
    ["of no namespace", { namespaces: [""] }, on("nodes", { namespace: "" }), true],
    ["of a namespace, for a page", { namespaces: ["default"] }, { type: "page", method: "get", path: "/metrics" }, false],
    ["of pages", { nonResourceURLs: ["/health*"] }, { type: "page", method: "get", path: "/healthz" }, true],
    ["of other pages", { nonResourceURLs: ["/healthz"] }, { type: "page", method: "get", path: "/healthz/ping" }, false],
    ["of pages, for a resource", { nonResourceURLs: ["*"] }, on("pods"), false],
  ])("%s", (_what, rule, asked, matches) => {
    expect(levelOf(rule, asked)).toBe(matches ? "Request" : "Metadata");
  });

  it("of level None ends the search", () => {
    expect(levelOf({ level: "None" }, on("pods"))).toBeUndefined();
  });

  it("leaves out the stages of the policy and its own", () => {
    const policy = readAuditPolicy({
      ...HEAD,
      omitStages: ["RequestReceived"],
      omitManagedFields: true,
      rules: [{ level: "Metadata", omitStages: ["ResponseStarted"], omitManagedFields: false }],
    });
    expect(ruleFor(policy, JANE, on("pods"))).toMatchObject({
      omitStages: ["RequestReceived", "ResponseStarted"],
      omitManagedFields: false,
    });
  });
});

it.each([
  [{ rules: [] }, "apiVersion: must be set"],
  [{ ...HEAD }, "rules: must be set"],
  [{ ...HEAD, rules: [] }, "rules: must have at least one rule"],
  [{ ...HEAD, rules: [{}] }, "rules[0].level: must be set"],
  [{ ...HEAD, rules: [{ level: "All" }] }, 'rules[0].level: must be one of None, Metadata, Request, RequestResponse, not "All"'],
  [{ ...HEAD, rules: [{ level: "None", verb: ["get"] }] }, "rules[0].verb: unknown field"],
  [{ ...HEAD, omitStages: ["Done"], rules: [{ level: "None" }] }, "omitStages[0]: must be one of RequestReceived"],
  [
    { ...HEAD, rules: [{ level: "None", namespaces: ["a"], nonResourceURLs: ["/a"] }] },
    "rules cannot apply to both regular resources and non-resource URLs",
  ],
  [{ ...HEAD, rules: [{ level: "None", nonResourceURLs: ["a"] }] }, "rules[0].nonResourceURLs[0]: must be * or begin with a slash"],
  [{ ...HEAD, rules: [{ level: "None", resources: [{ resourceNames: ["a"] }] }] }, "using resourceNames requires at least one resource"],
])("a policy that is wrong is refused, with the place: %j", (value, message) => {
  expect(() => readAuditPolicy(value)).toThrow(message);
});
