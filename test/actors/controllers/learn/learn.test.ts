import { describe, expect, test } from "vitest";
import { evaluated, type World } from "../../../../actors/controllers/learn/expressions.ts";
import type { Badge, Challenge, Check, Solved } from "../../../../actors/controllers/learn/learn-objects.ts";
import { learnerName, withSolved } from "../../../../actors/controllers/learn/learner.ts";
import { planned, SetupFailure } from "../../../../actors/controllers/learn/setup.ts";
import { BUILT_IN_KINDS } from "../../../../actors/kinds/kinds.ts";
import type { View } from "../../../../actors/store/view.ts";

const ATTEMPT = { metadata: { name: "x-1", uid: "u" }, spec: { challenge: "x", user: "ada" } } as World["attempt"];

describe("a learner", () => {
  test("has a name of its own for every user, that Kubernetes takes", () => {
    const users = ["ada", "Ada", "ada@example.org", "system:serviceaccount:a:b", "€", "-", "a".repeat(300)];
    const names = users.map(learnerName);
    expect(new Set(names).size).toBe(users.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  });

  const solved = (challenge: string, points: number): Solved => ({ challenge, tier: "bronze", points, at: "2026-01-01T00:00:00Z" });
  const challenges = ["a", "b"].map((name) => ({ metadata: { name }, spec: { tier: "bronze" } })) as Challenge[];
  const badge = (name: string, requires: Badge["spec"]["requires"]): Badge => ({ metadata: { name }, spec: { requires } }) as Badge;
  const badges = [
    badge("all", { allOfTier: "bronze" }),
    badge("gold", { allOfTier: "gold" }),
    badge("rich", { points: 25 }),
    badge("one", { challenges: ["a"] }),
  ];

  test("has a challenge once, with the points that it had then, and badges as they are earned", () => {
    const first = withSolved(undefined, solved("a", 10), badges, challenges);
    expect(first).toMatchObject({ points: 10, badges: ["one"] });
    expect(withSolved(first, solved("a", 500), badges, challenges)).toEqual(first);
    const second = withSolved(first, solved("b", 20), badges, challenges);
    expect(second).toMatchObject({ points: 30, badges: ["all", "one", "rich"] });
    // A badge for all of a tier that has no challenges is nobody's; what is earned stays when more come.
    const more = [...challenges, { metadata: { name: "c" }, spec: { tier: "bronze" } } as Challenge];
    expect(withSolved(second, solved("b", 20), badges, more).badges).toEqual(["all", "one", "rich"]);
  });
});

describe("checks", () => {
  const world = (status: object, pods = 0): World => {
    const entries = Array.from({ length: pods }, (_, index) => ({ key: `pods/ns/${index}` }));
    const view = { list: () => entries, decode: () => ({ metadata: { name: "p", uid: "u" } }) } as unknown as View;
    return { view, kinds: BUILT_IN_KINDS, attempt: ATTEMPT, status: { phase: "Active", namespace: "ns", ...status } };
  };
  const check = (name: string, expression: string, more: object = {}): Check => ({ name, says: name, expression, ...more });

  test("hold now, or once, or only after others", () => {
    const checks = [
      check("now", "pods.size() == 2"),
      check("once", "pods.size() == 2", { once: true }),
      check("after", "pods.size() == 0", { after: ["once"] }),
    ];
    const before = evaluated(checks, world({}), "t0");
    expect(before.map(({ holds }) => holds)).toEqual([false, false, false]);
    const then = evaluated(checks, world({ checks: before }, 2), "t1");
    expect(then.map(({ holds }) => holds)).toEqual([true, true, false]);
    const last = evaluated(checks, world({ checks: then }), "t2");
    expect(last).toMatchObject([{ holds: false }, { holds: true, heldAt: "t1" }, { holds: true }]);
  });

  test("that cannot be said do not hold, and say why", () => {
    const said = evaluated(
      [check("field", "pods[0].spec.x == 1"), check("syntax", "1 +"), check("type", "'yes'"), check("setup", "setup['a/b'].uid == ''")],
      world({}),
      "t0",
    );
    for (const { holds, message } of said) expect({ holds, message }).toEqual({ holds: false, message: expect.stringMatching(/./) });
  });
});

test.each([
  [
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: { name: "$(namespace)-x" } },
    "may not make a ClusterRoleBinding",
  ],
  [{ apiVersion: "v1", kind: "Node", metadata: { name: "node-0" } }, "is to be called $(namespace)-..."],
  [{ apiVersion: "v1", kind: "Boat", metadata: { name: "x" } }, "is no kind here"],
])("setup refuses %j", (manifest, words) => {
  expect(() => planned([manifest], BUILT_IN_KINDS, ATTEMPT, "learn-x-1")).toThrow(SetupFailure);
  expect(() => planned([manifest], BUILT_IN_KINDS, ATTEMPT, "learn-x-1")).toThrow(words);
});

test("what setup makes is in the attempt's namespace whatever it says, is labelled as its own, and outside goes with it", () => {
  const [pod, node] = planned(
    [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", namespace: "kube-system" } as { name: string },
        spec: { nodeName: "$(namespace)-a" },
      },
      { apiVersion: "v1", kind: "Node", metadata: { name: "$(namespace)-a" } },
    ],
    BUILT_IN_KINDS,
    ATTEMPT,
    "learn-x-1",
  );
  expect(pod).toMatchObject({
    name: "pods/p",
    object: { metadata: { namespace: "learn-x-1", labels: { "learn.troupe.dev/attempt": "x-1" } }, spec: { nodeName: "learn-x-1-a" } },
  });
  expect(node?.object.metadata).toMatchObject({ name: "learn-x-1-a", ownerReferences: [{ kind: "Attempt", uid: "u" }] });
});
