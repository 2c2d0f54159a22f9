/**
 * Finds or unpacks Debian's nft and conntrack, under the user's cache, once, and prints where as JSON: `{"bin", "nft"}`, the directories that they are in, as in PATH, and nft itself.
 * Exit code 3, with the reason, on machines that cannot have them.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory } from "../../cluster/setup/cache-directory.mjs";
import { progress } from "../../cluster/setup/command.mjs";
import { hasApt } from "../../cluster/setup/debian-package.mjs";
import { fetchedOnce, tell } from "./fetched.mjs";
import { unpackTogether, wrapUnpacked } from "./unpacked.mjs";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
/** What each takes beside what is in any base system. */
const PROGRAMS = [
  {
    program: "nft",
    packages: ["libmnl0", "libnftnl11", "libjansson4", "libgmp10", "libxtables12", "libedit2", "libnftables1", "nftables"],
  },
  { program: "conntrack", packages: ["libmnl0", "libnfnetlink0", "libnetfilter-conntrack3", "conntrack"] },
];
const ROOTS_PLACES = ["/usr/sbin", "/sbin"];

const cache = cacheDirectory(join(HERE, "../.."), "nftables");

/** @param {string} program */
function placeOnMachine(program) {
  return [...(process.env.PATH ?? "").split(delimiter), ...ROOTS_PLACES].find((place) => existsSync(join(place, program)));
}

/** @returns {Promise<object | string>} */
async function fetchAll() {
  const places = new Map();
  for (const { program, packages } of PROGRAMS) {
    const own = placeOnMachine(program);
    places.set(program, own ?? join(cache, "bin"));
    if (own) continue;
    if (!hasApt()) return `there is no ${program}, and no apt to fetch it with`;
    progress(`fetching ${program} to test with (once)`);
    const root = join(cache, `${program}-root`);
    const failure = (await unpackTogether(cache, packages, root)) ?? (await wrapUnpacked(root, `usr/sbin/${program}`, join(cache, "bin")));
    if (failure) return failure;
  }
  return { bin: [...new Set(places.values())].join(delimiter), nft: join(places.get("nft"), "nft") };
}

/** @param {{ bin: string }} before */
function isThere({ bin }) {
  return PROGRAMS.every(({ program }) => bin.split(delimiter).some((place) => existsSync(join(place, program))));
}

tell(await fetchedOnce(cache, isThere, fetchAll));
