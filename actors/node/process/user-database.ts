/** Who the users of a file system are: its /etc/passwd and /etc/group. */
import { lstatSync, readFileSync } from "node:fs";
import { RuntimeFailure } from "../container-runtime.ts";

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** Where it says nothing of a user. Source: containerd's WithUserID. */
const NO_GROUP_OF_ITS_OWN = 0;

/** `101`, `101:102`, `www-data`, `postgres:postgres`. Throws RuntimeFailure. */
export function idsNamed(user: string, root: string): UserIds {
  const [name = "", group] = user.split(":");
  const isNumber = /^\d+$/.test(name);
  const known = rowsOf(`${root}/etc/passwd`).find(([first, , uid]) => (isNumber ? uid === name : first === name));
  if (known === undefined && !isNumber)
    throw new RuntimeFailure("CreateContainerConfigError", `there is no user ${JSON.stringify(name)} in ${root}/etc/passwd`);
  const uid = Number(isNumber ? name : known?.[2]);
  if (group === undefined) return { uid, gid: Number(known?.[3] ?? NO_GROUP_OF_ITS_OWN) };
  const gid = /^\d+$/.test(group) ? group : rowsOf(`${root}/etc/group`).find(([first]) => first === group)?.[2];
  if (gid === undefined)
    throw new RuntimeFailure("CreateContainerConfigError", `there is no group ${JSON.stringify(group)} in ${root}/etc/group`);
  return { uid, gid: Number(gid) };
}

/** The groups that have the user among their members, its own aside; ascending. */
export function groupsOf(uid: number, root: string): readonly number[] {
  const name = rowsOf(`${root}/etc/passwd`).find(([, , id]) => id === String(uid))?.[0];
  if (name === undefined) return [];
  return rowsOf(`${root}/etc/group`)
    .filter(([, , , members = ""]) => members.split(",").includes(name))
    .map(([, , gid]) => Number(gid))
    .sort((a, b) => a - b);
}

function rowsOf(file: string): readonly (readonly string[])[] {
  // Of an image, which may have put there what cannot be read to its end.
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.split(":"));
}
