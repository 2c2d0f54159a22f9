import { writeFileSync } from "node:fs";
import { MANUAL_FILE, manualText } from "./manual.ts";

writeFileSync(MANUAL_FILE, await manualText());
