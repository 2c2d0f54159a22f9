/**
 * Unpacks those of Debian's nginx and busybox that the machine has not, under the user's cache, once, and prints where as JSON, a list of `{"root", "within"}`:
 * the directory, and that of the program in it. Exit code 3, with the reason, on machines that cannot have them.
 */
import { cpSync, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory } from "../../cluster/setup/cache-directory.mjs";
import { capture, progress } from "../../cluster/setup/command.mjs";
import { downloadDebianPackage, hasApt } from "../../cluster/setup/debian-package.mjs";
import { readJson, writeJson } from "../../cluster/setup/json-file.mjs";
import { withLock } from "../../cluster/setup/lock.mjs";
import { tell } from "./fetched.mjs";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
/** Each with the packages that it takes, which are unpacked into one another, where it is in them, and a way to see that it runs. */
const PROGRAMS = [
  { name: "nginx", packages: ["nginx-common", "nginx"], within: "usr/sbin", proof: ["-v"] },
  { name: "busybox", packages: ["busybox-static"], within: "bin", proof: ["true"] },
];

const cache = cacheDirectory(join(HERE, "../.."), "programs");

/** @param {string} name */
function isOfMachine(name) {
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return places.some((place) => existsSync(join(place, name)));
}

/**
 * @param {(typeof PROGRAMS)[number]} program
 * @returns {Promise<{ root: string, within: string } | string>} where it is, or why it cannot be had
 */
async function fetchProgram({ name, packages, within, proof }) {
  if (!hasApt()) return `there is no ${name}, and no apt to fetch it with`;
  progress(`fetching ${name} to test with (once)`);
  const root = join(cache, name);
  for (const each of packages) {
    const unpacked = await downloadDebianPackage({ name: each, directory: cache, isWanted: () => true });
    if (!unpacked) return `apt could not download ${each}`;
    cpSync(unpacked, root, { recursive: true, verbatimSymlinks: true });
  }
  const { ok, output } = await capture(join(root, within, name), proof);
  return ok ? { root, within } : `the ${name} that apt has does not run on this machine:\n${output}`;
}

/** @returns {Promise<object[] | string>} */
async function fetchMissing() {
  const all = [];
  for (const program of PROGRAMS.filter(({ name }) => !isOfMachine(name))) {
    const found = join(cache, `${program.name}.json`);
    const before = readJson(found);
    const fetched = before && existsSync(join(before.root, before.within, program.name)) ? before : await fetchProgram(program);
    if (typeof fetched === "string") return fetched;
    writeJson(found, fetched);
    all.push(fetched);
  }
  return all;
}

tell(await withLock(join(cache, "lock"), fetchMissing));
