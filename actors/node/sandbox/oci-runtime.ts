import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { type ControlGroup, directoriesOf } from "../cgroups/control-group.ts";
import { OOM_SCORE_OWN } from "../cgroups/resource-values.ts";
import { programNamed } from "../process/catalog.ts";
import type { Tools } from "../process/isolation.ts";
import type { Command, EnterTerminal, KeptSpec } from "../process/keeper/protocol.ts";
import { TERM } from "../process/keeper/terminal.ts";
import { FAIL, OWN_ENV, type SubPathBind, subPathLines } from "../process/launch.ts";
import { quoted } from "../process/quoted.ts";
import type { OciProcess } from "./oci-config.ts";

/** A program that runs containers by the OCI runtime specification: crun or runc, whose command lines are the same. */
export interface OciRuntime {
  readonly path: string;
  /** `crun` or `runc`: what a RuntimeClass may call it. */
  readonly name: string;
  /** As nodes say it: `crun://1.8.1`. */
  readonly version: string;
  /**
   * It can leave a container that has ended as it is until it is told to remove it, and what the kernel has counted in its control group with it; so it may be
   * given that group to make. One that cannot is started in a group that is there already, and keeps its hands off it.
   */
  readonly keeps: boolean;
  /** Where a second hierarchy of control groups is mounted that it will not run beside; undefined: nowhere. */
  readonly hides: string | undefined;
}

const UNIFIED = "/sys/fs/cgroup/unified";
const NAMES = ["crun", "runc"];
const run = promisify(execFile);

/** The first of those that are there and run. Undefined: none. */
export async function findOciRuntime(): Promise<OciRuntime | undefined> {
  for (const name of NAMES) {
    const path = programNamed(name);
    if (path === undefined) continue;
    const help = await run(path, ["run", "--help"]).then(
      ({ stdout }) => stdout,
      () => undefined,
    );
    if (help === undefined) continue;
    const controllers = await readFile(`${UNIFIED}/cgroup.controllers`, "utf8").catch(() => "");
    const { stdout: told } = await run(path, ["--version"]);
    const version = `${name}://${/version (\S+)/.exec(told)?.[1] ?? "unknown"}`;
    const hides = name === "crun" && controllers.trim() !== "" ? UNIFIED : undefined;
    return { path, name, version, keeps: /^\s+--keep\b/m.test(help), hides };
  }
  return undefined;
}

export interface OciLaunched {
  readonly oci: OciRuntime;
  readonly tools: Tools;
  readonly id: string;
  /** Of its configuration. */
  readonly bundle: string;
  /** Where the runtime remembers the pod's containers. */
  readonly state: string;
  readonly errorLog: string;
  readonly overlay: Overlay;
  readonly subPaths: readonly SubPathBind[];
  /** What the machine is to see of what is mounted in it. */
  readonly shared: readonly SharedBind[];
  readonly cgroup: ControlGroup | undefined;
  /** What its own command is, and commands beside it are, but for their arguments. */
  readonly process: OciProcess;
  /** As sh's `ulimit` takes them. */
  readonly limits: readonly string[];
  /** It is not alone with its processes, so what they leave is not for its runtime to wait for. */
  readonly sharesProcesses: boolean;
}

/** A directory of the machine that is bound to a place of the runtime's namespace so that what is mounted in one is mounted in the other. */
export interface SharedBind {
  readonly source: string;
  readonly at: string;
}

/** Of such places. It is of a mount that is not the volume's: so that can go on to be shared when the container's root is mounted where nobody else sees it. */
const SHARED_PLACES = "/proc/tty";

export function sharedBinds(sources: readonly string[]): readonly SharedBind[] {
  return sources.map((source, index) => ({ source, at: `${SHARED_PLACES}/${index}` }));
}

/** Source for its words: containerd's ensureShared. */
function sharedLines({ shared, overlay, tools }: OciLaunched): readonly string[] {
  if (shared.length === 0) return [];
  const mount = quoted(tools.mount);
  return [
    // Nothing that is done to these is done to the machine's.
    `${mount} --make-rslave /sys && ${mount} --make-rslave /proc && ${mount} -t tmpfs tmpfs ${SHARED_PLACES} || fail "cannot make places for what is shared"`,
    ...shared.flatMap(({ source, at }) => [
      `mkdir ${at} && ${mount} --no-canonicalize --bind ${quoted(source)} ${at} || fail "cannot share a volume"`,
      `grep -q ' ${at} .* shared:' /proc/self/mountinfo || fail "path "${quoted(source)}" is mounted on $(stat -c %m ${quoted(source)}) but it is not a shared mount"`,
    ]),
    `${mount} --make-slave "$(stat -c %m ${quoted(overlay.at)})" || fail "cannot keep the container's root to itself"`,
  ];
}

/** The container's root: what the image has, under what the container makes of it. */
export interface Overlay {
  readonly lower: string;
  readonly upper: string;
  readonly work: string;
  readonly at: string;
}

/**
 * How a container is run: in a mount namespace of the runtime's own, where its root is put together and which goes with it, so that nothing that is mounted is ever left
 * on the machine. Pure.
 */
export function ociCommands(launched: OciLaunched): Pick<KeptSpec, "launch" | "enter" | "enterTerminal" | "errorLog" | "cleanUp"> {
  const { oci, tools, id, bundle, errorLog, overlay, subPaths, limits, sharesProcesses } = launched;
  const script = [
    FAIL,
    ...sharedLines(launched),
    ...preludeOf(launched),
    `said=$(${quoted(tools.mount)} -t overlay overlay -o ${quoted(overlayOptions(overlay))} ${quoted(overlay.at)} 2>&1) || fail "cannot mount the container's root: $said"`,
    ...subPathLines(subPaths, tools),
    ...limits.map((limit) => `ulimit ${limit} || fail "cannot set the limit ${limit}"`),
    ...enterLines(launched),
    // As much as this user may.
    `echo ${OOM_SCORE_OWN} 2>/dev/null >/proc/self/oom_score_adj`,
    `exec ${wordsOf(launched, ["run", ...(oci.keeps ? ["--keep"] : []), ...(sharesProcesses ? ["--no-subreaper"] : []), "--bundle", bundle, id])}`,
  ];
  return {
    launch: inNamespace(tools, script, launched.shared.length > 0 ? "unchanged" : "slave"),
    enter: entering(launched),
    enterTerminal: enteringTerminal(launched, launched.process),
    errorLog,
    ...(oci.keeps ? { cleanUp: shell([`exec ${wordsOf(launched, ["delete", "--force", id])}`]) } : {}),
  };
}

function entering(launched: OciLaunched): Command {
  const { id, tools } = launched;
  return inNamespace(tools, [...preludeOf(launched), ...enterLines(launched), `exec ${execWords(launched)} ${quoted(id)} "$@"`]);
}

function enteringTerminal(launched: OciLaunched, { env, ...process }: OciProcess): EnterTerminal {
  const { id, bundle, tools } = launched;
  // Which process it is to wait for is written down when it is there; a command that cannot be run never is.
  const found = 'for try in 1 2 3 4 5 6 7 8 9 10; do [ -s "$file" ] && break; sleep 0.1; done; pid=$(cat "$file"); rm -f "$file" "$1"';
  const command = inNamespace(tools, [
    ...preludeOf(launched),
    ...enterLines(launched),
    `file=${quoted(bundle)}/exec-$$`,
    `(${found}; [ -n "$pid" ] && ${LINGER}) 2>/dev/null &`,
    `exec ${execWords(launched, "--pid-file")} "$file" --process "$1" ${quoted(id)}`,
  ]);
  const hasTerm = env.some((variable) => variable.startsWith("TERM="));
  return { ...command, process: { ...process, terminal: true, env: hasTerm ? env : [...env, `TERM=${TERM}`] } };
}

function execWords(launched: OciLaunched, ...options: readonly string[]): string {
  return wordsOf({ ...launched, errorLog: "" }, ["exec", ...options]);
}

function preludeOf({ oci: { hides } }: Pick<OciLaunched, "oci">): readonly string[] {
  return hides === undefined ? [] : [`umount ${hides} 2>/dev/null`];
}

/** Into the group that is there. */
function enterLines({ oci, cgroup }: OciLaunched): readonly string[] {
  if (oci.keeps || cgroup === undefined) return [];
  return directoriesOf(cgroup).map((directory) => `echo $$ >${quoted(`${directory}/cgroup.procs`)} || exit 126`);
}

function wordsOf({ oci, state, errorLog }: Pick<OciLaunched, "oci" | "state" | "errorLog">, words: readonly string[]): string {
  const log = errorLog === "" ? [] : ["--log", errorLog, "--log-format", "json"];
  const cgroups = oci.keeps ? [] : ["--cgroup-manager=disabled"];
  return [oci.path, "--root", state, ...log, ...cgroups, ...words].map(quoted).join(" ");
}

function inNamespace(tools: Tools, lines: readonly string[], propagation = "slave"): Command {
  const { file, args } = shell(lines);
  return { file: tools.unshare, args: ["--mount", "--propagation", propagation, "--", file, ...args], env: OWN_ENV, cwd: "/" };
}

function shell(lines: readonly string[]): Command {
  return { file: "/bin/sh", args: ["-c", lines.join("\n"), "container"], env: OWN_ENV, cwd: "/" };
}

/** Commas and colons part what is listed there. */
function overlayOptions({ lower, upper, work }: Overlay): string {
  const escaped = (path: string): string => path.replace(/[\\,:]/g, "\\$&");
  return `lowerdir=${escaped(lower)},upperdir=${escaped(upper)},workdir=${escaped(work)}`;
}

/** What the runtime says of a container that runs. Throws an Error. */
export async function ociState(launched: Pick<OciLaunched, "oci" | "tools" | "state">, id: string): Promise<{ readonly pid: number }> {
  const script = [...preludeOf(launched), `exec ${wordsOf({ ...launched, errorLog: "" }, ["state", id])}`];
  const { file, args, env } = inNamespace(launched.tools, script);
  const { stdout } = await run(file, args, { env: { ...env } });
  return JSON.parse(stdout) as { readonly pid: number };
}

/**
 * A program that waits for another one's end and a moment longer, as a child of the runtime, which goes as the last of its children does: what was printed to a
 * terminal at the very end it would else not always pass on (crun).
 */
const LINGER = "exec tail -s 0.05 --pid=$pid -f /dev/null </dev/null >/dev/null 2>&1 3>&-";

/** What the hook of a container tells the keeper: the state that its runtime says it has, with its process, and that it has begun. */
export function begunHook(tty: boolean): readonly string[] {
  const lines = [
    'state=$(tr -d "\\n\\t ")',
    'printf "%s\\n\\n" "$state" >/proc/$PPID/fd/3',
    ...(tty ? [`pid=$(echo "$state" | tr , "\\n" | sed -n 's/^"pid"://p')`, `(${LINGER}) &`] : []),
  ];
  return ["/bin/sh", "-c", lines.join("\n")];
}
