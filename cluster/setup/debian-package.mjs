import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { capture, progress } from "./command.mjs";

/** The release of each distribution that first had what is wanted; older ones take the package from there. */
const NEWER_RELEASE = new Map([
  ["debian", { suite: "trixie", components: "main" }],
  ["ubuntu", { suite: "noble", components: "main universe" }],
]);

export function hasApt() {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return ["apt-get", "apt-cache", "dpkg"].every((tool) => directories.some((directory) => existsSync(join(directory, tool))));
}

/**
 * Downloads a package with apt, which checks its signature, and unpacks it under `directory` without installing it: no root, no
 * scripts, nothing else on the machine changes. The machine's own release is tried first, then a newer one with an apt
 * configuration of its own that takes mirror and keyring from the machine's.
 *
 * @param {{ name: string, directory: string, isWanted: (version: string) => boolean }} request
 * @returns {Promise<string | undefined>} where it is unpacked
 */
export async function downloadDebianPackage({ name, directory, isWanted }) {
  const work = mkdtempSync(join(directory, "apt-"));
  try {
    const own = await candidateVersion(name, []);
    if (own && isWanted(own)) {
      const unpacked = await unpack(name, own, [], { work, directory });
      if (unpacked) return unpacked;
    }
    const configuration = newerReleaseConfiguration(work);
    if (!configuration) return undefined;
    const options = ["-c", configuration];
    if (!(await aptGet([...options, "update"]))) return undefined;
    const newer = await candidateVersion(name, options);
    return newer && isWanted(newer) ? await unpack(name, newer, options, { work, directory }) : undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A mirror that does not answer is asked again; why it could not be in the end is told. @param {string[]} args @param {string} [cwd] */
async function aptGet(args, cwd) {
  const { ok, output } = await capture("apt-get", ["-qq", "-o", "Acquire::Retries=3", ...args], cwd === undefined ? {} : { cwd });
  if (!ok) progress(`apt-get ${args.at(-1)} failed: ${output.trim().split("\n").at(-1)}`);
  return ok;
}

/** @param {string} name @param {string[]} options */
async function candidateVersion(name, options) {
  const { output } = await capture("apt-cache", [...options, "policy", name], { env: { ...process.env, LC_ALL: "C" } });
  const version = /Candidate: (?:\d+:)?(\d[^\s]*)/.exec(output)?.[1];
  return version;
}

/** @param {string} name @param {string} version @param {string[]} options @param {{ work: string, directory: string }} places */
async function unpack(name, version, options, { work, directory }) {
  const downloads = join(work, "downloads");
  mkdirSync(downloads);
  const isDownloaded = await aptGet(["-o", "APT::Sandbox::User=", ...options, "download", name], downloads);
  const archive = readdirSync(downloads).find((file) => file.endsWith(".deb"));
  if (!isDownloaded || !archive) return undefined;
  const fresh = join(work, "unpacked");
  if (!(await capture("dpkg", ["-x", join(downloads, archive), fresh])).ok) return undefined;
  const home = join(directory, version.replaceAll(/[^\w.+-]/g, "_"));
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  return home;
}

/**
 * Writes an apt configuration that knows one release only and keeps its lists to itself. The machine's own settings (proxy,
 * certificates) still hold, since apt reads them first.
 *
 * @param {string} work
 * @returns {string | undefined} its path; undefined on a distribution that is not known, or without a mirror
 */
function newerReleaseConfiguration(work) {
  const system = osRelease();
  const release = NEWER_RELEASE.get(system.ID ?? "");
  const source =
    release &&
    machineSources()
      .map((text) => retarget(text, system.VERSION_CODENAME ?? "", release))
      .find((text) => text !== undefined);
  if (!source) return undefined;
  for (const folder of ["lists/partial", "archives/partial", "sources", "empty"]) mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(work, "sources", `newer.${source.format}`), source.text);
  const configuration = join(work, "apt.conf");
  writeFileSync(
    configuration,
    [
      "#clear APT::Update::Post-Invoke;",
      "#clear APT::Update::Post-Invoke-Success;",
      "#clear APT::Update::Pre-Invoke;",
      `Dir::Etc::sourcelist "/dev/null";`,
      `Dir::Etc::sourceparts "${join(work, "sources")}";`,
      `Dir::Etc::preferences "/dev/null";`,
      `Dir::Etc::preferencesparts "${join(work, "empty")}";`,
      `Dir::State::lists "${join(work, "lists")}";`,
      `Dir::Cache "${work}";`,
      `Acquire::Languages "none";`,
      `APT::Sandbox::User "";`,
      "",
    ].join("\n"),
  );
  return configuration;
}

function osRelease() {
  /** @type {Record<string, string | undefined>} */
  const facts = {};
  const text = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  for (const [, key = "", value] of text.matchAll(/^(\w+)="?([^"\n]*)"?$/gm)) facts[key] = value;
  return facts;
}

function machineSources() {
  const parts = "/etc/apt/sources.list.d";
  const files = existsSync(parts)
    ? readdirSync(parts)
        .filter((file) => /\.(list|sources)$/.test(file))
        .map((file) => join(parts, file))
    : [];
  if (existsSync("/etc/apt/sources.list")) files.unshift("/etc/apt/sources.list");
  return files.map((file) => readFileSync(file, "utf8"));
}

/**
 * From a sources file, the entry of the machine's release, turned to another release; undefined when it has none. Both formats
 * of sources.list(5) are known: one line an entry, and deb822 stanzas.
 *
 * @param {string} text
 * @param {string} codename the machine's release
 * @param {{ suite: string, components: string }} release
 * @returns {{ format: "list" | "sources", text: string } | undefined}
 */
export function retarget(text, codename, release) {
  for (const line of text.split("\n")) {
    const entry = /^\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s/.exec(line);
    if (entry?.[3] === codename)
      return { format: "list", text: `deb ${entry[1] ?? ""}${entry[2]} ${release.suite} ${release.components}\n` };
  }
  for (const stanza of text.split(/\n\s*\n/)) {
    const lines = stanza.split("\n").filter((line) => !line.startsWith("#"));
    const suites = /^Suites:\s*(.*)$/im.exec(lines.join("\n"))?.[1]?.split(/\s+/);
    if (!suites?.includes(codename) || !/^Types:(.*\s)?deb(\s|$)/im.test(stanza) || /^Enabled:\s*no/im.test(stanza)) continue;
    const kept = lines.filter((line) => line.trim() !== "" && !/^(Types|Suites|Components):/i.test(line));
    return {
      format: "sources",
      text: ["Types: deb", `Suites: ${release.suite}`, `Components: ${release.components}`, ...kept, ""].join("\n"),
    };
  }
  return undefined;
}
