import { execFile } from "node:child_process";
import { access, constants, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * How far the machine lets this user set a pod's processes apart. In a mount namespace a pod's files are at their usual paths: its volumes, the token of its
 * service account, /etc/hosts and /etc/resolv.conf. Processes, ports and memory are the machine's own in all cases.
 *
 * - `mount-namespace`: Troupe runs as root, and may make one.
 * - `user-namespace`: it may make one within a user namespace; any runAsUser is a name for the user that Troupe runs as.
 * - `none`: it may not, or util-linux is not there: paths are told by environment variables.
 */
export type Isolation = "mount-namespace" | "user-namespace" | "none";

/** Programs of util-linux and coreutils, with their paths. */
export interface Tools {
  readonly unshare: string;
  readonly nsenter: string;
  readonly mount: string;
  readonly setpriv: string;
  readonly env: string;
  readonly nice: string;
  readonly script: string;
  readonly stty: string;
  readonly tty: string;
}

const PLACES = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];
const TRIAL_TIMEOUT_MS = 5_000;
const run = promisify(execFile);

export async function findTools(): Promise<Tools> {
  const names = ["unshare", "nsenter", "mount", "setpriv", "env", "nice", "script", "stty", "tty"] as const;
  const found = await Promise.all(names.map(async (name) => [name, await placeOf(name)] as const));
  return Object.fromEntries(found) as unknown as Tools;
}

/** Empty: it is not there. */
async function placeOf(tool: string): Promise<string> {
  for (const place of PLACES) {
    const path = join(place, tool);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return "";
}

/** Finds out by trying, in a directory of its own. */
export async function findIsolation(directory: string, tools: Tools): Promise<Isolation> {
  const { unshare, nsenter, mount } = tools;
  if (unshare === "" || nsenter === "" || mount === "") return "none";
  const trial = join(directory, "trial");
  await mkdir(trial, { recursive: true, mode: 0o700 });
  const bind = [mount, "--bind", trial, trial];
  const succeeds = async (args: readonly string[]): Promise<boolean> =>
    run(unshare, [...args], { timeout: TRIAL_TIMEOUT_MS }).then(
      () => true,
      () => false,
    );
  const isRoot = process.getuid?.() === 0;
  if (isRoot && (await succeeds(["--mount", "--uts", ...bind]))) return "mount-namespace";
  const nested = `"$@" && exec "${unshare}" --user --mount --uts --map-user=1000 --map-group=1000 true`;
  if (await succeeds(["--user", "--map-root-user", "--mount", "--uts", "/bin/sh", "-c", nested, "sh", ...bind])) return "user-namespace";
  return "none";
}
