/**
 * What is run so that a container's command runs in its surroundings: a shell script that makes its mounts in a namespace of their own, sets its limits,
 * and becomes the command. What it cannot do it says on file descriptor 3; an empty line there says that all is done. Pure.
 */
import type { ContainerMount, ContainerUser, EnvVariable } from "../container-runtime.ts";
import type { Isolation, Tools } from "./isolation.ts";
import type { Command } from "./keeper/protocol.ts";
import { quoted } from "./quoted.ts";

export interface Launched {
  readonly isolation: Isolation;
  readonly tools: Tools;
  readonly command: readonly string[];
  readonly env: readonly EnvVariable[];
  readonly workingDir: string;
  /** The container's root; undefined: the machine's. */
  readonly root: string | undefined;
  /** The machine's own file system, whatever else is mounted there: what there is can be looked for before. */
  readonly isOfMachine: boolean;
  /** Mounted before them. */
  readonly subPaths: readonly SubPathBind[];
  /** A file of mounts, as fstab(5) has them; undefined: there are none. */
  readonly mounts: string | undefined;
  readonly hostname: string;
  readonly user: ContainerUser;
  /** Added to how willingly the kernel kills it, and to its niceness. */
  readonly oomScore: number;
  readonly niceness: number;
  /** Further limits, as sh's `ulimit` takes them: `-n 1024`. */
  readonly limits: readonly string[];
}

/** What of a volume is mounted at a place of its own, from where its container gets it. */
export interface SubPathBind {
  readonly mount: ContainerMount;
  readonly at: string;
  readonly isDirectory: boolean;
  /** Where the volume really is. */
  readonly volume: string;
  /** What is wanted of it, by its name. */
  readonly path: string;
}

const SHELL = "/bin/sh";
const BEGIN = "echo >&3; exec 3>&-";
/** Goes before the words of a command. */
const BEGINNING = [SHELL, "-c", `${BEGIN}; exec "$@"`, "container"];
/** Says what is wrong, and ends with the exit code of what could not be run. */
export const FAIL = 'fail() { echo "$*" >&3; exit 128; }';
/** What the keeper's tools are found with. */
export const OWN_ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" } as const;

export function launchCommand(launched: Launched): Command {
  const { isolation, tools } = launched;
  const script = [SHELL, "-c", scriptOf(launched), "container"];
  const [file = "", ...args] = [...namespacesOf(isolation, tools), ...script];
  return { file, args, env: OWN_ENV, cwd: "/" };
}

/** What is run to run something in the surroundings of a container that runs: the command's words follow. */
export function enterCommand(launched: Launched): Command {
  const { isolation, tools, env, workingDir, user } = launched;
  const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  if (isolation === "none") return { file: "", args: [], env: variables, cwd: workingDir };
  const users = isolation === "user-namespace" ? ["--user", "--preserve-credentials"] : idsOf(user, "--setuid", "--setgid");
  return { file: tools.nsenter, args: ["--target", "%p", "--mount", "--uts", "--root", "--wd", ...users, "--"], env: variables, cwd: "/" };
}

function namespacesOf(isolation: Isolation, { unshare }: Tools): readonly string[] {
  switch (isolation) {
    case "mount-namespace":
      return [unshare, "--mount", "--uts", "--propagation", "private"];
    case "user-namespace":
      return [unshare, "--user", "--map-root-user", "--mount", "--uts", "--propagation", "private"];
    case "none":
      return [];
  }
}

function scriptOf(launched: Launched): string {
  const { isolation, tools, command, env, workingDir, root, isOfMachine, mounts, hostname, oomScore, niceness, limits } = launched;
  const [first = ""] = command;
  const path = env.find(({ name }) => name === "PATH")?.value ?? OWN_ENV.PATH;
  const lines = [FAIL];
  if (isolation !== "none") {
    lines.push(...subPathLines(launched.subPaths, tools));
    if (mounts !== undefined) {
      lines.push(`said=$(${quoted(tools.mount)} --all --fstab ${quoted(mounts)} 2>&1) || fail "cannot mount the container's files: $said"`);
    }
    lines.push(`hostname ${quoted(hostname)} 2>/dev/null`);
  }
  lines.push(`[ ${oomScore} -gt 0 ] && echo ${oomScore} 2>/dev/null >/proc/self/oom_score_adj`);
  for (const limit of limits) lines.push(`ulimit ${limit} || fail "cannot set the limit ${limit}"`);
  const within = root ?? "";
  lines.push(
    `cd ${quoted(`${within}${workingDir}`)} 2>/dev/null || fail "cannot change to the working directory ${doubleQuoted(workingDir)}"`,
  );
  if (isOfMachine) lines.push(existence(first, path, within));
  // Only where it is at home has it begun: whoever enters it then finds its files. A namespace within one is entered last of all, a root of its own first.
  const hasShell = root === undefined || isOfMachine;
  const nests = isolation === "user-namespace" && isOther(launched.user) && hasShell;
  const moves = !nests && hasShell && root !== undefined;
  if (!nests && !moves) lines.push(BEGIN);
  const words = [
    ...(moves ? [tools.unshare, "--root", root, "--wd", workingDir, "--", ...BEGINNING] : []),
    tools.env === "" ? "env" : tools.env,
    "-i",
    ...env.map(({ name, value }) => `${name}=${value}`),
    ...(niceness > 0 && tools.nice !== "" ? [tools.nice, "-n", String(niceness)] : []),
    ...becoming(moves ? { ...launched, root: undefined } : launched),
    ...(nests ? BEGINNING : []),
    ...command,
  ];
  lines.push(`exec ${words.map(quoted).join(" ")}`);
  return lines.join("\n");
}

/** What a container can change is opened first, then seen to be in the volume, and mounted as it was opened: its name may mean something else by then. */
export function subPathLines(binds: readonly SubPathBind[], { mount }: Tools): readonly string[] {
  return binds.flatMap(({ path, volume, at }) => [
    `exec 9<${quoted(path)} || fail "cannot open the subPath ${doubleQuoted(path)}"`,
    `case "$(readlink /proc/self/fd/9)/" in ${quoted(volume)}/*) ;; *) fail "the subPath ${doubleQuoted(path)} leads out of its volume" ;; esac`,
    `said=$(${quoted(mount)} --no-canonicalize --bind /proc/self/fd/9 ${quoted(at)} 2>&1) || fail "cannot mount the subPath ${doubleQuoted(path)}: $said"`,
    "exec 9<&-",
  ]);
}

/** In Go's words: what people look for when a container does not start. */
function existence(command: string, path: string, root: string): string {
  const told = doubleQuoted(JSON.stringify(command));
  if (command.includes("/")) {
    const file = command.startsWith("/") ? `${root}${command}` : command;
    return `[ -x ${quoted(file)} ] || fail "exec: ${told}: stat ${doubleQuoted(command)}: no such file or directory, or not to be executed"`;
  }
  const places = path.split(":").map((place) => (place.startsWith("/") ? `${root}${place}` : place));
  return `(PATH=${quoted(places.join(":"))}; found=; IFS=:; for place in $PATH; do [ -x "$place"/${quoted(command)} ] && found=1 && break; done; [ -n "$found" ]) || fail "exec: ${told}: executable file not found in \\$PATH"`;
}

/** The words before the command that give up what it is not to have. */
function becoming({ isolation, tools, root, isOfMachine, workingDir, user }: Launched): readonly string[] {
  const rooted = root === undefined ? [] : ["--root", root, "--wd", workingDir];
  const { uid, gid, groups, mayGainPrivileges } = user;
  const isSomebody = uid !== undefined || gid !== undefined || groups.length > 0;
  // It is looked for in the container's own root, which may be another machine's.
  const hasSetpriv = tools.setpriv !== "" && isOfMachine;
  const words: string[] = [];
  if (isolation === "user-namespace" && isOther(user)) {
    words.push(tools.unshare, "--user", "--mount", "--uts", `--map-user=${uid}`, `--map-group=${gid ?? 0}`, ...rooted, "--");
  } else if (isolation === "mount-namespace" && isSomebody && !hasSetpriv) {
    words.push(tools.unshare, ...rooted, ...idsOf(user, "--setuid", "--setgid"), "--");
  } else {
    if (root !== undefined) words.push(tools.unshare, ...rooted, "--");
    if (isolation === "mount-namespace" && isSomebody) {
      const supplementary = groups.length === 0 ? ["--clear-groups"] : ["--groups", groups.join(",")];
      words.push(tools.setpriv, ...idsOf(user, "--reuid", "--regid"), ...supplementary, "--");
    }
  }
  return mayGainPrivileges || !hasSetpriv ? words : [...words, tools.setpriv, "--no-new-privs", "--"];
}

/** Where root is who it would be anyway. */
const isOther = ({ uid }: ContainerUser): boolean => uid !== undefined && uid !== 0;

function idsOf({ uid, gid }: ContainerUser, user: string, group: string): readonly string[] {
  if (uid === undefined) return gid === undefined ? [] : [group, String(gid)];
  return [user, String(uid), group, String(gid ?? 0)];
}

/** Within double quotes. */
function doubleQuoted(text: string): string {
  return text.replace(/[\\"$`]/g, "\\$&");
}
