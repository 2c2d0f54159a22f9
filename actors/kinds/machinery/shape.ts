/**
 * Brings a decoded JSON body into the shape of its kind, as Go's decoder and encoder would: wrong types are refused in the decoder's
 * words, unknown fields are dropped and named, nulls and empty optional values are left out, what is always printed is added, and
 * quantities get their canonical form. The tables are compiled to closures once, so that a pod takes some microseconds.
 */
import { structFactsOf } from "../go-facts.ts";
import { jsonKind } from "./go-json.ts";
import { canonicalQuantity, QuantityError } from "./quantity.ts";
import type { Definition, FieldSchema, FieldType, ScalarName } from "./schema.ts";
import { definitionNamed, definitionOf } from "./schema.ts";
import { readTime } from "./time.ts";

/** The body does not fit; the message is the decoder's: `json: cannot unmarshal number into Go struct field ...`. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** Where a check stands: needed for words only, so it is a chain and not a text. A number is an index of a list. */
interface Place {
  readonly parent: Place | undefined;
  readonly step: string | number;
  /** The Go struct whose field this is; undefined for items of lists and maps. */
  readonly struct: string | undefined;
}

interface Walk {
  /** Paths of unknown fields, in the order of the body: `spec.containers[0].nope`. */
  readonly unknown: string[];
}

/**
 * Checks the value at `step` of `parent` and returns what to keep. The place of the value itself is made only by who goes
 * deeper, or fails: most values are neither.
 */
type Check = (value: unknown, parent: Place | undefined, step: string | number, struct: string | undefined, walk: Walk) => unknown;

type Struct = Record<string, unknown>;

function pathOf(place: Place | undefined): string {
  if (place === undefined) return "";
  const before = pathOf(place.parent);
  if (typeof place.step === "number") return `${before}[${place.step}]`;
  return before === "" ? place.step : `${before}.${place.step}`;
}

/** The decoder names the innermost struct, and the path as field names only. */
function mismatch(what: string, goType: string, parent: Place | undefined, step: string | number, struct: string | undefined): ShapeError {
  const steps: string[] = [];
  let innermost: string | undefined;
  for (let at: Place | undefined = { parent, step, struct }; at !== undefined; at = at.parent) {
    if (at.struct === undefined) continue;
    innermost ??= at.struct;
    steps.unshift(String(at.step));
  }
  const where = innermost === undefined ? "value" : `struct field ${innermost}.${steps.join(".")}`;
  return new ShapeError(`json: cannot unmarshal ${what} into Go ${where} of type ${goType}`);
}

const RANGE: Readonly<Record<"int32" | "int64", number>> = { int32: 2 ** 31, int64: 2 ** 63 };

function wholeNumber(name: "int32" | "int64", goType: string): Check {
  const limit = RANGE[name];
  return (value, parent, step, struct) => {
    if (typeof value !== "number") throw mismatch(jsonKind(value), goType, parent, step, struct);
    if (!Number.isInteger(value) || value >= limit || value < -limit) throw mismatch(`number ${value}`, goType, parent, step, struct);
    return value;
  };
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function base64(value: unknown, parent: Place | undefined, step: string | number, struct: string | undefined): string {
  if (typeof value !== "string") throw mismatch(jsonKind(value), "[]uint8", parent, step, struct);
  const compact = value.replace(/[\r\n]/g, "");
  if (BASE64.test(compact) && compact.length % 4 === 0) return compact;
  const wrong = /[^A-Za-z0-9+/\r\n]/.exec(value)?.index ?? value.length;
  throw new ShapeError(`illegal base64 data at input byte ${wrong}`);
}

function intOrString(value: unknown): unknown {
  if (typeof value === "string") return value;
  if (typeof value !== "number") throw mismatch(jsonKind(value), "int32", undefined, "", undefined);
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 31) throw mismatch(`number ${value}`, "int32", undefined, "", undefined);
  return value;
}

function quantity(value: unknown): string {
  try {
    return canonicalQuantity(typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value));
  } catch (error) {
    throw error instanceof QuantityError ? new ShapeError(error.message) : error;
  }
}

function timestamp(name: "time" | "microTime"): Check {
  return (value) => {
    const read = readTime(value, name === "microTime");
    if ("wrong" in read) throw new ShapeError(read.wrong);
    return read.text;
  };
}

const GO_SCALARS: Readonly<Record<ScalarName, string>> = {
  string: "string",
  int32: "int32",
  int64: "int64",
  double: "float64",
  boolean: "bool",
  time: "v1.Time",
  microTime: "v1.MicroTime",
  bytes: "[]uint8",
  quantity: "resource.Quantity",
  intOrString: "intstr.IntOrString",
  any: "runtime.RawExtension",
};

function scalarCheck(name: ScalarName, goType: string): Check {
  switch (name) {
    case "string":
      return (value, parent, step, struct) => {
        if (typeof value !== "string") throw mismatch(jsonKind(value), goType, parent, step, struct);
        return value;
      };
    case "boolean":
      return (value, parent, step, struct) => {
        if (typeof value !== "boolean") throw mismatch(jsonKind(value), goType, parent, step, struct);
        return value;
      };
    case "double":
      return (value, parent, step, struct) => {
        if (typeof value !== "number") throw mismatch(jsonKind(value), goType, parent, step, struct);
        return value;
      };
    case "int32":
    case "int64":
      return wholeNumber(name, goType);
    case "bytes":
      return base64;
    case "quantity":
      return quantity;
    case "intOrString":
      return intOrString;
    case "time":
    case "microTime":
      return timestamp(name);
    case "any":
      return (value) => value;
  }
}

/** What a null in a list or map becomes: the zero value of its type. */
function zeroOf(type: FieldType): unknown {
  if (type.form === "ref") return {};
  if (type.form === "list" || type.form === "map") return null;
  if (type.name === "string" || type.name === "bytes") return "";
  if (type.name === "boolean") return false;
  if (type.name === "quantity") return "0";
  return type.name === "time" || type.name === "microTime" || type.name === "any" ? null : 0;
}

export function goTypeOf(type: FieldType): string {
  switch (type.form) {
    case "scalar":
      return GO_SCALARS[type.name];
    case "ref":
      return definitionOf(type.type)?.name.split(".").slice(-2).join(".") ?? type.type;
    case "list":
      return `[]${goTypeOf(type.item)}`;
    case "map":
      return `map[string]${goTypeOf(type.value)}`;
  }
}

/** `Capability` -> `v1.Capability`, `[]Capability` -> `[]v1.Capability`; what has a package keeps it. */
function withPackage(goType: string): string {
  return goType.includes(".") ? goType : goType.replace(/(\[\]|\*)*/, (prefix) => `${prefix}v1.`);
}

function namedGoTypes(definition: Definition): ReadonlyMap<string, string> {
  const pairs = (structFactsOf(definition.type).types ?? "").split(" ").filter((pair) => pair !== "");
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf(":")), withPackage(pair.slice(pair.indexOf(":") + 1))]));
}

function typeCheck(type: FieldType, goType: string): Check {
  switch (type.form) {
    case "scalar":
      return scalarCheck(type.name, goType);
    case "ref": {
      let check: StructCheck | undefined;
      return (value, parent, step, struct, walk) => {
        check ??= structCheck(type.type);
        return check(value, { parent, step, struct }, walk);
      };
    }
    case "list": {
      const item = typeCheck(type.item, goType.startsWith("[]") ? goType.slice(2) : goTypeOf(type.item));
      const zero = zeroOf(type.item);
      return (value, parent, step, struct, walk) => {
        if (!Array.isArray(value)) throw mismatch(jsonKind(value), goType, parent, step, struct);
        const place = { parent, step, struct };
        for (let index = 0; index < value.length; index++) {
          const one: unknown = value[index];
          // A struct of which nothing is said is one all the same, with what it always has.
          const given = one === null && zero !== null && typeof zero === "object" ? {} : one;
          const kept = given === null ? zero : item(given, place, index, undefined, walk);
          if (kept !== one) value[index] = kept;
        }
        return value;
      };
    }
    case "map": {
      const item = typeCheck(type.value, goTypeOf(type.value));
      const zero = zeroOf(type.value);
      return (value, parent, step, struct, walk) => {
        if (typeof value !== "object" || value === null || Array.isArray(value)) {
          throw mismatch(jsonKind(value), goType, parent, step, struct);
        }
        const place = { parent, step, struct };
        const map = value as Struct;
        for (const key in map) {
          const one = map[key];
          const given = one === null && zero !== null && typeof zero === "object" ? {} : one;
          const kept = given === null ? zero : item(given, place, key, undefined, walk);
          if (kept !== one) map[key] = kept;
        }
        return map;
      };
    }
  }
}

/** Checks a struct that stands at `place`; undefined for the body itself. */
type StructCheck = (value: unknown, place: Place | undefined, walk: Walk) => unknown;

interface FieldCheck {
  readonly check: Check;
  readonly dropsEmpty: boolean;
}

interface Filler {
  readonly name: string;
  make(): unknown;
}

const compiled = new Map<string, StructCheck>();

function structCheck(type: string): StructCheck {
  let check = compiled.get(type);
  if (check === undefined) {
    check = compileStruct(type);
    compiled.set(type, check);
  }
  return check;
}

function compileStruct(type: string): StructCheck {
  const definition = definitionOf(type);
  if (definition === undefined) return (value) => value;
  const struct = definition.name.split(".").at(-1) ?? type;
  const named = namedGoTypes(definition);
  const fields = new Map<string, FieldCheck>();
  for (const field of definition.fields.values()) {
    const check = typeCheck(field.type, named.get(field.name) ?? goTypeOf(field.type));
    fields.set(field.name, { check, dropsEmpty: field.presence === "optional" && field.type.form !== "ref" });
  }
  const fillers = [...definition.fields.values()].flatMap((field) => fillerOf(field));
  return (value, place, walk) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw mismatch(jsonKind(value), `v1.${struct}`, place?.parent, place?.step ?? "", place?.struct);
    }
    const object = value as Struct;
    for (const key in object) {
      const field = fields.get(key);
      if (field === undefined) {
        walk.unknown.push(pathOf({ parent: place, step: key, struct }));
        delete object[key];
        continue;
      }
      const one = object[key];
      if (one === null) {
        delete object[key];
        continue;
      }
      const kept = field.check(one, place, key, struct, walk);
      if (field.dropsEmpty && isEmpty(kept)) delete object[key];
      else if (kept !== one) object[key] = kept;
    }
    for (const filler of fillers) if (object[filler.name] === undefined) object[filler.name] = filler.make();
    return object;
  };
}

function isEmpty(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _key in value) return false;
  return true;
}

/** Structs that Go holds by pointer even where they are required, so that they may be missing. */
const NEVER_FILLED: ReadonlySet<string> = new Set(["LabelSelector", "LocalObjectReference", "ParentReference", "SecretReference"]);

/** What Go prints of a field that nobody set. Lists are left to validation, which asks for them. */
function fillerOf(field: FieldSchema): Filler[] {
  if (field.presence !== "always" && field.presence !== "required") return [];
  const { name, type } = field;
  if (type.form === "ref") {
    if (NEVER_FILLED.has(type.type)) return [];
    return [{ name, make: () => structCheck(type.type)({}, undefined, { unknown: [] }) }];
  }
  if (type.form !== "scalar" || type.name === "any" || type.name === "intOrString") return [];
  const zero = zeroOf(type);
  return [{ name, make: () => zero }];
}

/** What came of a body. */
export interface Shaped {
  /** The body itself, changed in place. */
  readonly object: Record<string, unknown>;
  /** Paths of the fields that the kind does not have, dropped from the object. */
  readonly unknown: readonly string[];
}

/**
 * Shapes a decoded body, which must be a private copy, by a definition of the OpenAPI document (`io.k8s.api.core.v1.Pod`). Throws
 * ShapeError. A definition that is not known (a custom resource's) lets everything through.
 */
export function shape(schema: string, body: unknown): Shaped {
  const type = definitionNamed(schema)?.type;
  const unknown: string[] = [];
  const object = type === undefined ? body : structCheck(type)(body, undefined, { unknown });
  if (typeof object !== "object" || object === null || Array.isArray(object)) {
    throw mismatch(jsonKind(object), "map[string]interface {}", undefined, "", undefined);
  }
  return { object: object as Record<string, unknown>, unknown };
}
