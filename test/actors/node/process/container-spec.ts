import type { ContainerSpec, SandboxSpec } from "../../../../actors/node/container-runtime.ts";

/** A container that asks for nothing beside its command. */
export const PLAIN: ContainerSpec = {
  name: "c",
  attempt: 0,
  image: "none",
  imageId: "machine",
  command: undefined,
  args: undefined,
  workingDir: undefined,
  env: [],
  mounts: [],
  user: { uid: undefined, gid: undefined, groups: [], mustNotBeRoot: false, mayGainPrivileges: true },
  security: {
    isPrivileged: false,
    readOnlyRoot: false,
    capabilities: { add: [], drop: [] },
    seccomp: { type: "Unconfined" },
    showsAllOfProc: false,
  },
  target: undefined,
  size: { resources: {}, requests: {}, limits: {}, pod: { requests: {}, limits: {} } },
  qosClass: "Guaranteed",
  stdin: false,
  stdinOnce: false,
  tty: false,
  terminationMessage: { path: "/dev/termination-log", fallsBackToLog: false },
};

/** A pod that asks for nothing beside an address. */
export const PLAIN_POD: Omit<SandboxSpec, "uid" | "address"> = {
  namespace: "d",
  name: "p",
  attempt: 0,
  hostname: "p",
  hostNetwork: false,
  hostPID: false,
  hostIPC: false,
  labels: {},
  annotations: {},
  hostPorts: [],
  isPrivileged: false,
  user: { uid: undefined, gid: undefined, groups: [] },
  handler: "",
  sharesProcesses: false,
  sysctls: {},
  qosClass: "Guaranteed",
  requests: {},
  limits: {},
  dns: { nameservers: [], searches: [], options: [] },
  hostAliases: [],
  names: ["p"],
};
