import { execFile } from "node:child_process";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ContainerSpec, RuntimeFailure } from "../container-runtime.ts";
import type { Tools } from "../process/isolation.ts";
import { subPathBinds } from "../process/kept-container-spec.ts";
import { subPathLines } from "../process/launch.ts";
import { ETC_DIRECTORY } from "../process/sandbox-files.ts";
import { mountPointsIn } from "../volumes/mount-points.ts";
import { type CriSent, PROPAGATION } from "./messages.ts";

const HOSTS = "/etc/hosts";
const TERMINATION_LOG = "termination-log";
const SUB_PATHS = "sub-paths";
/** Whatever user the container runs as. */
const WRITABLE_MODE = 0o666;
const FAIL = 'fail() { echo "$*" >&2; exit 1; }';
const run = promisify(execFile);

/** The file that a container leaves its last words in; `directory` is its own. */
export function terminationFileIn(directory: string): string {
  return join(directory, TERMINATION_LOG);
}

/**
 * Lays out the files of a container, and says what of the machine it is to see where. A part of a volume is mounted in the container's directory, as a kubelet does: only what has
 * been opened is certain to be the part that was looked at. Throws RuntimeFailure. Source: kubelet's makeMounts.
 */
export async function containerMounts(
  spec: ContainerSpec,
  pod: string,
  directory: string,
  tools: Tools,
): Promise<readonly CriSent<"Mount">[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const terminationFile = terminationFileIn(directory);
  await writeFile(terminationFile, "");
  await chmod(terminationFile, WRITABLE_MODE);
  const mounts = spec.mounts.filter(({ isDevice }) => isDevice !== true);
  const binds = await subPathBinds(spec.name, mounts, join(directory, SUB_PATHS));
  if (binds.length > 0) {
    const script = [FAIL, ...subPathLines(binds, tools)].join("\n");
    await run("/bin/sh", ["-c", script]).catch((error: { readonly stderr: string }) => {
      throw new RuntimeFailure("CreateContainerConfigError", `failed to prepare subPath of the container: ${error.stderr.trim()}`);
    });
  }
  const volumes = mounts.map((mount): CriSent<"Mount"> => {
    const { hostPath, containerPath, readOnly, recursiveReadOnly, propagation = "None" } = mount;
    return {
      hostPath: binds.find((bind) => bind.mount === mount)?.at ?? hostPath,
      containerPath,
      readonly: readOnly,
      recursiveReadOnly,
      propagation: PROPAGATION[propagation],
    };
  });
  const own: readonly CriSent<"Mount">[] = [
    { hostPath: join(pod, ETC_DIRECTORY, "hosts"), containerPath: HOSTS },
    { hostPath: terminationFile, containerPath: spec.terminationMessage.path },
  ];
  const taken = new Set(volumes.map(({ containerPath }) => containerPath));
  return [...own.filter(({ containerPath }) => !taken.has(containerPath)), ...volumes];
}

/** What a container may use as devices. Source: kubelet's makeBlockVolumes. */
export function containerDevices({ mounts }: ContainerSpec): readonly CriSent<"Device">[] {
  return mounts.flatMap(({ hostPath, containerPath, readOnly, isDevice }) =>
    isDevice === true ? [{ hostPath, containerPath, permissions: readOnly ? "mr" : "mrw" }] : [],
  );
}

/** Removes a directory of pods or of one of them. Nothing of it is removed as long as anything is mounted in it: that would be the volume's own files. Throws an Error. */
export async function removeWithMounts(directory: string): Promise<void> {
  for (const point of await mountPointsIn(directory)) await run("umount", ["--no-canonicalize", point]);
  await rm(directory, { recursive: true, force: true });
}
