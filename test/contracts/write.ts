import { writeFileSync } from "node:fs";
import { CONTRACTS_FILE, contracts } from "./contracts.ts";

writeFileSync(CONTRACTS_FILE, contracts().text);
