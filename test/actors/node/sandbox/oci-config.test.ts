import { describe, expect, test } from "vitest";
import type { ContainerSecurity } from "../../../../actors/node/container-runtime.ts";
import { addressIn, networkConfig } from "../../../../actors/node/sandbox/cni.ts";
import { ownCapabilities } from "../../../../actors/node/sandbox/machine-rights.ts";
import { deviceRules, ociCapabilities, ociConfig } from "../../../../actors/node/sandbox/oci-config.ts";
import { ociSeccomp } from "../../../../actors/node/sandbox/seccomp.ts";
import { PLAIN } from "../process/container-spec.ts";

const OWN = ["CHOWN", "NET_ADMIN", "NET_RAW", "MKNOD", "SYS_ADMIN"];
const security = (add: readonly string[], drop: readonly string[], rest: Partial<ContainerSecurity> = {}): ContainerSecurity => ({
  ...PLAIN.security,
  capabilities: { add, drop },
  ...rest,
});

describe("capabilities", () => {
  test.each([
    [[], [], ["CHOWN", "NET_RAW", "MKNOD"]],
    [["NET_ADMIN"], [], ["CHOWN", "NET_ADMIN", "NET_RAW", "MKNOD"]],
    [["CAP_NET_ADMIN"], ["net_raw"], ["CHOWN", "NET_ADMIN", "MKNOD"]],
    [[], ["ALL"], []],
    [["NET_RAW"], ["ALL"], ["NET_RAW"]],
    [["ALL"], [], OWN],
    [["ALL"], ["SYS_ADMIN"], ["CHOWN", "NET_ADMIN", "NET_RAW", "MKNOD"]],
    // Troupe has it not.
    [["SYS_TIME"], ["ALL"], []],
  ])("added %j, dropped %j: %j", (add, drop, has) => expect(ociCapabilities(security(add, drop), OWN, true)).toEqual(has));

  test("are all for who is privileged, and no device files for who is kept from none", () => {
    expect(ociCapabilities(security([], ["ALL"], { isPrivileged: true }), OWN, false)).toEqual(OWN);
    expect(ociCapabilities(security([], []), OWN, false)).toEqual(["CHOWN", "NET_RAW"]);
  });

  test("are read of a process", () => {
    expect(ownCapabilities("CapEff:\t0000000000000000\nCapBnd:\t0000000000000021\n")).toEqual(["CHOWN", "KILL"]);
  });
});

test("a container sees its mounts from the outermost on, in place of the runtime's own, and devices that are everybody's", () => {
  const mount = (target: string, readOnly = false): { source: string; target: string; isDirectory: boolean; readOnly: boolean } => ({
    source: `/src${target}`,
    target,
    isDirectory: true,
    readOnly,
  });
  const config = ociConfig({
    command: ["app"],
    env: [{ name: "A", value: "b" }],
    workingDir: "/",
    user: { uid: 7, gid: undefined, groups: [9], mustNotBeRoot: false, mayGainPrivileges: false },
    tty: true,
    root: "/root-of-it",
    mounts: [
      mount("/data/inner", true),
      { ...mount("/data"), readOnly: true, isRecursive: true },
      { ...mount("/dev/shm"), propagation: "HostToContainer" },
    ],
    sharedMemory: "/memory",
    security: security([], [], { readOnlyRoot: true }),
    capabilities: ["CHOWN"],
    devices: [],
    volumeDevices: [{ path: "/dev/loop3", type: "b", major: 7, minor: 3 }],
    oomScore: 5,
    namespaces: { network: { path: "/proc/1/ns/net" }, ipc: "machine", uts: "own", pid: "own" },
    cgroupsPath: "/a/b",
    seccomp: undefined,
    hidden: ["/secret"],
    begun: ["/bin/sh", "-c", "x"],
  }) as {
    mounts: { destination: string; options: string[] }[];
    process: object;
    linux: { rootfsPropagation: string; namespaces: object[]; maskedPaths: string[]; resources: { devices: object[] } };
  };
  const places = config.mounts.map(({ destination }) => destination);
  expect(places.filter((place) => place === "/dev/shm")).toHaveLength(1);
  expect(places.indexOf("/data")).toBeLessThan(places.indexOf("/data/inner"));
  expect(config.mounts.find(({ destination }) => destination === "/data/inner")?.options).toEqual(["rbind", "rprivate", "ro"]);
  expect(config.mounts.find(({ destination }) => destination === "/data")?.options).toEqual(["rbind", "rprivate", "rro"]);
  expect(config.mounts.find(({ destination }) => destination === "/dev/shm")?.options).toEqual(["rbind", "rslave", "rw"]);
  expect(config.linux.rootfsPropagation).toBe("rslave");
  expect(config).toMatchObject({
    root: { path: "/root-of-it", readonly: true },
    process: { terminal: true, user: { uid: 7, gid: 0, additionalGids: [9] }, env: ["A=b"], noNewPrivileges: true, oomScoreAdj: 5 },
  });
  expect(config.linux.namespaces).toEqual([
    { type: "mount" },
    { type: "network", path: "/proc/1/ns/net" },
    { type: "uts" },
    { type: "pid" },
    { type: "cgroup" },
  ]);
  expect(config.linux.maskedPaths).toContain("/secret");
  expect(config.linux.resources.devices).toContainEqual({ allow: true, type: "c", major: 1, minor: 3, access: "rwm" });
  expect(config.linux.resources.devices).toContainEqual({ allow: true, type: "c", major: 136, access: "rwm" });
  // And what is a volume of its own.
  expect(config.linux.resources.devices).toContainEqual({ allow: true, type: "b", major: 7, minor: 3, access: "rwm" });
  expect(deviceRules(security([], [], { isPrivileged: true }), [])).toEqual(["a *:* rwm"]);
});

test("a profile of seccomp is that of the machine and of what the container may do anyway", () => {
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    archMap: [
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: null },
    ],
    syscalls: [
      { names: ["read"], action: "SCMP_ACT_ALLOW", args: null },
      { names: ["mount"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_SYS_ADMIN"] } },
      { names: ["clone"], action: "SCMP_ACT_ALLOW", excludes: { caps: ["CAP_SYS_ADMIN"], arches: ["s390x"] }, args: [{ index: 0 }] },
      { names: ["arch_prctl"], action: "SCMP_ACT_ALLOW", includes: { arches: ["amd64"] } },
      { names: ["ptrace"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "4.8" } },
    ],
  };
  const names = (capabilities: readonly string[], machine: string, kernel: string): readonly string[] =>
    (ociSeccomp(profile, capabilities, machine, kernel) as { syscalls: { names: string[] }[] }).syscalls.flatMap((rule) => rule.names);
  expect(names([], "x64", "6.1.0-13-amd64")).toEqual(["read", "clone", "arch_prctl", "ptrace"]);
  expect(names(["SYS_ADMIN"], "arm64", "4.4.0")).toEqual(["read", "mount"]);
  expect(ociSeccomp(profile, [], "x64", "6.1")).toMatchObject({
    defaultErrnoRet: 38,
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW" }, { args: [{ index: 0 }] }, {}, {}],
  });
});

describe("a network", () => {
  test("is a list of plugins, or one by itself", () => {
    const list = { name: "n", plugins: [{ type: "bridge" }, { type: "portmap" }] };
    expect(networkConfig(list)).toEqual({ cniVersion: "1.0.0", ...list });
    expect(networkConfig({ cniVersion: "0.3.1", name: "n", type: "ptp" }).plugins).toEqual([
      { cniVersion: "0.3.1", name: "n", type: "ptp" },
    ]);
  });

  test.each([
    [{ plugins: [{ type: "a" }] }, "it has no `name`"],
    [{ name: "n" }, "it has no `plugins`"],
    [{ name: "n", plugins: [{ type: "a" }, { type: "../b" }] }, "plugins[1].type: must be the name of a plugin"],
    [null, "it has no `name`"],
  ])("%j is none", (document, why) => expect(() => networkConfig(document)).toThrow(why));

  test("gives the pod the first address of IPv4", () => {
    expect(addressIn({ ips: [{ address: "fd00::2/64" }, { address: "10.1.2.3/24" }] })).toBe("10.1.2.3");
    expect([addressIn({ ips: [{ address: "fd00::2/64" }] }), addressIn({})]).toEqual(["fd00::2", undefined]);
  });
});
