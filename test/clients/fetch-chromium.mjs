/**
 * Prints how to run a Chromium without a screen, as JSON: `{"program", "libraries", "fonts"}`. The machine's own is taken where it has one; else Debian's
 * `chromium-headless-shell` is unpacked under the user's cache, once, with those of its libraries that the machine has not. Exit code 3, with the reason, on
 * machines that cannot have it.
 */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory } from "../../cluster/setup/cache-directory.mjs";
import { capture, progress } from "../../cluster/setup/command.mjs";
import { downloadDebianPackage, hasApt } from "../../cluster/setup/debian-package.mjs";
import { fetchedOnce, tell } from "./fetched.mjs";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const PACKAGE = "chromium-headless-shell";
/** Where that package puts it. */
const WITHIN = "usr/lib/chromium/chromium-headless-shell";
const OF_MACHINE = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"];
/** Below the directory that they are unpacked into. */
const LIBRARIES = ["usr/lib", "lib"].flatMap((place) =>
  ["x86_64-linux-gnu", "aarch64-linux-gnu"].flatMap((machine) => [join(place, machine), join(place, machine, "pulseaudio")]),
);

const cache = cacheDirectory(join(HERE, "../.."), "chromium");
const root = join(cache, "root");

/** @returns {string | undefined} */
function ofMachine() {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return OF_MACHINE.flatMap((name) => directories.map((directory) => join(directory, name))).find((path) => existsSync(path));
}

/** The package and what it takes that is not installed, as apt would install it. */
async function missingPackages() {
  const { ok, output } = await capture("apt-get", ["-qq", "-s", "--no-install-recommends", "install", PACKAGE], {
    env: { ...process.env, LC_ALL: "C" },
  });
  return ok ? [...output.matchAll(/^Inst (\S+)/gm)].map(([, name = ""]) => name) : [];
}

/** For machines without fontconfig: their fonts and those that came along. */
function fontsFile() {
  if (existsSync("/etc/fonts/fonts.conf")) return undefined;
  const file = join(cache, "fonts.conf");
  const directories = ["/usr/share/fonts", join(root, "usr/share/fonts")].map((directory) => `<dir>${directory}</dir>`);
  writeFileSync(
    file,
    `<?xml version="1.0"?><fontconfig>${directories.join("")}<cachedir>${join(cache, "fonts")}</cachedir></fontconfig>\n`,
  );
  return file;
}

/** @returns {Promise<object | string>} how to run it, or why it cannot be had */
async function fetchAll() {
  if (!hasApt()) return "there is no Chromium, and no apt to fetch it with";
  progress("fetching Chromium to test with (once)");
  const names = await missingPackages();
  if (!names.includes(PACKAGE)) return `apt has no ${PACKAGE} for this machine`;
  rmSync(root, { recursive: true, force: true });
  for (const name of names) {
    const directory = join(cache, "packages");
    mkdirSync(directory, { recursive: true });
    const unpacked = await downloadDebianPackage({ name, directory, isWanted: () => true });
    if (!unpacked) return `apt could not download ${name}`;
    cpSync(unpacked, root, { recursive: true, verbatimSymlinks: true });
    rmSync(unpacked, { recursive: true, force: true });
  }
  const program = join(root, WITHIN);
  const libraries = LIBRARIES.map((place) => join(root, place)).filter((place) => existsSync(place));
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) };
  const { ok, output } = await capture(program, ["--version"], { env });
  return ok ? { program, libraries, fonts: fontsFile() } : `the Chromium that apt has does not run on this machine:\n${output}`;
}

async function find() {
  const program = ofMachine();
  if (program !== undefined) return { program, libraries: [] };
  return fetchedOnce(cache, (before) => existsSync(before.program), fetchAll);
}

tell(await find());
