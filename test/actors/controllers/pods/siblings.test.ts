import { expect, test } from "vitest";
import { Siblings } from "../../../../actors/controllers/pods/siblings.ts";

const labels = (app: string): Record<string, string> => ({ app, tier: "front" });

test("what siblings have alike is the same, and nothing else", () => {
  const siblings = new Siblings();
  const first = siblings.shared({ controllerUid: "a", labels: labels("web") });
  const second = siblings.shared({ controllerUid: "a", labels: labels("web") });
  expect(second).toBe(first);
  const strangers = siblings.shared({ controllerUid: "b", labels: labels("web") });
  expect(strangers).toEqual({ controllerUid: "b", labels: labels("web") });
  expect(strangers).not.toBe(first);
});

test("who has other labels keeps them, fewer and more as well, and those that come later are like the newest", () => {
  const siblings = new Siblings();
  siblings.shared({ controllerUid: "a", labels: labels("web") });
  for (const own of [labels("other"), { app: "other" }, { app: "other", tier: "front", extra: "" }, {}]) {
    const shared = siblings.shared({ controllerUid: "a", labels: own });
    expect(shared).toEqual({ controllerUid: "a", labels: own });
    expect(siblings.shared({ controllerUid: "a", labels: { ...own } })).toBe(shared);
  }
});

test("only so many controllers are remembered, and those that are forgotten begin anew", () => {
  const siblings = new Siblings();
  const first = siblings.shared({ controllerUid: "0", labels: labels("web") });
  const others = (count: number): void => {
    for (let uid = 1; uid <= count; uid++) siblings.shared({ controllerUid: `other ${uid}`, labels: {} });
  };
  others(511);
  expect(siblings.shared({ controllerUid: "0", labels: labels("web") })).toBe(first);
  others(1_024);
  const again = siblings.shared({ controllerUid: "0", labels: labels("web") });
  expect(again).toEqual(first);
  expect(again).not.toBe(first);
});
