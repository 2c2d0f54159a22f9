import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ClusterRole, PolicyRule, Role } from "../../../actors/kinds/generated/types.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { onResource } from "../../../cluster/access/authorization/attributes.ts";
import { RoleIndex } from "../../../cluster/access/authorization/role-index.ts";
import type { Identity } from "../../../cluster/access/identity.ts";
import { seededRandom } from "../../../runtime/mod.ts";
import type { Call, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";

/**
 * Every default role times every resource and verb: what is decided is what an oracle says that reads the rules in another way. It lists all that a rule allows, out of
 * all that can be asked, and looks a question up in the list; the code under test goes from the question to the rules.
 */
const RBAC = "rbac.authorization.k8s.io";
const VERBS = [
  ..."get list watch create update patch delete deletecollection".split(" "),
  ..."bind escalate impersonate approve sign attest use proxy nobody-knows".split(" "),
];
const NAMES = ["", "some"];

interface Asked {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
}

/** All resources that are served, with their subresources, and those that only rules know. */
function universe(rules: readonly PolicyRule[]): readonly Asked[] {
  const served = BUILT_IN_KINDS.flatMap(({ group, plural, subresources = [] }) =>
    ["", ...subresources.map(({ name }) => name)].map((subresource) => ({ group, resource: plural, subresource })),
  );
  const named = rules.flatMap(({ apiGroups = [], resources = [] }) =>
    apiGroups.flatMap((group) =>
      resources.map((text) => {
        const [resource = "", subresource = ""] = text.split("/");
        return { group, resource, subresource };
      }),
    ),
  );
  const all = [...served, ...named, { group: "x.io", resource: "things", subresource: "" }].filter(
    ({ group, resource }) => group !== "*" && resource !== "*",
  );
  return [...new Map(all.map((one) => [wordsOf(one), one])).values()];
}

const wordsOf = ({ group, resource, subresource }: Asked): string => `${group}|${resource}|${subresource}`;

/** The oracle: all that the rules allow, as `verb group|resource|subresource name`; `name` is `*` where it does not matter. */
function allowedBy(rules: readonly PolicyRule[], all: readonly Asked[]): ReadonlySet<string> {
  const allowed = new Set<string>();
  for (const { verbs, apiGroups = [], resources = [], resourceNames = [] } of rules) {
    const anyVerb = verbs.indexOf("*") >= 0;
    const anyGroup = apiGroups.indexOf("*") >= 0;
    const matching = all.filter(({ group, resource, subresource }) => {
      const text = subresource ? [resource, subresource].join("/") : resource;
      const inGroup = anyGroup || apiGroups.indexOf(group) >= 0;
      return (
        inGroup &&
        resources.some((pattern) => pattern === "*" || pattern === text || (subresource !== "" && pattern === `*/${subresource}`))
      );
    });
    for (const verb of VERBS) {
      if (!anyVerb && verbs.indexOf(verb) < 0) continue;
      for (const one of matching)
        for (const name of resourceNames.length === 0 ? ["*"] : resourceNames) allowed.add(`${verb} ${wordsOf(one)} ${name}`);
    }
  }
  return allowed;
}

const jane: Identity = { user: "jane", groups: ["system:authenticated"] };
let server: TestGateway;
let clusterRoles: readonly ClusterRole[];
let roles: readonly Role[];

beforeAll(async () => {
  server = await startGateway({ controllers: ["cluster-role-aggregation"] });
  const items = async <T>(path: string): Promise<readonly T[]> => (await server.call("GET", `/apis/${RBAC}/v1/${path}`)).json().items;
  // Those that are put together of others are when the controller has looked.
  await vi.waitUntil(async () => {
    clusterRoles = await items<ClusterRole>("clusterroles");
    return ["admin", "edit", "view"].every((name) => (clusterRoles.find(({ metadata }) => metadata.name === name)?.rules ?? []).length > 5);
  }, 20_000);
  roles = await items<Role>("roles");
});
afterAll(() => server.stop());

/** Asks for everything in a namespace; gives how often, and where the answer is not the oracle's. */
function compare(
  index: RoleIndex,
  rules: readonly PolicyRule[],
  namespace: string,
  bound: boolean,
): { asked: number; wrong: readonly string[] } {
  const all = universe(rules);
  const allowed = bound ? allowedBy(rules, all) : new Set<string>();
  const wrong: string[] = [];
  let asked = 0;
  const names = [...new Set([...NAMES, ...rules.flatMap(({ resourceNames = [] }) => resourceNames)])];
  for (const one of all) {
    for (const verb of VERBS) {
      const always = allowed.has(`${verb} ${wordsOf(one)} *`);
      for (const name of names) {
        const expected = always || (name !== "" && allowed.has(`${verb} ${wordsOf(one)} ${name}`));
        const decided = index.authorize(jane, onResource({ ...one, verb, namespace, name })).allowed;
        asked++;
        if (decided !== expected) wrong.push(`${verb} ${wordsOf(one)} ${name}: ${decided}`);
      }
    }
  }
  return { asked, wrong };
}

describe("every default role times every resource and verb", () => {
  test("as a cluster role that is bound everywhere, in one namespace, or not at all", () => {
    expect(clusterRoles.length).toBeGreaterThan(60);
    let asked = 0;
    for (const { metadata, rules = [] } of clusterRoles) {
      const roleRef = { apiGroup: RBAC, kind: "ClusterRole", name: metadata.name };
      const subject = { kind: "User", apiGroup: RBAC, name: "jane" };
      for (const boundIn of ["", "a"]) {
        const index = new RoleIndex();
        index.setRole(`clusterroles/${metadata.name}`, rules);
        index.setBinding("b", "b", boundIn, roleRef, [subject]);
        for (const namespace of ["", "a", "b"]) {
          const result = compare(index, rules, namespace, boundIn === "" || boundIn === namespace);
          expect(result.wrong, `${metadata.name} bound in "${boundIn}", asked in "${namespace}"`).toEqual([]);
          asked += result.asked;
        }
      }
    }
    expect(asked).toBeGreaterThan(1_000_000);
  });

  test("as a role of its namespace", () => {
    expect(roles.length).toBeGreaterThan(5);
    for (const { metadata, rules = [] } of roles) {
      const own = metadata.namespace ?? "";
      const index = new RoleIndex();
      index.setRole(`roles/${own}/${metadata.name}`, rules);
      index.setBinding("b", "b", own, { apiGroup: RBAC, kind: "Role", name: metadata.name }, [
        { kind: "User", apiGroup: RBAC, name: "jane" },
      ]);
      for (const namespace of [own, "other", ""])
        expect(compare(index, rules, namespace, namespace === own).wrong, `${own}/${metadata.name} in "${namespace}"`).toEqual([]);
    }
  });

  test("by way of the API, where somebody has two of them: a draw", async () => {
    const random = seededRandom(34);
    const draw = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)] as T;
    const review = (call: Call, spec: object) => call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { spec });
    for (let round = 0; round < 12; round++) {
      const user = `drawn-${round}`;
      const two = [draw(clusterRoles), draw(clusterRoles)];
      for (const [index, { metadata }] of two.entries()) {
        const roleRef = { apiGroup: RBAC, kind: "ClusterRole", name: metadata.name };
        const body = { metadata: { name: `${user}-${index}` }, roleRef, subjects: [{ kind: "User", apiGroup: RBAC, name: user }] };
        expect((await server.call("POST", `/apis/${RBAC}/v1/clusterrolebindings`, body)).status).toBe(201);
      }
      const rules = two.flatMap(({ rules = [] }) => rules);
      const all = universe(rules);
      const allowed = allowedBy(rules, all);
      const questions = Array.from({ length: 10 }, () => ({ one: draw(all), verb: draw(VERBS) }));
      for (const { one, verb } of questions) {
        const { status } = (await review(server.call, { user, resourceAttributes: { ...one, verb, namespace: "default" } })).json();
        expect(status.allowed, `${verb} ${wordsOf(one)} by ${two.map(({ metadata }) => metadata.name).join(" and ")}`).toBe(
          allowed.has(`${verb} ${wordsOf(one)} *`),
        );
      }
    }
  });
});
