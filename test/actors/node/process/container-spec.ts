import type { ContainerSpec } from "../../../../actors/node/container-runtime.ts";

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
  limits: {},
  requests: {},
  qosClass: "Guaranteed",
  stdin: false,
  stdinOnce: false,
  tty: false,
  terminationMessage: { path: "/dev/termination-log", fallsBackToLog: false },
};
