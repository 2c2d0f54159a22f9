import { celReader } from "./expression.ts";
import { stageOf } from "./stage.ts";

const cel = celReader({ now_ms: () => 0, chance: () => 0 });

/** The name of the stage that a document is, if it is one that can be played. Throws StageError. */
export function checkedStage(document: unknown): string {
  return stageOf(document, cel).name;
}
