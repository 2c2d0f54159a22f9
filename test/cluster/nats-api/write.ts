import { writeFileSync } from "node:fs";
import { MANUAL_FILE, manualText } from "./subjects-manual.ts";

writeFileSync(MANUAL_FILE, manualText());
