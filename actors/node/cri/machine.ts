import { existsSync, readdirSync } from "node:fs";
import type { Clock } from "../../../runtime/mod.ts";
import { RuntimeFailure } from "../container-runtime.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcFailure } from "../grpc/failure.ts";
import { findPodGroups } from "../sandbox/machine.ts";
import type { ForPods } from "../sandbox/pod-groups.ts";
import type { LinuxMachine } from "./container-config.ts";
import { type CriGroups, groupsByFiles, groupsBySystemd } from "./cri-groups.ts";
import type { RuntimeClient } from "./cri-world.ts";
import { CGROUP_DRIVER, RUNTIME_SERVICE } from "./messages.ts";

/** What a runtime and its machine are, as far as that is found out once. */
export interface CriMachine {
  /** What the runtime calls itself. */
  readonly scheme: string;
  readonly groups: CriGroups;
  readonly machine: LinuxMachine;
  /** What it cannot do, for people. */
  readonly wants: readonly string[];
}

/** One that is just starting answers by then. */
const PATIENCE_MS = 10_000;
const POLL_MS = 200;
const API_VERSION = "v1";
const HUGE_PAGES = "/sys/kernel/mm/hugepages";
const UNITS = ["KB", "MB", "GB"];
const KI = 1_024;

/** Asks the runtime behind a socket who it is, and tells it the range of pods' addresses where that is known. Throws an Error that says what it takes. */
export async function findCri(
  socket: string,
  {
    directory,
    pods,
    podPidsMax,
    forPods,
    clock,
  }: {
    readonly directory: string;
    readonly pods: string | undefined;
    readonly podPidsMax: number | undefined;
    readonly forPods: ForPods;
    readonly clock: Clock;
  },
): Promise<CriMachine> {
  if (process.getuid?.() !== 0) throw new Error("it takes root; start Troupe as root, or choose --runtime process");
  const client: RuntimeClient = new GrpcClient(RUNTIME_SERVICE, socket, clock);
  try {
    const scheme = await nameOf(client, socket, clock);
    if (pods !== undefined) await tellRange(client, pods);
    const machine = { hugePageSizes: hugePageSizes(), killsTogether: existsSync("/sys/fs/cgroup/cgroup.controllers") };
    if (await usesSystemd(client)) return { scheme, groups: groupsBySystemd(directory), machine, wants: [] };
    const { groups, wants } = findPodGroups(directory, podPidsMax, forPods);
    return { scheme, groups: groupsByFiles(groups), machine, wants: wants.map((want) => `of pods as a whole ${want}`) };
  } finally {
    client.close();
  }
}

/** Tells a runtime the range of pods' addresses: those that make networks from a template do it with that. Throws an Error. */
export async function tellPodRange(socket: string, range: string, clock: Clock): Promise<void> {
  const client: RuntimeClient = new GrpcClient(RUNTIME_SERVICE, socket, clock);
  try {
    await tellRange(client, range);
  } finally {
    client.close();
  }
}

/** One that does not care for it says so. */
async function tellRange(client: RuntimeClient, podCidr: string): Promise<void> {
  await client.call("UpdateRuntimeConfig", { runtimeConfig: { networkConfig: { podCidr } } }, PATIENCE_MS).catch(unlessUnimplemented);
}

async function nameOf(client: RuntimeClient, socket: string, clock: Clock): Promise<string> {
  const until_ms = clock.monotonic_ms() + PATIENCE_MS;
  for (;;) {
    try {
      const { runtimeName, runtimeApiVersion } = await client.call("Version", {}, PATIENCE_MS);
      if (runtimeApiVersion !== API_VERSION)
        throw new RuntimeFailure("RuntimeUnavailable", `it speaks CRI ${runtimeApiVersion}, not ${API_VERSION}`);
      return runtimeName;
    } catch (error) {
      if (error instanceof GrpcFailure && error.code === "Unimplemented")
        throw new Error(
          `what listens at ${socket} does not speak CRI ${API_VERSION}; containerd does from version 1.6 on, unless its plugin \`cri\` is disabled`,
        );
      if (!(error instanceof GrpcFailure) || clock.monotonic_ms() > until_ms)
        throw new Error(
          `no container runtime answers at ${socket} (${(error as Error).message}); start containerd, or say --container-runtime-endpoint`,
        );
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
  }
}

/** Runtimes before 1.28 say it nowhere but in what containerd tells of its own configuration. */
async function usesSystemd(client: RuntimeClient): Promise<boolean> {
  const config = await client.call("RuntimeConfig", {}, PATIENCE_MS).catch(unlessUnimplemented);
  if (config?.linux) return config.linux.cgroupDriver === CGROUP_DRIVER.systemd;
  const { info } = await client.call("Status", { verbose: true }, PATIENCE_MS);
  try {
    const { containerd = {} } = JSON.parse(info.config ?? "{}") as ContainerdConfig;
    return containerd.runtimes?.[containerd.defaultRuntimeName ?? ""]?.options?.SystemdCgroup === true;
  } catch {
    return false;
  }
}

interface ContainerdConfig {
  readonly containerd?: {
    readonly defaultRuntimeName?: string;
    readonly runtimes?: Readonly<Record<string, { readonly options?: { readonly SystemdCgroup?: boolean } | null }>>;
  };
}

function unlessUnimplemented(error: unknown): undefined {
  if (error instanceof GrpcFailure && error.code === "Unimplemented") return undefined;
  throw error;
}

/** As control groups call them: `2MB`. */
function hugePageSizes(): readonly string[] {
  if (!existsSync(HUGE_PAGES)) return [];
  return readdirSync(HUGE_PAGES).flatMap((name) => {
    let size = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    let unit = 0;
    for (; size >= KI && unit < UNITS.length - 1; size /= KI) unit++;
    return Number.isNaN(size) ? [] : [`${size}${UNITS[unit]}`];
  });
}
