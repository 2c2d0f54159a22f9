import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { Kubectl } from "./kubectl.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** A CustomResourceDefinition and its objects, through the life that kubectl gives them. The default cluster: its controllers know them as well. */
let troupe: Troupe;
let kubectl: Kubectl;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "1"]);
  kubectl = troupe.kubectl;
  await kubectl.ok(["apply", "-f", "-"], { stdin: DEFINITION });
  await kubectl.ok(["wait", "--for=condition=Established", "crd/crontabs.stable.example.com", "--timeout=10s"]);
});
afterAll(() => troupe?.discard());

const DEFINITION = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: crontabs.stable.example.com }
spec:
  group: stable.example.com
  scope: Namespaced
  names: { plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all, mine] }
  versions:
  - name: v1
    served: true
    storage: true
    subresources: { status: {}, scale: { specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector } }
    selectableFields: [{ jsonPath: .spec.image }]
    additionalPrinterColumns:
    - { name: Spec, type: string, jsonPath: .spec.cronSpec, description: when }
    - { name: Replicas, type: integer, jsonPath: .spec.replicas }
    - { name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status' }
    - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }
    schema:
      openAPIV3Schema:
        type: object
        description: A cron table.
        properties:
          spec:
            type: object
            description: What it should be.
            required: [cronSpec]
            x-kubernetes-validations:
            - { rule: "self.replicas <= self.max", messageExpression: "'replicas %d over %d'.format([self.replicas, self.max])" , fieldPath: .replicas, reason: FieldValueForbidden }
            - { rule: "self.cronSpec == oldSelf.cronSpec", message: cronSpec is immutable }
            properties:
              cronSpec: { type: string, pattern: '^\\S+( \\S+){4}$', description: When to run. }
              image: { type: string }
              replicas: { type: integer, default: 1, minimum: 0 }
              max: { type: integer, default: 10 }
              port: { x-kubernetes-int-or-string: true }
              anything: { type: object, x-kubernetes-preserve-unknown-fields: true }
              tags: { type: array, x-kubernetes-list-type: set, items: { type: string } }
              ports: { type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: { type: object, required: [name], properties: { name: { type: string }, number: { type: integer } } } }
          status: { type: object, properties: { replicas: { type: integer }, selector: { type: string }, conditions: { type: array, items: { type: object, properties: { type: { type: string }, status: { type: string } } } } } }
  - name: v1beta1
    served: true
    storage: false
    deprecated: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: { type: object, properties: { cronSpec: { type: string }, replicas: { type: integer } } }
`;

const OBJECT = `
apiVersion: stable.example.com/v1
kind: CronTab
metadata: { name: a, namespace: default, labels: { x: z } }
spec: { cronSpec: "* * * * 1", port: http, anything: { deep: [1, { a: b }] }, tags: [a, b], ports: [{ name: x, number: 1 }] }
`;

async function spec(): Promise<Record<string, unknown>> {
  return (await kubectl.json<{ spec: Record<string, unknown> }>(["get", "ct", "a"])).spec;
}

describe("custom resources", () => {
  test("are in discovery, and explained", async () => {
    const resources = await kubectl.ok(["api-resources", "--api-group=stable.example.com", "--no-headers"]);
    expect(resources).toMatch(/^crontabs +ct +stable\.example\.com\/v1 +true +CronTab$/m);
    expect(await kubectl.ok(["explain", "ct.spec.ports.number"])).toContain("FIELD: number <integer>");
    expect(await kubectl.ok(["explain", "ct"])).toContain("A cron table.");
  });

  test("are applied, left alone when applied again, printed and described", async () => {
    expect(await kubectl.ok(["apply", "-f", "-"], { stdin: OBJECT })).toMatch(/created$/);
    expect(await kubectl.ok(["apply", "-f", "-"], { stdin: OBJECT })).toMatch(/unchanged$/);
    expect(await kubectl.ok(["get", "ct", "--no-headers"])).toMatch(/^a +\* \* \* \* 1 +1 +\d+s$/);
    expect(await kubectl.ok(["get", "mine", "-o", "name"])).toBe("crontab.stable.example.com/a");
    expect(await kubectl.ok(["describe", "ct", "a"])).toMatch(/^ {2}Cron Spec: +\* \* \* \* 1$/m);
    expect(await spec()).toMatchObject({ replicas: 1, max: 10, port: "http", anything: { deep: [1, { a: "b" }] } });
  });

  test("are refused in Kubernetes' words", async () => {
    const bad = OBJECT.replace("name: a,", "name: bad,").replace("* * * * 1", "x").replace("tags: [a, b]", "tags: [a, a]");
    const said = await kubectl.refused(["create", "-f", "-"], { stdin: bad });
    expect(said).toContain("spec.cronSpec: Invalid value: \"x\": spec.cronSpec in body should match '^\\S+( \\S+){4}$'");
    expect(said).toContain('spec.tags[1]: Duplicate value: "a"');
    const unknown = OBJECT.replace("port: http", "nope: 1");
    expect(await kubectl.refused(["apply", "-f", "-"], { stdin: unknown })).toContain('unknown field "spec.nope"');
    const strategic = ["patch", "ct", "a", "--type=strategic", "-p", '{"spec":{"max":1}}'];
    expect(await kubectl.refused(strategic)).toContain("accepted media types include: application/json-patch+json");
  });

  test("obey the rules of their definition", async () => {
    await kubectl.ok(["scale", "ct", "a", "--replicas=3"]);
    expect(await kubectl.refused(["scale", "ct", "a", "--replicas=30"])).toContain("spec.replicas: Forbidden: replicas 30 over 10");
    const other = ["patch", "ct", "a", "--type=merge", "-p", '{"spec":{"cronSpec":"* * * * 2"}}'];
    expect(await kubectl.refused(other)).toContain('spec: Invalid value: "object": cronSpec is immutable');
    expect(await spec()).toMatchObject({ replicas: 3 });
  });

  test("their lists merge by their keys when they are applied by the server", async () => {
    const apply = (manager: string, port: string): readonly [string[], { stdin: string }] => [
      ["apply", "--server-side", `--field-manager=${manager}`, "-f", "-"],
      {
        stdin: `apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: { name: b }\nspec: { cronSpec: "* * * * 1", ports: [{ ${port} }] }`,
      },
    ];
    await kubectl.ok(...apply("one", "name: x, number: 1"));
    await kubectl.ok(...apply("two", "name: z, number: 2"));
    const ports = await kubectl.ok(["get", "ct", "b", "-o", "jsonpath={.spec.ports[*].name}"]);
    expect(ports).toBe("x z");
    expect(await kubectl.refused(apply("two", "name: x, number: 9")[0], apply("two", "name: x, number: 9")[1])).toContain(
      '.spec.ports[name="x"].number',
    );
    await kubectl.ok(["delete", "ct", "b"]);
  });

  test("are selected by their own fields", async () => {
    await kubectl.ok(["patch", "ct", "a", "--type=json", "-p", '[{"op":"add","path":"/spec/image","value":"i"}]']);
    expect(await kubectl.ok(["get", "ct", "--field-selector", "spec.image=i", "-o", "name"])).toBe("crontab.stable.example.com/a");
    expect(await kubectl.ok(["get", "ct", "--field-selector", "spec.image=j", "-o", "name"])).toBe("");
  });

  test("are served in each version by its own schema", async () => {
    const old = await kubectl.json<object>(["get", "crontabs.v1beta1.stable.example.com", "a"]);
    expect(old).toMatchObject({ apiVersion: "stable.example.com/v1beta1", spec: { cronSpec: "* * * * 1", replicas: 3 } });
    expect(old).not.toHaveProperty("spec.ports");
  });

  test("are there after a restart, with their definition", async () => {
    const { data } = troupe;
    await troupe.stop();
    troupe = await Troupe.up(data, ["--nodes", "1"]);
    kubectl = troupe.kubectl;
    expect(await kubectl.ok(["get", "ct", "a", "-o", "jsonpath={.spec.image}"])).toBe("i");
    expect(await kubectl.refused(["scale", "ct", "a", "--replicas=30"])).toContain("replicas 30 over 10");
  });

  test("own, are owned, and go with their namespace", async () => {
    await kubectl.ok(["create", "namespace", "other"]);
    await kubectl.ok(["apply", "-n", "other", "-f", "-"], { stdin: OBJECT.replace("namespace: default, ", "") });
    const uid = await kubectl.ok(["get", "ct", "a", "-n", "other", "-o", "jsonpath={.metadata.uid}"]);
    const owner = `{ apiVersion: stable.example.com/v1, kind: CronTab, name: a, uid: ${uid} }`;
    const owned = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: owned, namespace: other, ownerReferences: [${owner}] }`;
    await kubectl.ok(["create", "-f", "-"], { stdin: owned });
    await kubectl.ok(["delete", "ct", "a", "-n", "other"]);
    await until(
      "the garbage collector has taken what it owned",
      async () => (await kubectl.run(["get", "cm", "owned", "-n", "other"])).code !== 0,
    );
    await kubectl.ok(["apply", "-n", "other", "-f", "-"], { stdin: OBJECT.replace("namespace: default, ", "") });
    await kubectl.ok(["delete", "namespace", "other", "--timeout=20s"]);
    expect(await kubectl.ok(["get", "ct", "-A", "-o", "jsonpath={.items[*].metadata.namespace}"])).toBe("default");
  });

  test("go with their definition", async () => {
    await kubectl.ok(["delete", "crd", "crontabs.stable.example.com", "--timeout=10s"]);
    expect(await kubectl.refused(["get", "ct"])).toMatch(/the server could not find the requested resource|doesn't have a resource type/);
  });

  test("a definition that is none is refused", async () => {
    const loose = DEFINITION.replace("image: { type: string }", "image: {}");
    expect(await kubectl.refused(["create", "-f", "-"], { stdin: loose })).toContain(
      "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[image].type: Required value: must not be empty for specified object fields",
    );
  });
});
