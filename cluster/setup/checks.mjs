import { existsSync } from "node:fs";
import { join } from "node:path";
import { capture } from "./command.mjs";

/** A dependency checker that reads nothing finds nothing wrong; this many modules it must have read. */
const MODULES_CRUISED_MIN = 50;

const CRUISED_FOLDERS = ["runtime", "scheduler-core", "actors", "cluster", "client", "bench"];

/** @typedef {import("./verify.mjs").Workplace} Workplace */

/** @type {ReadonlyArray<{ name: string, run: (workplace: Workplace) => Promise<{ ok: boolean, output: string }> }>} */
export const CHECKS = [
  { name: "types", run: (workplace) => tool(workplace, "typescript/bin/tsc", []) },
  { name: "types of the console", run: (workplace) => tool(workplace, "typescript/bin/tsc", ["-p", "cluster/console/web"]) },
  { name: "import rules", run: cruise },
  { name: "types of the launcher", run: (workplace) => tool(workplace, "typescript/bin/tsc", ["-p", "cluster/setup"]) },
  { name: "lint and format", run: (workplace) => tool(workplace, "@biomejs/biome/bin/biome", ["check", "--error-on-warnings", "."]) },
  { name: "unused files, exports and dependencies", run: (workplace) => tool(workplace, "knip/bin/knip.js", []) },
];

/**
 * @param {Workplace} workplace
 * @param {string} script below node_modules
 * @param {readonly string[]} args
 */
function tool({ root, node, env }, script, args) {
  return capture(node, [join(root, "node_modules", script), ...args], { cwd: root, env });
}

/** @param {Workplace} workplace */
async function cruise(workplace) {
  const folders = CRUISED_FOLDERS.filter((folder) => existsSync(join(workplace.root, folder)));
  const { output } = await tool(workplace, "dependency-cruiser/bin/dependency-cruiser.mjs", ["--output-type", "json", ...folders]);
  let summary;
  try {
    summary = JSON.parse(output).summary;
  } catch {
    return { ok: false, output };
  }
  /** @type {string[]} */
  const complaints = summary.violations.map(
    (/** @type {{ rule: { name: string }, from: string, to: string }} */ violation) =>
      `${violation.rule.name}: ${violation.from} -> ${violation.to}`,
  );
  if (summary.totalCruised < MODULES_CRUISED_MIN) {
    complaints.push(
      `only ${summary.totalCruised} modules were read, fewer than ${MODULES_CRUISED_MIN}: the checker does not see the sources`,
    );
  }
  return { ok: complaints.length === 0, output: complaints.map((complaint) => `${complaint}\n`).join("") };
}
