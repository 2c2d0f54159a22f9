import { sysctlPath } from "../allocation/sysctl-allowlist.ts";
import { NOT_BEGUN, type SandboxSpec } from "../container-runtime.ts";
import type { Tools } from "../process/isolation.ts";
import type { KeptSpec } from "../process/keeper/protocol.ts";
import { FAIL, OWN_ENV } from "../process/launch.ts";
import { quoted } from "../process/quoted.ts";

/** No container of a pod can be called so. */
export const PAUSE = "";
/** In its directory: the process that has the pod's namespaces. */
export const PAUSE_PID_FILE = "pid";
/** A port below 1024 of a pod's own network is no right of the machine. Source: containerd's enable_unprivileged_ports. */
const SYSCTLS = { "net.ipv4.ip_unprivileged_port_start": "0" } as const;

export interface PauseWanted {
  readonly spec: SandboxSpec;
  readonly sandbox: string;
  /** Its own. */
  readonly directory: string;
  readonly log: string;
  readonly tools: Tools;
  /** Of a pod's own network. */
  readonly sysctls: Readonly<Record<string, string>>;
  readonly now_ms: number;
}

export function pauseId({ uid, attempt }: Pick<SandboxSpec, "uid" | "attempt">): string {
  return `${uid}_${PAUSE}_${attempt}`;
}

/**
 * What holds the namespaces that a pod's containers share, as long as the pod has its sandbox: a process that sleeps. Where the containers share their processes it is the
 * first one of all, and takes note of what they leave behind.
 */
export function pauseContainer({ spec, sandbox, directory, log, tools, sysctls, now_ms }: PauseWanted): KeptSpec {
  const { uid, attempt, hostname, hostNetwork, hostIPC, sharesProcesses, hostPID } = spec;
  const inner = [
    FAIL,
    ...(hostNetwork ? [] : [`hostname ${quoted(hostname)}`]),
    ...Object.entries({ ...(hostNetwork ? {} : { ...SYSCTLS, ...sysctls }), ...spec.sysctls }).map(
      ([name, value]) =>
        `echo ${quoted(value)} >${quoted(`/proc/sys/${sysctlPath(name)}`)} || fail "cannot set the sysctl ${quoted(name)}"`,
    ),
    // Children that end are forgotten by the kernel itself.
    "trap '' CHLD",
    "echo >&3; exec 3>&-",
    "exec sleep infinity",
  ].join("\n");
  const namespaces = [
    ...(hostNetwork ? [] : ["--net", "--uts"]),
    ...(hostIPC ? [] : ["--ipc"]),
    ...(sharesProcesses && !hostPID ? ["--pid", "--fork", "--kill-child"] : []),
  ];
  const outer = `echo $$ >${quoted(`${directory}/${PAUSE_PID_FILE}`)}; exec ${quoted(tools.unshare)} ${namespaces.join(" ")} -- /bin/sh -c "$1" pause`;
  return {
    observed: {
      ...NOT_BEGUN,
      id: pauseId(spec),
      sandbox,
      name: PAUSE,
      attempt,
      image: "",
      imageId: "",
      createdAt_ms: now_ms,
      logPath: log,
      resources: {},
    },
    uid,
    directory,
    launch: { file: "/bin/sh", args: ["-c", outer, "pause", inner], env: OWN_ENV, cwd: "/" },
    enter: { file: "", args: [], env: OWN_ENV, cwd: "/" },
    stdin: false,
    stdinOnce: false,
    tty: false,
    terminal: { script: "", stty: "", tty: "" },
    stopSignal: "SIGKILL",
    terminationFile: `${directory}/termination-log`,
    fallsBackToLog: false,
  };
}
