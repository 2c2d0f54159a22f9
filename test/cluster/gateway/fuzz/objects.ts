import type { FieldType, ScalarName } from "../../../../actors/kinds/machinery/schema.ts";
import { definitionNamed, definitionOf } from "../../../../actors/kinds/machinery/schema.ts";
import type { Choices } from "./choices.ts";
import { hostileNumber, hostileString, hostileValue, Raw } from "./hostile.ts";

type Members = Record<string, unknown>;

/** A place in an object that can be changed, and what its schema says of it. */
interface Place {
  readonly holder: Members | unknown[];
  readonly key: string | number;
  readonly type: FieldType | undefined;
}

/** A struct in an object. */
interface Struct {
  readonly members: Members;
  readonly definition: string;
}

const DEPTH_MAX = 5;
const FIELDS_MAX = 4;

/** Words that some field or other takes; most fields take none of them. */
const WORDS: readonly string[] = [
  "x",
  "a",
  "http",
  "Always",
  "Never",
  "OnFailure",
  "Recreate",
  "RollingUpdate",
  "OnDelete",
  "Exists",
  "Equal",
  "In",
  "NotIn",
  "DoesNotExist",
  "NoSchedule",
  "NoExecute",
  "TCP",
  "UDP",
  "None",
  "ClusterIP",
  "NodePort",
  "LoadBalancer",
  "ExternalName",
  "Filesystem",
  "Block",
  "Retain",
  "Delete",
  "ReadWriteOnce",
  "HTTP",
  "File",
  "Local",
  "Cluster",
  "Resource",
  "Pods",
  "Utilization",
  "AverageValue",
  "Value",
  "Fail",
  "Ignore",
  "Exact",
  "Prefix",
  "Foreground",
  "Allow",
  "Forbid",
  "Replace",
  "Indexed",
  "metadata.name",
  "kubernetes.io/x",
  "10.1.2.3",
  "10%",
  "/x",
  "true",
  "object.spec.x",
  "has(self.x)",
];

const SCALARS: Readonly<Record<ScalarName, readonly unknown[]>> = {
  string: WORDS,
  int32: [1, 0, 2, 80, 100, -1, 65536, 2147483647],
  int64: [1, 0, 2, 1000, -1, new Raw("9223372036854775807")],
  double: [1, 0.5, -1],
  boolean: [true, false],
  time: ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456Z", null],
  microTime: ["2026-01-01T00:00:00.000000Z"],
  bytes: ["eA==", ""],
  quantity: ["1", "100m", "1Gi", "0", "-1", 1, 0.5],
  intOrString: [1, "10%", "http", 0],
  any: [{}, { a: 1 }, null, "x"],
};

const MAP_KEYS: readonly string[] = ["a", "app", "cpu", "memory", "storage", "kubernetes.io/x", ".dockerconfigjson"];

/** A value that the type allows, most often. */
function plausible(type: FieldType, choices: Choices, depth: number): unknown {
  switch (type.form) {
    case "scalar":
      return choices.of(SCALARS[type.name]);
    case "list":
      return depth <= 0 ? [] : Array.from({ length: 1 + choices.below(2) }, () => plausible(type.item, choices, depth - 1));
    case "map":
      return depth <= 0 ? {} : { [choices.of(MAP_KEYS)]: plausible(type.value, choices, depth - 1) };
    case "ref":
      return structOf(type.type, choices, depth);
  }
}

function structOf(name: string, choices: Choices, depth: number): unknown {
  const definition = definitionOf(name);
  if (definition === undefined) return { a: 1 };
  const made: Members = {};
  const fields = [...definition.fields.values()];
  for (const field of fields) {
    if (field.presence === "required") made[field.name] = plausible(field.type, choices, depth - 1);
  }
  if (depth <= 0) return made;
  for (let count = choices.below(FIELDS_MAX); count > 0; count--) {
    const field = choices.of(fields);
    if (field !== undefined) made[field.name] = plausible(field.type, choices, depth - 1);
  }
  return made;
}

/** Changes an object of this schema at `count` places: some of it stays right, some comes near, some is absurd. Changes the object. */
export function vary(object: Members, schema: string, choices: Choices, count: number): void {
  const root = definitionNamed(schema)?.type;
  for (let change = 0; change < count; change++) varyOnce(object, root, choices);
}

function varyOnce(object: Members, root: string | undefined, choices: Choices): void {
  const places: Place[] = [];
  const structs: Struct[] = [];
  survey(object, root === undefined ? undefined : { form: "ref", type: root }, places, structs);
  // Most changes are ones that may be right: what is refused at once tests nothing behind.
  const change = choices.below(8);
  if (change >= 4 && change < 7 && places.length === 0) return;
  switch (change) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const struct = choices.of(structs);
      const fields = [...(definitionOf(struct?.definition ?? "")?.fields.values() ?? [])];
      const field = choices.of(fields);
      if (struct !== undefined && field !== undefined) struct.members[field.name] = plausible(field.type, choices, DEPTH_MAX);
      return;
    }
    case 4: {
      const { holder, key, type } = choices.of(places);
      put(holder, key, type === undefined ? hostileValue(choices) : hostileOf(type, choices));
      return;
    }
    case 5: {
      const { holder, key } = choices.of(places);
      put(holder, key, hostileValue(choices));
      return;
    }
    case 6: {
      const { holder, key } = choices.of(places);
      if (Array.isArray(holder)) holder.push(structuredClone(holder[key as number]));
      else delete holder[key];
      return;
    }
    default: {
      const struct = choices.of(structs);
      if (struct !== undefined) put(struct.members, hostileString(choices), hostileValue(choices));
    }
  }
}

/** Sets a member as JSON.parse would: `__proto__` is a name like others. */
function put(holder: Members | unknown[], key: string | number, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A value of the right JSON type that few fields take. */
function hostileOf(type: FieldType, choices: Choices): unknown {
  if (type.form === "list") return choices.of([[], [null], [hostileOf(type.item, choices)]]);
  if (type.form === "map") return choices.of([{}, { [hostileString(choices)]: hostileOf(type.value, choices) }]);
  if (type.form === "ref") return choices.of([{}, null]);
  switch (type.name) {
    case "int32":
    case "int64":
    case "double":
      return hostileNumber(choices);
    case "boolean":
      return choices.of([true, null]);
    case "quantity":
    case "intOrString":
      return choices.below(2) === 0 ? hostileString(choices) : hostileNumber(choices);
    default:
      return hostileString(choices);
  }
}

function survey(value: unknown, type: FieldType | undefined, places: Place[], structs: Struct[]): void {
  if (value instanceof Raw || typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    const item = type?.form === "list" ? type.item : undefined;
    for (const [index, one] of value.entries()) {
      places.push({ holder: value, key: index, type: item });
      survey(one, item, places, structs);
    }
    return;
  }
  const members = value as Members;
  const fields = type?.form === "ref" ? definitionOf(type.type)?.fields : undefined;
  if (type?.form === "ref" && fields !== undefined) structs.push({ members, definition: type.type });
  for (const name of Object.keys(members)) {
    const inner = type?.form === "map" ? type.value : fields?.get(name)?.type;
    places.push({ holder: members, key: name, type: inner });
    survey(members[name], inner, places, structs);
  }
}
