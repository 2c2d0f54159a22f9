import { describe, expect, test } from "vitest";
import { CustomResourceDefinitionKind } from "../../../../actors/kinds/apiextensions/custom-resource-definition.ts";
import type { StructuralSchema, ValidationRule } from "../../../../actors/kinds/custom/structural-schema.ts";
import type { CustomResourceDefinition } from "../../../../actors/kinds/generated/types.ts";

const OPEN: StructuralSchema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** A definition as it is when it comes to be validated. */
function definition(spec: object = {}, version: object = {}): CustomResourceDefinition {
  const made = {
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: OPEN }, ...version }],
      ...spec,
    },
  } as unknown as CustomResourceDefinition;
  CustomResourceDefinitionKind.applyDefaults?.(made);
  CustomResourceDefinitionKind.prepareForCreate?.(made, { now_ms: 0 });
  return made;
}

function says(made: CustomResourceDefinition): string[] {
  return CustomResourceDefinitionKind.validate(made).map(({ field, message }) => `${field}: ${message}`);
}

const V = "spec.validation.openAPIV3Schema";

/** The schema of `spec` and what is said of it. */
const SCHEMAS: readonly (readonly [schema: StructuralSchema, ...says: readonly string[]])[] = [
  [{ type: "object", properties: { a: { type: "string" } } }],
  [{}, "properties[spec].type: Required value: must not be empty for specified object fields"],
  [{ type: "array" }, "properties[spec].items: Required value: must be specified"],
  [{ type: "array", items: {} }, "properties[spec].items.type: Required value: must not be empty for specified array items"],
  [
    { type: "text" },
    'properties[spec].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"',
  ],
  [
    { type: "object", properties: { a: { type: "string" } }, additionalProperties: { type: "string" } },
    "properties[spec].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
  ],
  [{ type: "object", anyOf: [{ properties: { a: { minLength: 1 } } }] }],
  [
    { type: "object", properties: { a: { type: "string" } }, oneOf: [{ properties: { a: { type: "string" } } }] },
    "properties[spec].oneOf[0].properties[a].type: Forbidden: must be empty to be structural",
  ],
  [{ "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] }],
  [
    { type: "array", items: { type: "string" }, uniqueItems: true },
    "properties[spec].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
  ],
  [
    { type: "array", "x-kubernetes-list-type": "map", items: { type: "object", properties: { k: { type: "string" } } } },
    "properties[spec].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
  ],
  [
    {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      items: { type: "object", properties: { k: { type: "string" } } },
    },
    "properties[spec].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
  ],
  [
    { type: "integer", default: "x" },
    'properties[spec].default: Invalid value: "string": V.properties[spec].default in body must be of type integer: "string"',
  ],
  [{ type: "object", default: { a: 1 } }, 'properties[spec].default: Invalid value: {"a":1}: must not have unknown fields'],
  [
    { type: "object", "x-kubernetes-validations": [{ rule: "" }] },
    "properties[spec].x-kubernetes-validations[0].rule: Required value: rule is not specified",
  ],
  [
    { type: "array", items: { type: "object", "x-kubernetes-validations": [{ rule: "self == oldSelf" }] } },
    'properties[spec].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within V.properties[spec]',
  ],
];

describe("schemas in definitions", () => {
  for (const [schema, ...wanted] of SCHEMAS) {
    test(JSON.stringify(schema), () => {
      const root: StructuralSchema = { type: "object", properties: { spec: schema } };
      const found = says(definition({}, { schema: { openAPIV3Schema: root } }));
      expect(found).toEqual(wanted.map((words) => `${V}.${words.replaceAll("V.", `${V}.`)}`));
    });
  }

  test("what alternatives at the root speak of must be there outside of them", () => {
    const schema: StructuralSchema = { type: "object", anyOf: [{ properties: { a: { minLength: 1 } } }] };
    expect(says(definition({}, { schema: { openAPIV3Schema: schema } }))).toEqual([
      `${V}.properties[a]: Required value: because it is defined in ${V}.anyOf[0].properties[a]`,
    ]);
  });

  describe("rules that could cost too much are refused", () => {
    const HINT =
      "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
    const V0 = "properties[names].x-kubernetes-validations[0]";
    const names = (rule: ValidationRule, more: StructuralSchema = {}, times = 1): StructuralSchema => ({
      type: "object",
      properties: {
        names: {
          type: "array",
          items: { type: "string" },
          ...more,
          "x-kubernetes-validations": Array.from({ length: times }, () => rule),
        },
      },
    });
    const dear = { rule: "self.all(x, x.matches('^a+$'))" };
    test.each<[string, StructuralSchema, string[]]>([
      ["within", names(dear, { maxItems: 10, items: { type: "string", maxLength: 63 } }), []],
      [
        "no limit",
        names({ rule: "self.all(x, self.all(y, x == y))" }),
        [
          `V.${V0}.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${HINT}`,
          `V.${V0}.rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
          `V: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${HINT}`,
        ],
      ],
      [
        "a large limit",
        names({ rule: "self.all(x, self.all(y, x == y))" }, { maxItems: 2_000, items: { type: "string", maxLength: 5 } }),
        [`V.${V0}.rule: Forbidden: estimated rule cost exceeds budget by factor of 2.8x ${HINT}`],
      ],
      [
        "a message",
        names({ rule: "self.size() > 0", messageExpression: "self.map(x, self.join(x)).join(',')" }, { maxItems: 30 }),
        [
          `V.${V0}.messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of more than 100x ${HINT}`,
          `V.${V0}.messageExpression: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
          `V: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of 11.1x ${HINT}`,
        ],
      ],
    ])("%s", (_what, schema, wanted) => {
      expect(says(definition({}, { schema: { openAPIV3Schema: schema } }))).toEqual(wanted.map((words) => words.replace(/^V/, V)));
    });
  });

  const FIELDS: StructuralSchema = {
    type: "object",
    properties: {
      a: { type: "string" },
      list: { type: "array", maxItems: 100, items: { type: "object", properties: { x: { type: "integer" } } } },
      map: { type: "object", additionalProperties: { type: "object", properties: { y: { type: "integer" } } } },
    },
  };

  test.each([
    ["self.spec.a == self.metadata.name && self.kind != ''", undefined],
    ["self.spec.list.all(i, i.x > 0 && self.spec.map['k'].y > 0)", undefined],
    ["has(self.spec.nope)", "ERROR: <input>:1:14: undefined field 'nope'\n | has(self.spec.nope)\n | .............^"],
    [
      "self.spec.list.exists(i, i.y > 0)",
      "ERROR: <input>:1:27: undefined field 'y'\n | self.spec.list.exists(i, i.y > 0)\n | ..........................^",
    ],
    ["self.metadata.labels.size() > 0", "undefined field 'labels'"],
  ])("a rule may only name fields that there are: %s", (rule, words) => {
    const schema: StructuralSchema = { type: "object", properties: { spec: FIELDS }, "x-kubernetes-validations": [{ rule }] };
    const found = says(definition({}, { schema: { openAPIV3Schema: schema } }));
    if (words === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringContaining(words)]);
  });

  test("a rule that cannot be read is refused", () => {
    const schema: StructuralSchema = { ...OPEN, "x-kubernetes-validations": [{ rule: "self.a <" }] };
    expect(says(definition({}, { schema: { openAPIV3Schema: schema } }))[0]).toContain("compilation failed: ERROR: <input>");
  });
});

describe("definitions", () => {
  test("a good one", () => expect(says(definition())).toEqual([]));

  test("facts of the kind", () => {
    expect(says(definition({ group: "example" }))).toContain(
      'spec.group: Invalid value: "example": should be a domain with at least one dot',
    );
    expect(says(definition({ scope: "Galaxy" }))).toEqual([
      'spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"',
    ]);
    expect(says(definition({ group: "x.k8s.io" })).at(-1)).toContain("protected groups must have approval annotation");
    expect(says(definition({}, { schema: undefined }))).toEqual(["spec.versions[0].schema.openAPIV3Schema: Required value"]);
  });

  test("what only one of several versions says is said of that version", () => {
    const other = { name: "v2", served: true, storage: false, schema: { openAPIV3Schema: { type: "object", properties: { spec: {} } } } };
    const made = definition();
    (made.spec.versions as object[]).push(other);
    const [first] = says(made);
    expect(first).toBe(
      "spec.versions[1].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields",
    );
  });

  test("columns, scale and selectable fields", () => {
    expect(says(definition({}, { additionalPrinterColumns: [{ name: "A", type: "text", jsonPath: "spec" }] }))).toEqual([
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
    ]);
    const scale = { specReplicasPath: ".replicas", statusReplicasPath: ".status.replicas" };
    expect(says(definition({}, { subresources: { scale } }))).toEqual([
      'spec.subresources.scale.specReplicasPath: Invalid value: ".replicas": should be a json path under .spec',
    ]);
    expect(says(definition({}, { selectableFields: [{ jsonPath: ".spec.nope" }] }))).toEqual([
      'spec.selectableFields[0].jsonPath: Invalid value: ".spec.nope": is an invalid path: does not refer to a valid field',
    ]);
  });

  test("a version that objects were stored in stays", () => {
    const current = definition();
    const next = definition({ versions: [{ name: "v2", served: true, storage: true, schema: { openAPIV3Schema: OPEN } }] });
    CustomResourceDefinitionKind.prepareForUpdate?.(next, current, { now_ms: 0 });
    expect(next.status?.storedVersions).toEqual(["v1", "v2"]);
    expect(says(next)[0]).toContain('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions');
  });
});
