import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { npm, progress } from "./command.mjs";
import { repositoryLock, withLock } from "./lock.mjs";
import { Problem } from "./problem.mjs";

const SHOWN_EVERY_MS = 250;

/**
 * Installs what package-lock.json names when node_modules is absent or belongs to another package-lock.json. When there is
 * nothing to do it reads three files and touches no network.
 *
 * @param {string} root the repository
 */
export async function installDependencies(root) {
  if (isStamped(root)) return;
  await withLock(repositoryLock(root), async () => {
    if (isStamped(root)) return;
    if (!holdsWhatIsLocked(root)) {
      refuseALink(join(root, "node_modules"));
      progress("installing dependencies (once)");
      await runNpmCi(root);
    }
    writeFileSync(stampPath(root), JSON.stringify({ manifests: manifestsDigest(root) }));
  });
}

/** npm ci begins by removing what is there: behind a link that is what others use. @param {string} path */
function refuseALink(path) {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw new Problem(
    `${path} is a link, and what it leads to is not what package-lock.json names; run npm ci where it leads, or remove the link`,
  );
}

/** @param {string} root */
async function runNpmCi(root) {
  // The checks, the tests and the newer Node are development dependencies: NODE_ENV=production must not leave them out.
  const args = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  const hide = showInstalled(root);
  const { ok, output } = await npm(args, { cwd: root }).finally(hide);
  if (!ok) {
    throw new Problem("npm ci failed, so the dependencies are not installed; put right what npm says here and start again", {
      detail: output,
    });
  }
}

/** Says on a terminal how far npm has come, until what it gives is called. @param {string} root */
function showInstalled(root) {
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  // Of what is optional most is for other machines.
  const wanted = Object.entries(lockedPackages(root)).flatMap(([path, { optional }]) => (path === "" || optional ? [] : [path]));
  const timer = setInterval(() => {
    const there = wanted.filter((path) => existsSync(join(root, path, "package.json"))).length;
    stderr.write(`\r\x1b[K${there} of ${wanted.length} packages`);
  }, SHOWN_EVERY_MS);
  return () => {
    clearInterval(timer);
    stderr.write("\r\x1b[K");
  };
}

/** @param {string} root @returns {Record<string, { integrity?: string, version?: string, optional?: boolean }>} */
function lockedPackages(root) {
  return JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
}

/** @param {string} root */
function isStamped(root) {
  try {
    return JSON.parse(readFileSync(stampPath(root), "utf8")).manifests === manifestsDigest(root);
  } catch {
    return false;
  }
}

/** npm's own record of what it installed: when somebody ran `npm ci` by hand there is no need to do it again. @param {string} root */
function holdsWhatIsLocked(root) {
  const installedPath = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedPath)) return false;
  /** @type {Record<string, { integrity?: string, version?: string }>} */
  const installed = JSON.parse(readFileSync(installedPath, "utf8")).packages;
  return Object.entries(lockedPackages(root)).every(([path, entry]) => {
    if (path === "") return true;
    const there = installed[path];
    if (!there) return entry.optional === true;
    return there.version === entry.version && there.integrity === entry.integrity;
  });
}

/** @param {string} root */
function stampPath(root) {
  return join(root, "node_modules", ".troupe-setup.json");
}

/** @param {string} root */
function manifestsDigest(root) {
  const hash = createHash("sha256");
  for (const file of ["package.json", "package-lock.json"]) hash.update(readFileSync(join(root, file))).update("\0");
  return hash.digest("hex");
}
