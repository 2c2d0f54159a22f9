/**
 * Unpacks Debian's Patroni and what it imports under the user's cache, once, and prints what it takes to run it as one line of JSON:
 * `{"python", "pythonPath", "patroni", "patronictl", "postgresBin"}`. PostgreSQL itself must be there. Exit code 3, with the reason, on machines that
 * cannot have it: none with apt and PostgreSQL, or one whose Python is not the one that the packages were made for.
 */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory } from "../../cluster/setup/cache-directory.mjs";
import { capture, progress } from "../../cluster/setup/command.mjs";
import { downloadDebianPackage, hasApt } from "../../cluster/setup/debian-package.mjs";
import { fetchedOnce, tell } from "./fetched.mjs";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const PACKAGES = ["click", "cdiff", "dateutil", "prettytable", "psutil", "psycopg2", "six", "urllib3", "wcwidth", "yaml"].map(
  (name) => `python3-${name}`,
);
const PYTHON = "/usr/bin/python3";
const POSTGRES = "/usr/lib/postgresql";

const cache = cacheDirectory(join(HERE, "../.."), "patroni");

/** The newest PostgreSQL that Debian's packages have put on this machine. */
function postgresBin() {
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(POSTGRES, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

/** @returns {Promise<object | string>} what it takes, or why it cannot be had */
async function fetchAll() {
  const postgres = postgresBin();
  if (!hasApt() || !existsSync(PYTHON) || !postgres)
    return `Patroni takes a Debian with ${PYTHON} and a PostgreSQL server under ${POSTGRES}`;
  progress("fetching Patroni to test with (once)");
  const roots = [];
  for (const name of ["patroni", ...PACKAGES]) {
    const directory = join(cache, name);
    mkdirSync(directory, { recursive: true });
    const root = await downloadDebianPackage({ name, directory, isWanted: () => true });
    if (!root) return `apt could not download ${name}`;
    roots.push(root);
  }
  const pythonPath = roots.map((root) => join(root, "usr/lib/python3/dist-packages")).join(delimiter);
  const [own = ""] = roots;
  const [patroni, patronictl] = ["patroni", "patronictl"].map((name) => join(own, "usr/bin", name));
  const { ok, output } = await capture(PYTHON, [patroni ?? "", "--version"], { env: { ...process.env, PYTHONPATH: pythonPath } });
  if (!ok) return `the Patroni that apt has does not run with this machine's Python:\n${output}`;
  return { python: PYTHON, pythonPath, patroni, patronictl, postgresBin: postgres };
}

tell(await fetchedOnce(cache, (before) => existsSync(before.patroni) && existsSync(before.postgresBin), fetchAll));
