import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ContainerMount } from "../container-runtime.ts";
import type { Device } from "./oci-config.ts";

/** Source: linux/capability.h, by their numbers. */
const CAPABILITY_NAMES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "DAC_READ_SEARCH",
  "FOWNER",
  "FSETID",
  "KILL",
  "SETGID",
  "SETUID",
  "SETPCAP",
  "LINUX_IMMUTABLE",
  "NET_BIND_SERVICE",
  "NET_BROADCAST",
  "NET_ADMIN",
  "NET_RAW",
  "IPC_LOCK",
  "IPC_OWNER",
  "SYS_MODULE",
  "SYS_RAWIO",
  "SYS_CHROOT",
  "SYS_PTRACE",
  "SYS_PACCT",
  "SYS_ADMIN",
  "SYS_BOOT",
  "SYS_NICE",
  "SYS_RESOURCE",
  "SYS_TIME",
  "SYS_TTY_CONFIG",
  "MKNOD",
  "LEASE",
  "AUDIT_WRITE",
  "AUDIT_CONTROL",
  "SETFCAP",
  "MAC_OVERRIDE",
  "MAC_ADMIN",
  "SYSLOG",
  "WAKE_ALARM",
  "BLOCK_SUSPEND",
  "AUDIT_READ",
  "PERFMON",
  "BPF",
  "CHECKPOINT_RESTORE",
];
/** File systems within /dev, which containers have of their own. */
const NOT_DEVICES = new Set(["pts", "shm", "mqueue", "fd", "console"]);

/** What this process may give to others, without `CAP_`. */
export function ownCapabilities(status: string = readFileSync("/proc/self/status", "utf8")): readonly string[] {
  const bounding = BigInt(`0x${/^CapBnd:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return CAPABILITY_NAMES.filter((_, number) => ((bounding >> BigInt(number)) & 1n) === 1n);
}

/** Those of the machine. */
export function machineDevices(directory = "/dev"): readonly Device[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry): readonly Device[] => {
    const path = join(directory, entry.name);
    if (NOT_DEVICES.has(entry.name)) return [];
    return entry.isDirectory() ? machineDevices(path) : devicesAt(path);
  });
}

/** Those that are volumes of a container. */
export function volumeDevices(mounts: readonly ContainerMount[]): readonly Device[] {
  return mounts.flatMap(({ isDevice, hostPath }) => (isDevice === true ? devicesAt(hostPath) : []));
}

/** The device at a path, if there is one. */
function devicesAt(path: string): readonly Device[] {
  const about = statSync(path, { throwIfNoEntry: false });
  if (about === undefined || !(about.isCharacterDevice() || about.isBlockDevice())) return [];
  // Source: makedev(3).
  const major = (about.rdev >> 8) & 0xfff;
  const minor = (about.rdev & 0xff) | ((about.rdev >> 12) & 0xfff00);
  return [{ path, type: about.isCharacterDevice() ? "c" : "b", major, minor }];
}
