import { anyOf, type CelReader, celHolds } from "./expression.ts";
import type { Fields } from "./fields.ts";
import { query } from "./query/query.ts";

/** Whether a stage is for an object as it is now. */
export type Selector = (object: object) => boolean;

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/** All that a stage's selector says has to hold. Source: kwok's pkg/utils/expression/selector.go. */
export function selectorOf(fields: Fields, cel: CelReader): Selector {
  fields.only("matchLabels", "matchAnnotations", "matchExpressions");
  const labels = fields.texts("matchLabels");
  const annotations = fields.texts("matchAnnotations");
  const conditions = fields.objects("matchExpressions").map((each) => expressionOf(each, cel));
  return (object) => {
    const { metadata } = object as { readonly metadata: { labels?: Record<string, string>; annotations?: Record<string, string> } };
    return holdsAll(labels, metadata.labels) && holdsAll(annotations, metadata.annotations) && conditions.every((holds) => holds(object));
  };
}

function holdsAll(wanted: Readonly<Record<string, string>> | undefined, there: Readonly<Record<string, string>> | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) => there?.[name] === value);
}

function expressionOf(fields: Fields, cel: CelReader): Selector {
  fields.only("key", "operator", "values", "jq", "cel");
  const program = fields.object("cel")?.only("expression");
  if (program !== undefined) {
    const read = program.understood("expression", () => cel(program.required("expression")));
    return read === undefined ? () => false : celHolds(read);
  }
  return requirement(fields.object("jq")?.only("key", "operator", "values") ?? fields);
}

function requirement(fields: Fields): Selector {
  const ask = fields.understood("key", () => query(fields.required("key")));
  const operator = fields.oneOf("operator", OPERATORS);
  const values = fields.listOfTexts("values");
  if (operator === undefined && !fields.has("operator")) fields.complain("operator", `is missing; it is one of ${OPERATORS.join(", ")}`);
  const wantsValues = operator === "In" || operator === "NotIn";
  if (operator !== undefined && wantsValues !== values.length > 0)
    fields.complain("values", wantsValues ? `should not be empty with ${operator}` : `should be left out with ${operator}`);
  if (ask === undefined) return () => false;
  switch (operator) {
    case "In":
      return (object) => anyOf(ask(object) ?? [], values);
    case "NotIn":
      return (object) => !anyOf(ask(object) ?? [], values);
    case "Exists":
      return (object) => (ask(object) ?? []).length > 0;
    default:
      return (object) => (ask(object) ?? []).length === 0;
  }
}
