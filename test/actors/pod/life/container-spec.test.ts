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
};
const pod = (container: Partial<Container>): Pod => ({
  metadata: { name: "p", namespace: "d", uid: "u", creationTimestamp: "" },
  spec: { containers: [{ name: "c", image: "i", ...container }] },
});

function subPathOf(subPathExpr: string): string | undefined {
  const container = { name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: "/m", subPathExpr }] };
  return containerSpecOf(pod(container), container, PROVIDED).mounts[0]?.subPath;
}

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
