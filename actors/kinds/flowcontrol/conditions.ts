import { duplicate, required } from "../field-error.ts";
import type { KubeObject } from "../object.ts";
import type { FieldError } from "../status.ts";

type WithConditions = KubeObject & { readonly status?: { readonly conditions?: readonly { readonly type?: string }[] } };

/** Each condition has a type of its own. Source: ValidateFlowSchemaStatus, ValidatePriorityLevelConfigurationStatus. */
export function validateConditions({ status }: WithConditions): FieldError[] {
  const types = (status?.conditions ?? []).map(({ type = "" }) => type);
  return types.flatMap((type, index) => {
    const field = `status.conditions[${index}].type`;
    return [...(types.indexOf(type) < index ? [duplicate(field, type)] : []), ...(type === "" ? [required(field)] : [])];
  });
}
