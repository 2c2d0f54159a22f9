import { existsSync } from "node:fs";
import { join } from "node:path";
import { capture, progress } from "./command.mjs";
import { downloadDebianPackage, hasApt } from "./debian-package.mjs";
import { withLock } from "./lock.mjs";

/**
 * Gets a nats-server that is new enough onto this machine without root, and gives its path; undefined when none could be had.
 * Two that start at the same moment fetch once.
 *
 * @param {{ cache: string, isWanted: (version: string) => boolean, remembered: () => { path: string } | undefined }} context
 * @returns {Promise<string | undefined>}
 */
export async function fetchNatsServer({ cache, isWanted, remembered }) {
  return withLock(join(cache, "lock"), async () => {
    const byAnother = remembered();
    if (byAnother) return byAnother.path;
    if (hasApt()) {
      progress("fetching nats-server (once)");
      const unpacked = await downloadDebianPackage({ name: "nats-server", directory: cache, isWanted });
      return unpacked && join(unpacked, "usr", "sbin", "nats-server");
    }
    return homebrew();
  });
}

async function homebrew() {
  const prefix = await capture("brew", ["--prefix", "nats-server"]);
  if (!prefix.ok) return undefined;
  const path = join(prefix.output.trim(), "bin", "nats-server");
  if (existsSync(path)) return path;
  progress("installing nats-server with Homebrew (once)");
  const installed = await capture("brew", ["install", "--quiet", "nats-server"]);
  return installed.ok && existsSync(path) ? path : undefined;
}
