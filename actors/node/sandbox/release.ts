import { readFile } from "node:fs/promises";
import { groupWithin, removeGroup, rootGroup } from "../cgroups/control-group.ts";
import { releaseNetwork } from "../pod-network/kernel-network.ts";
import { groupNames } from "./machine.ts";

/** Gives back what sandboxes have taken of the machine for the pods of a directory, when nothing runs of them any more. What is not there is no trouble. */
export async function releaseMachine(pods: string): Promise<void> {
  const root = rootGroup(await readFile("/proc/self/mountinfo", "utf8").catch(() => ""));
  if (root !== undefined) removeGroup(groupWithin(root, groupNames(pods)[0]));
  await releaseNetwork(pods);
}
