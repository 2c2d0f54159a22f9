import { chmod, mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type ContainerMount,
  type ContainerObserved,
  type ContainerSpec,
  type ContainerUser,
  type EnvVariable,
  NOT_BEGUN,
  RuntimeFailure,
  type SandboxSpec,
} from "../container-runtime.ts";
import { findWithin } from "../volumes/sub-path.ts";
import { type CatalogEntry, programNamed } from "./catalog.ts";
import { lockedOptions, prepareMounts } from "./container-files.ts";
import type { Isolation, Tools } from "./isolation.ts";
import type { KeptSpec } from "./keeper/protocol.ts";
import { TERM } from "./keeper/terminal.ts";
import { enterCommand, type Launched, launchCommand, type SubPathBind } from "./launch.ts";
import type { Mount } from "./mount-plan.ts";
import { ETC_DIRECTORY, ETC_FILES, hostnameOf } from "./sandbox-files.ts";
import { groupsOf, idsNamed } from "./user-database.ts";

export interface Wanted {
  /** The pod's. */
  readonly directory: string;
  readonly sandbox: SandboxSpec & { readonly id: string };
  readonly spec: ContainerSpec;
  /** What its image stands for; undefined: its command is run as it is. */
  readonly entry: CatalogEntry | undefined;
  /** A directory of programs that come first. */
  readonly applets: string | undefined;
  readonly isolation: Isolation;
  readonly tools: Tools;
  readonly now_ms: number;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Where a container finds its scratch directory, if it has paths of its own. */
const SCRATCH = "/run/troupe";
/** Source: kubelet's GetContainerOOMScoreAdjust; below zero takes rights. */
const OOM_SCORE = { Guaranteed: 0, Burstable: 500, BestEffort: 1_000 } as const;
/** What has asked for nothing gives way. */
const NICENESS = { Guaranteed: 0, Burstable: 0, BestEffort: 5 } as const;

/** Lays out a container's files and says how it is run. Throws RuntimeFailure. */
export async function keptContainer(wanted: Wanted): Promise<KeptSpec> {
  const { sandbox, spec, entry, isolation, tools } = wanted;
  const { directory: own, command, user, mounts, subPaths, env, workingDir, kept } = await prepareContainer(wanted);
  const prepared =
    isolation === "none"
      ? undefined
      : prepareMounts(mounts, join(own, "mounts"), entry?.root ?? "", isolation === "user-namespace" ? lockedOptions() : () => []);
  const launched: Launched = {
    isolation,
    tools,
    command,
    env,
    workingDir,
    root: isolation === "none" ? undefined : prepared?.root,
    isOfMachine: entry?.root === undefined,
    subPaths,
    mounts: prepared?.fstab,
    hostname: hostnameOf(sandbox),
    user,
    oomScore: OOM_SCORE[spec.qosClass],
    niceness: NICENESS[spec.qosClass],
    limits: entry?.limits ?? [],
  };
  return { ...kept, launch: launchCommand(launched), enter: enterCommand(launched) };
}

/** What is the same of a container however it is launched. */
export interface Prepared {
  /** Of its own files. */
  readonly directory: string;
  readonly command: readonly string[];
  readonly user: ContainerUser;
  readonly mounts: readonly Mount[];
  /** To be made before the mounts. */
  readonly subPaths: readonly SubPathBind[];
  readonly env: readonly EnvVariable[];
  readonly workingDir: string;
  readonly kept: Omit<KeptSpec, "launch" | "enter">;
}

/** Throws RuntimeFailure. */
export async function prepareContainer(wanted: Wanted): Promise<Prepared> {
  const { directory, spec, entry, isolation } = wanted;
  const own = join(directory, "containers", `${spec.name}-${spec.attempt}`);
  const scratch = join(own, "scratch");
  const terminationFile = join(own, "termination-log");
  const command = commandOf(spec, entry);
  const user = userOf(wanted);
  await mkdir(scratch, { recursive: true });
  await writeFile(terminationFile, "");
  // Whatever user the container runs as.
  await Promise.all([chmod(scratch, 0o1777), chmod(terminationFile, 0o666)]);
  const subPaths = isolation === "none" ? [] : await subPathBinds(spec.name, spec.mounts, join(own, "sub-paths"));
  const mounts = await mountsOf(wanted, scratch, terminationFile, subPaths);
  return {
    directory: own,
    command,
    user,
    mounts,
    subPaths,
    env: environment(wanted, mounts, scratch, terminationFile),
    workingDir: spec.workingDir ?? entry?.workingDir ?? "/",
    kept: keptAs(wanted, own, terminationFile, user),
  };
}

function keptAs(
  { directory, sandbox, spec, entry, isolation, tools, now_ms }: Wanted,
  own: string,
  terminationFile: string,
  user: ContainerUser,
): Prepared["kept"] {
  const { name, attempt, image, imageId } = spec;
  return {
    observed: {
      ...NOT_BEGUN,
      id: `${sandbox.uid}_${name}_${attempt}`,
      sandbox: sandbox.id,
      name,
      attempt,
      image,
      imageId,
      createdAt_ms: now_ms,
      logPath: join(directory, "logs", name, `${attempt}.log`),
      resources: spec.size.resources,
      // Otherwise it is Troupe's own, whatever it is called.
      ...(isolation === "mount-namespace" ? { user: identityOf(user) } : {}),
    },
    uid: sandbox.uid,
    directory: own,
    stdin: spec.stdin,
    stdinOnce: spec.stdinOnce,
    tty: spec.tty,
    terminal: { script: tools.script, stty: tools.stty, tty: tools.tty },
    stopSignal: entry?.stopSignal ?? "SIGTERM",
    terminationFile,
    fallsBackToLog: spec.terminationMessage.fallsBackToLog,
  };
}

/** A container's command goes before the image's entrypoint, and takes its command with it. */
function commandOf({ command, args, image }: ContainerSpec, entry: CatalogEntry | undefined): readonly string[] {
  const words = command !== undefined ? [...command, ...(args ?? [])] : [...(entry?.entrypoint ?? []), ...(args ?? entry?.command ?? [])];
  if (words.length > 0) return words;
  throw new RuntimeFailure(
    "CreateContainerError",
    `the image ${JSON.stringify(image)} of the catalog says nothing to run, and neither does the container`,
  );
}

/**
 * Who it runs as: whom the pod says, else whom its image does; of users whose image knows them with their groups, where others than Troupe's own can be had. Source for its
 * words: kubelet's verifyRunAsNonRoot; for the groups, containerd.
 */
function userOf({ spec, entry, isolation }: Wanted): ContainerUser {
  const own = process.getuid?.() ?? 0;
  const root = entry?.root ?? "";
  const { user } = spec;
  if (isolation === "none" && user.uid !== undefined && user.uid !== own) {
    const told = `runAsUser ${user.uid}: Troupe runs as user ${own} and can become no other here; that takes mount namespaces, and root or user namespaces`;
    throw new RuntimeFailure("CreateContainerConfigError", told);
  }
  // Where nothing is set apart, files of the pod are within reach of Troupe's own user alone.
  const named = isolation === "none" ? undefined : user.uid === undefined ? entry?.user : String(user.uid);
  const ids = named === undefined ? undefined : idsNamed(named, root);
  const uid = user.uid ?? ids?.uid;
  const effective = uid ?? (isolation === "user-namespace" ? 0 : own);
  if (user.mustNotBeRoot && effective === 0) {
    throw new RuntimeFailure(
      "CreateContainerConfigError",
      `container has runAsNonRoot and image will run as root (container: ${spec.name})`,
    );
  }
  const ofImage = isolation !== "mount-namespace" || user.isStrict ? [] : groupsOf(effective, root);
  return { ...user, uid, gid: user.gid ?? ids?.gid, groups: [...new Set([...ofImage, ...user.groups])] };
}

/** Who its first process is, as its status says. */
function identityOf({ uid = 0, gid = 0, groups }: ContainerUser): NonNullable<ContainerObserved["user"]> {
  return { uid, gid, groups: [...new Set([gid, ...groups])] };
}

async function mountsOf(
  { directory, spec, entry, isolation }: Wanted,
  scratch: string,
  terminationFile: string,
  subPaths: readonly SubPathBind[],
): Promise<readonly Mount[]> {
  const etc = join(directory, ETC_DIRECTORY);
  const own: Mount[] = ETC_FILES.map(
    (file): Mount => ({ source: join(etc, file), target: `/etc/${file}`, isDirectory: false, readOnly: false }),
  ).concat([
    { source: terminationFile, target: spec.terminationMessage.path, isDirectory: false, readOnly: false },
    { source: scratch, target: SCRATCH, isDirectory: true, readOnly: false },
  ]);
  // A file system of its own has not what the kernel shows.
  if (entry?.root !== undefined && isolation !== "none") {
    for (const path of ["/proc", "/sys", "/dev"]) own.push({ source: path, target: path, isDirectory: true, readOnly: false });
  }
  const volumes = await Promise.all(
    spec.mounts.map(async (mount): Promise<Mount> => {
      const { hostPath, subPath, containerPath, readOnly, recursiveReadOnly: isRecursive = false, propagation = "None" } = mount;
      const bind = subPaths.find((each) => each.mount === mount);
      const target = normal(containerPath);
      if (bind !== undefined) return { source: bind.at, target, isDirectory: bind.isDirectory, readOnly, isRecursive };
      const source = join(hostPath, subPath);
      const found = await stat(source).catch(() => undefined);
      if (found === undefined) await mkdir(source, { recursive: true });
      return { source, target, isDirectory: found?.isDirectory() ?? true, readOnly, isRecursive, propagation };
    }),
  );
  const targets = new Set(volumes.map(({ target }) => target));
  return [...own.filter(({ target }) => !targets.has(target)), ...volumes];
}

/** Places for what a container mounts of volumes in part. Throws RuntimeFailure, which says nothing about the machine. Source: kubelet's makeMounts. */
export async function subPathBinds(
  container: string,
  mounts: readonly ContainerMount[],
  directory: string,
): Promise<readonly SubPathBind[]> {
  const binds: SubPathBind[] = [];
  for (const mount of mounts) {
    const { hostPath, subPath, volume } = mount;
    if (subPath === "") continue;
    const at = join(directory, String(binds.length));
    const isDirectory = await findWithin(hostPath, subPath).catch(() => {
      const told = `failed to prepare subPath for volumeMount ${JSON.stringify(volume)} of container ${JSON.stringify(container)}`;
      throw new RuntimeFailure("CreateContainerConfigError", told);
    });
    await mkdir(isDirectory ? at : directory, { recursive: true });
    if (!isDirectory) await writeFile(at, "");
    binds.push({ mount, at, isDirectory, volume: await realpath(hostPath), path: join(hostPath, subPath) });
  }
  return binds;
}

function normal(path: string): string {
  return `/${path
    .split("/")
    .filter((part) => part !== "")
    .join("/")}`;
}

/** Variables of the runtime's own go before none of the container's. */
function environment(
  { spec, entry, applets, sandbox, isolation }: Wanted,
  mounts: readonly Mount[],
  scratch: string,
  terminationFile: string,
): readonly EnvVariable[] {
  const isOwn = isolation !== "none";
  const paths = Object.fromEntries(mounts.map(({ source, target }) => [`TROUPE_PATH_${variableName(target)}`, isOwn ? target : source]));
  const variables: Record<string, string> = {
    PATH: pathOf(entry, applets),
    HOSTNAME: hostnameOf(sandbox),
    HOME: isOwn ? "/root" : scratch,
    ...(spec.tty ? { TERM } : {}),
    POD_IP: sandbox.address,
    TROUPE_SCRATCH: isOwn ? SCRATCH : scratch,
    TROUPE_TERMINATION_LOG: isOwn ? spec.terminationMessage.path : terminationFile,
    ...paths,
    ...entry?.env,
    ...Object.fromEntries(spec.env.map(({ name, value }) => [name, value])),
  };
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

/** Programs that the entry needs are found wherever Troupe has found them, before what the machine calls by their names. */
function pathOf(entry: CatalogEntry | undefined, applets: string | undefined): string {
  const needed =
    entry === undefined || entry.root !== undefined ? [] : entry.needs.flatMap((name) => programNamed(name, entry.places) ?? []);
  const known = PATH.split(":");
  const own = needed.map((path) => dirname(path)).filter((place) => !known.includes(place));
  const places = [...(applets === undefined ? [] : [applets]), ...own, ...known];
  return [...new Set(places)].join(":");
}

function variableName(path: string): string {
  return dirname(path) === path
    ? "ROOT"
    : path
        .slice(1)
        .toUpperCase()
        .replace(/[^A-Z0-9]/g, "_");
}
