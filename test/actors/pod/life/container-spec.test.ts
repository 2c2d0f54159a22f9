import { describe, expect, test } from "vitest";
import type { Container, Pod } from "../../../../actors/kinds/generated/types.ts";
import { containerSpecOf, type Provided } from "../../../../actors/pod/life/container-spec.ts";

const PROVIDED: Provided = {
  attempt: 0,
  imageId: "i",
  env: [
    { name: "NAME", value: "web" },
    { name: "UP", value: ".." },
    { name: "ROOT", value: "/tmp" },
    { name: "EMPTY", value: "" },
  ],
  volumes: new Map([["v", { path: "/volumes/v", readOnly: false }]]),
  features: {},
};
const pod = (container: Partial<Container>): Pod => ({
  metadata: { name: "p", namespace: "d", uid: "u", creationTimestamp: "" },
  spec: { containers: [{ name: "c", image: "i", ...container }] },
});

function subPathOf(subPathExpr: string): string | undefined {
  const container = { name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: "/m", subPathExpr }] };
  return containerSpecOf(pod(container), container, PROVIDED).mounts[0]?.subPath;
}

test.each([
  ["Disabled", true, false],
  ["IfPossible", true, true],
  ["IfPossible", false, false],
  ["Enabled", true, true],
  ["Enabled", false, undefined],
])("what is below a mount, %s, where that is possible: %s", (recursiveReadOnly, recursiveReadOnlyMounts, expected) => {
  const container = { name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: "/m", readOnly: true, recursiveReadOnly }] };
  const specOf = (): boolean | undefined =>
    containerSpecOf(pod(container), container, { ...PROVIDED, features: { recursiveReadOnlyMounts } }).mounts[0]?.recursiveReadOnly;
  if (expected === undefined)
    expect(specOf).toThrow(
      'failed to resolve recursive read-only mode: volume "v" requested recursive read-only mode, but it is not supported by the runtime',
    );
  else expect(specOf()).toBe(expected);
});

test("a command and its arguments say what variables stand for, and what they do not know stays as it is written", () => {
  const container = { name: "c", image: "i", command: ["echo", "a $(NAME)"], args: ["$(UP)/$(NONE)", "$$(NAME)"] };
  expect(containerSpecOf(pod(container), container, PROVIDED)).toMatchObject({
    command: ["echo", "a web"],
    args: ["../$(NONE)", "$(NAME)"],
  });
});

describe("a part of a volume by variables", () => {
  test("is what they stand for", () => {
    expect(subPathOf("logs/$(NAME)")).toBe("logs/web");
  });

  test.each([
    ["$(NONE)/$(EMPTY)/$(NAME)", "missing value for EMPTY, NONE"],
    ["$(ROOT)", "error SubPath `/tmp` must not be an absolute path"],
    ["a/$(UP)", "unable to provision SubPath `a/..`: must not contain '..'"],
  ])("%s is refused", (subPathExpr, why) => {
    expect(() => subPathOf(subPathExpr)).toThrow(why);
  });
});
