/**
 * Puts the clients that package-lock.json beside this file names, by version and checksum, into the user's cache, and prints where their `node_modules`
 * is. They are fetched once, and not with every `npm ci`: they are too large for that. Exit code 1, with npm's own words, when they cannot be had.
 */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../../cluster/setup/cache-directory.mjs";
import { capture, progress } from "../../cluster/setup/command.mjs";
import { withLock } from "../../cluster/setup/lock.mjs";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const MANIFESTS = ["package.json", "package-lock.json"];
const NPM_CI = ["ci", "--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

const hash = createHash("sha256");
for (const name of MANIFESTS) hash.update(readFileSync(join(HERE, name)));
const cache = cacheDirectory(join(HERE, "../.."), "clients");
const directory = join(cache, hash.digest("hex").slice(0, 16));

/** The directory appears when it is whole: an install that was cut off is begun anew. */
async function fetchAll() {
  if (existsSync(directory)) return;
  progress("fetching clients to test with (once)");
  const fresh = `${directory}.part`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  for (const name of MANIFESTS) copyFileSync(join(HERE, name), join(fresh, name));
  const { ok, output } = await capture("npm", NPM_CI, { cwd: fresh });
  if (!ok) {
    process.stderr.write(
      `npm ci could not fetch the clients that test/clients/package-lock.json names; put right what npm says here:\n${output}`,
    );
    process.exitCode = 1;
    return;
  }
  renameSync(fresh, directory);
}

if (!existsSync(directory)) await withLock(join(cache, "lock"), fetchAll);
if (process.exitCode !== 1) process.stdout.write(join(directory, "node_modules"));
