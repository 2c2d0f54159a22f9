import { managedFieldsOf, type ObjectText } from "../kinds/text.ts";

/** Who manages the fields that stages write. */
export const STAGE_MANAGER = "troupe-stages";

const MANAGES = `"manager":"${STAGE_MANAGER}"`;

/** Whether a stage has written the object before: then its status is the stages' affair. */
export function isWrittenByStages(text: ObjectText): boolean {
  return managedFieldsOf(text)?.includes(MANAGES) === true;
}
