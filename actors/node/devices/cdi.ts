/** The Container Device Interface: what it takes to give a container a device, as drivers write it down. Source: SPEC.md and pkg/cdi of container-device-interface. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { load } from "js-yaml";
import { type ContainerMount, type EnvVariable, RuntimeFailure } from "../container-runtime.ts";
import type { DeviceEdits } from "./pod-devices.ts";

/** Where a machine has specs. */
export const CDI_DIRECTORIES: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

interface Edits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly { readonly path?: string; readonly hostPath?: string }[];
  readonly mounts?: readonly { readonly hostPath?: string; readonly containerPath?: string; readonly options?: readonly string[] }[];
}

interface Spec {
  readonly kind?: string;
  readonly containerEdits?: Edits;
  readonly devices?: readonly { readonly name?: string; readonly containerEdits?: Edits }[];
}

/** The edits for these devices, those of their specs first; of two specs of the same device that of the later directory holds. Throws RuntimeFailure. */
export async function cdiEdits(ids: readonly string[], directories: readonly string[]): Promise<DeviceEdits> {
  if (ids.length === 0) return { env: [], mounts: [] };
  const specs = (await Promise.all(directories.map(specsIn))).flat();
  const used = new Set<Spec>();
  const found: Edits[] = [];
  const unknown: string[] = [];
  for (const id of new Set(ids)) {
    const equals = id.indexOf("=");
    const [kind, name] = [id.slice(0, equals), id.slice(equals + 1)];
    const spec = specs.findLast((one) => one.kind === kind && one.devices?.some((device) => device.name === name));
    const device = spec?.devices?.find((one) => one.name === name);
    if (spec === undefined || device === undefined) {
      unknown.push(id);
      continue;
    }
    if (!used.has(spec) && spec.containerEdits !== undefined) found.push(spec.containerEdits);
    used.add(spec);
    if (device.containerEdits !== undefined) found.push(device.containerEdits);
  }
  if (unknown.length > 0) throw failure(`unresolvable CDI devices ${unknown.join(", ")}`);
  const mounts = found.flatMap(mountsOf);
  for (const { hostPath } of mounts) {
    if ((await stat(hostPath).catch(() => undefined)) === undefined) throw failure(`no such file or directory: ${hostPath}`);
  }
  return { env: found.flatMap(({ env = [] }) => env.map(variableOf)), mounts };
}

async function specsIn(directory: string): Promise<readonly Spec[]> {
  const names = await readdir(directory).catch(() => []);
  const files = names.filter((name) => /\.(json|ya?ml)$/.test(name)).sort();
  const specs = files.map(async (name): Promise<Spec[]> => {
    try {
      const spec = load(await readFile(join(directory, name), "utf8"));
      return typeof spec === "object" && spec !== null ? [spec as Spec] : [];
    } catch {
      // Somebody else's file that is none keeps nobody from theirs.
      return [];
    }
  });
  return (await Promise.all(specs)).flat();
}

const failure = (why: string): RuntimeFailure => new RuntimeFailure("CreateContainerError", `CDI device injection failed: ${why}`);

function variableOf(text: string): EnvVariable {
  const equals = text.indexOf("=");
  return equals < 0 ? { name: text, value: "" } : { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

function mountsOf({ deviceNodes = [], mounts = [] }: Edits): ContainerMount[] {
  const mount = { subPath: "", readOnly: false, volume: "" };
  return [
    ...deviceNodes.flatMap(({ path, hostPath }) =>
      path === undefined ? [] : [{ ...mount, hostPath: hostPath ?? path, containerPath: path, isDevice: true }],
    ),
    ...mounts.flatMap(({ hostPath, containerPath, options = [] }) =>
      hostPath === undefined || containerPath === undefined
        ? []
        : [{ ...mount, hostPath, containerPath, readOnly: options.includes("ro") }],
    ),
  ];
}
