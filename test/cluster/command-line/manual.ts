import { join } from "node:path";
import { COMMANDS } from "../../../cluster/command-line/commands.ts";
import { manual } from "../../../cluster/command-line/manual.ts";

export const MANUAL_FILE: string = join(import.meta.dirname, "../../../docs/command-line.md");

/** What the file is to say. */
export function manualText(): Promise<string> {
  return manual(COMMANDS);
}
