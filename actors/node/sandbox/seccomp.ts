/**
 * Profiles of what may be called of the kernel: files in the form of Docker's and containers/common, which leave to the machine what depends on its architecture
 * and on what the container may do anyway. Source: containers/common pkg/seccomp, seccomp_linux.go; kubelet's getSeccompProfile.
 */
import { readFile } from "node:fs/promises";
import { arch, release } from "node:os";
import { isAbsolute, join } from "node:path";

export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] | null }[];
  readonly syscalls?: readonly Rule[];
}

interface Rule {
  readonly names?: readonly string[];
  readonly name?: string;
  readonly action: string;
  readonly args?: readonly object[] | null;
  readonly errnoRet?: number;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
}

/** Where distributions put the one of containers/common. */
const PLACES = ["/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"];
/** As Go and libseccomp name architectures. */
const ARCHITECTURES: Readonly<Record<string, readonly [go: string, seccomp: string]>> = {
  x64: ["amd64", "SCMP_ARCH_X86_64"],
  arm64: ["arm64", "SCMP_ARCH_AARCH64"],
  riscv64: ["riscv64", "SCMP_ARCH_RISCV64"],
  s390x: ["s390x", "SCMP_ARCH_S390X"],
  ppc64: ["ppc64le", "SCMP_ARCH_PPC64LE"],
};

/** Undefined: the machine has none. */
export async function findSeccompProfile(): Promise<SeccompProfile | undefined> {
  for (const place of PLACES) {
    const text = await readFile(place, "utf8").catch(() => undefined);
    if (text !== undefined) return JSON.parse(text) as SeccompProfile;
  }
  return undefined;
}

/** Where one of the machine's is, by its path below the directory of such. Throws an Error in kubelet's words. */
export function localhostProfilePath(directory: string, path: string): string {
  if (isAbsolute(path) || path.split("/").includes("..")) throw new Error(`invalid seccomp profile path ${JSON.stringify(path)}`);
  return join(directory, path);
}

/** Throws an Error in kubelet's words. */
export async function localhostProfile(directory: string, path: string): Promise<SeccompProfile> {
  const file = localhostProfilePath(directory, path);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`cannot load seccomp profile ${JSON.stringify(file)}: ${error.code ?? error.message}`);
  });
  return JSON.parse(text) as SeccompProfile;
}

/** What an OCI runtime is told of a profile, for a container with these capabilities. */
export function ociSeccomp(
  profile: SeccompProfile,
  capabilities: readonly string[],
  machine: string = arch(),
  kernel: string = release(),
): object {
  const { defaultAction, defaultErrnoRet, architectures, archMap = [], syscalls = [] } = profile;
  const [go = machine, own = ""] = ARCHITECTURES[machine] ?? [];
  const known = archMap.find(({ architecture }) => architecture === own);
  const holds = ({ caps = [], arches = [], minKernel }: Condition): boolean =>
    caps.every((cap) => capabilities.includes(cap.replace(/^CAP_/, ""))) &&
    (arches.length === 0 || arches.includes(go)) &&
    (minKernel === undefined || isAtLeast(kernel, minKernel));
  const isExcluded = ({ caps = [], arches = [], minKernel }: Condition): boolean =>
    caps.some((cap) => capabilities.includes(cap.replace(/^CAP_/, ""))) ||
    arches.includes(go) ||
    (minKernel !== undefined && isAtLeast(kernel, minKernel));
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: known === undefined ? (architectures ?? []) : [known.architecture, ...(known.subArchitectures ?? [])],
    syscalls: syscalls
      .filter(({ includes = {}, excludes = {} }) => holds(includes) && !isExcluded(excludes))
      .map(({ names, name, action, args, errnoRet }) => ({
        names: names ?? (name === undefined ? [] : [name]),
        action,
        ...(errnoRet === undefined ? {} : { errnoRet }),
        ...(args === undefined || args === null ? {} : { args }),
      })),
  };
}

function isAtLeast(kernel: string, wanted: string): boolean {
  const parts = (text: string): readonly number[] => text.split(/[.-]/).slice(0, 2).map(Number);
  const [major = 0, minor = 0] = parts(kernel);
  const [wantedMajor = 0, wantedMinor = 0] = parts(wanted);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
