/** Conditions in the form that newer kinds have in common. Source: ValidateConditions of apimachinery's meta/v1/validation. */
import { duplicate, invalid, required, tooLong } from "./field-error.ts";
import { oneOf } from "./field-rules.ts";
import type { Condition } from "./generated/types.ts";
import { qualifiedName, regexWords } from "./names.ts";
import type { FieldError } from "./status.ts";

const STATUSES: readonly string[] = ["False", "True", "Unknown"];
const REASON_BYTES_MAX = 1024;
const MESSAGE_BYTES_MAX = 32 * 1024;
const REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const REASON_RE = new RegExp(`^${REASON}$`);
const REASON_WORDS =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";

function validateReason(reason: string | undefined, field: string): FieldError[] {
  if (!reason) return [required(field)];
  const errors = REASON_RE.test(reason)
    ? []
    : [invalid(field, reason, regexWords(REASON_WORDS, REASON, "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"))];
  return Buffer.byteLength(reason) > REASON_BYTES_MAX ? [...errors, tooLong(field, REASON_BYTES_MAX)] : errors;
}

function validateCondition(condition: Partial<Condition>, field: string): FieldError[] {
  const { type = "", status = "", observedGeneration: seen = 0, lastTransitionTime, reason, message = "" } = condition;
  return [
    ...qualifiedName(type).map((words) => invalid(`${field}.type`, type, words)),
    ...oneOf(status, STATUSES, `${field}.status`),
    ...(seen < 0 ? [invalid(`${field}.observedGeneration`, seen, "must be greater than or equal to zero")] : []),
    ...(lastTransitionTime ? [] : [required(`${field}.lastTransitionTime`)]),
    ...validateReason(reason, `${field}.reason`),
    ...(Buffer.byteLength(message) > MESSAGE_BYTES_MAX ? [tooLong(`${field}.message`, MESSAGE_BYTES_MAX)] : []),
  ];
}

export function validateConditions(conditions: readonly Partial<Condition>[] | undefined, field: string): FieldError[] {
  if (conditions === undefined) return [];
  const types = conditions.map(({ type = "" }) => type);
  return conditions.flatMap((condition, index) => {
    const path = `${field}[${index}]`;
    const again = types.indexOf(types[index] ?? "") < index;
    return [...(again ? [duplicate(`${path}.type`, types[index])] : []), ...validateCondition(condition, path)];
  });
}
