import { expect, test } from "vitest";
import { parseManifests } from "../../../../cluster/console/web/objects/yaml/manifest.ts";

const TWO = `# first
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
---
# nothing
---
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: c
          image: x
        - {name: d, image: y}
`;

test("documents are read one by one, empty ones left out", () => {
  const parsed = parseManifests(TWO);
  if ("faults" in parsed) throw new Error("it is YAML");
  expect(parsed.manifests.map(({ value }) => (value as { kind: string }).kind)).toEqual(["ConfigMap", "Deployment"]);
});

test("a field is found at its line of the whole text; one that is not there, where it would be", () => {
  const parsed = parseManifests(TWO);
  const [first, second] = "manifests" in parsed ? parsed.manifests : [];
  expect(first?.lineOf("metadata.name")).toBe(5);
  expect(second?.lineOf("spec.template.spec.containers[0].image")).toBe(15);
  expect(second?.lineOf("spec.template.spec.containers[1].image")).toBe(16);
  expect(second?.lineOf("spec.template.spec.containers[7]")).toBe(13);
  expect(second?.lineOf("spec.replicas")).toBe(10);
});

test("what cannot be read says where", () => {
  expect(parseManifests("a: 1\nb: [\n")).toMatchObject({ faults: [{ line: 3 }] });
  expect(parseManifests("a: 1\na: 2\n")).toMatchObject({ faults: [{ message: "Map keys must be unique", line: 2 }] });
});
