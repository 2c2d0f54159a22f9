import { expect, test } from "vitest";
import { taggedImage } from "../../../../actors/node/images/image-name.ts";

test.each([
  ["busybox", "busybox:latest"],
  ["example.com:5000/a/b", "example.com:5000/a/b:latest"],
  ["a:1", "a:1"],
  [`a@sha256:${"0".repeat(64)}`, `a@sha256:${"0".repeat(64)}`],
])("%s is %s", (image, name) => {
  expect(taggedImage(image)).toBe(name);
});

test.each(["Upper", "a b", "a:", "https://example.com/a", "a/".repeat(130).concat("b")])("%s is no name", (image) => {
  expect(() => taggedImage(image)).toThrow(
    `Failed to apply default image tag ${JSON.stringify(image)}: couldn't parse image name ${JSON.stringify(image)}: invalid reference format`,
  );
});
