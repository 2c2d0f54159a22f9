import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A lock without an owner's name is one that is being taken; after this it is one whose taker died. */
const UNNAMED_LOCK_AGE_MS_MAX = 5_000;
const LOCK_POLL_MS = 100;

/**
 * Does `work` while no other process does work under the same lock. The lock is a directory, because making one is
 * atomic everywhere; inside is its owner's pid, so that the lock of a dead process is taken over.
 *
 * @template T
 * @param {string} directory where the lock is made; its parent must exist
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(directory, work) {
  while (!take(directory)) await delay(LOCK_POLL_MS);
  try {
    return await work();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The lock under which a repository's node_modules is changed; outside it, since npm empties it. @param {string} root */
export function repositoryLock(root) {
  const name = createHash("sha256").update(root).digest("hex").slice(0, 16);
  return join(tmpdir(), `troupe-setup-${process.getuid?.() ?? 0}-${name}`);
}

/** @param {string} directory */
function take(directory) {
  try {
    mkdirSync(directory);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    if (isAbandoned(directory)) setAside(directory);
    return false;
  }
  writeFileSync(join(directory, "pid"), String(process.pid));
  return true;
}

/** Renamed before it is removed: of several that find the same dead lock only one can. @param {string} directory */
function setAside(directory) {
  const aside = `${directory}.dead-${process.pid}`;
  try {
    renameSync(directory, aside);
  } catch {
    return;
  }
  rmSync(aside, { recursive: true, force: true });
}

/** @param {string} directory */
function isAbandoned(directory) {
  try {
    const pid = Number(readFileSync(join(directory, "pid"), "utf8"));
    if (pid > 0) return !isAlive(pid);
  } catch {
    // Not named yet.
  }
  try {
    return Date.now() - statSync(directory).mtimeMs > UNNAMED_LOCK_AGE_MS_MAX;
  } catch {
    return false;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
