import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { groupNames } from "../../actors/node/sandbox/machine.ts";

const GROUPS = "/sys/fs/cgroup";

/** Directories of the control groups of a cluster's pods, by its data directory: one a hierarchy, as far as they are there. */
export function groupsOf(data: string): readonly string[] {
  const [name] = groupNames(join(data, "pods"));
  return ["", ...readdirSync(GROUPS)].map((hierarchy) => join(GROUPS, hierarchy, name)).filter((path) => existsSync(path));
}
