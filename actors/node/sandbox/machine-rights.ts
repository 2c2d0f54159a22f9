import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
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
    if (entry.isDirectory()) return NOT_DEVICES.has(entry.name) ? [] : machineDevices(path);
    if ((!entry.isCharacterDevice() && !entry.isBlockDevice()) || NOT_DEVICES.has(entry.name)) return [];
    const { rdev } = statSync(path);
    // Source: makedev(3).
    const major = (rdev >> 8) & 0xfff;
    const minor = (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
    return [{ path, type: entry.isCharacterDevice() ? "c" : "b", major, minor }];
  });
}
