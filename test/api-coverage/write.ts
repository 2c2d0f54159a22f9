/** Writes `docs/api-coverage.md`. */
import { writeFileSync } from "node:fs";
import { COVERAGE_FILE, coverage } from "./coverage.ts";

writeFileSync(COVERAGE_FILE, coverage());
