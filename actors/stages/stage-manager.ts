import { managedFieldsOf, type StoredText } from "../kinds/text.ts";

/** Who manages the fields that stages write. */
export const STAGE_MANAGER = "troupe-stages";

const MANAGES = `"manager":"${STAGE_MANAGER}"`;

/** Whether a stage has written the object before: then its status is the stages' affair. */
export function isWrittenByStages(stored: StoredText): boolean {
  return managedFieldsOf(stored)?.includes(MANAGES) === true;
}
