import { resolve } from "node:path";
import type { RuntimeFlags, SandboxFlags } from "../command-line/runtime-flags.ts";
import { readCatalog, readNetwork } from "./configuration-files.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { HostOptions } from "./host-protocol.ts";
import {
  IMAGES_DIRECTORY,
  MANIFESTS_DIRECTORY,
  NODES_DIRECTORY,
  PODS_DIRECTORY,
  SECCOMP_DIRECTORY,
  UNPACKED_IMAGES_DIRECTORY,
  VOLUMES_DIRECTORY,
} from "./layout.ts";
import type { SandboxSettings } from "./sandbox-machine.ts";

/** Reads the files that flags name, before anything is begun; what comes of it says how pods run whose files are in a data directory. Throws BootFailure. */
export async function readRuntime(flags: RuntimeFlags): Promise<(data: DataDirectory) => HostOptions["runtime"]> {
  const { name, reserved, eviction, unsafeSysctls, sandbox, cri, staticPodPath, volumesDirectory } = flags;
  if (name === "hollow") return () => ({ name });
  const catalog = flags.catalog === undefined ? undefined : await readCatalog(flags.catalog);
  const network = sandbox?.cniConfig === undefined ? undefined : await readNetwork(sandbox.cniConfig);
  return (data) => ({
    name,
    directory: data.file(PODS_DIRECTORY),
    nodesDirectory: data.file(NODES_DIRECTORY),
    volumesDirectory: resolve(volumesDirectory ?? data.file(VOLUMES_DIRECTORY)),
    catalog,
    staticPodPath: resolve(staticPodPath ?? data.file(MANIFESTS_DIRECTORY)),
    reserved,
    eviction,
    unsafeSysctls,
    sandbox: sandbox === undefined ? undefined : sandboxSettings(sandbox, network, data),
    cri: cri === undefined ? undefined : { ...cri, seccompProfiles: data.file(SECCOMP_DIRECTORY) },
  });
}

function sandboxSettings(flags: SandboxFlags, network: SandboxSettings["network"], data: DataDirectory): SandboxSettings {
  return {
    ...flags,
    images: resolve(flags.images ?? data.file(IMAGES_DIRECTORY)),
    unpackedImages: data.file(UNPACKED_IMAGES_DIRECTORY),
    seccompProfiles: data.file(SECCOMP_DIRECTORY),
    network,
  };
}
