import { describe, expect, test } from "vitest";
import { type Machine, type Mount, planMounts } from "../../../../actors/node/process/mount-plan.ts";

/** `name: null` is a file, a text where a link leads to. */
interface Tree {
  readonly [name: string]: Tree | string | null;
}

function machineOf(tree: Tree): Machine {
  const find = (path: string): Tree | string | null | undefined =>
    path
      .split("/")
      .filter((part) => part !== "")
      .reduce<Tree | string | null | undefined>((at, part) => (typeof at === "object" && at !== null ? at[part] : undefined), tree);
  return {
    kindOf(path) {
      const found = find(path);
      return found === undefined ? undefined : found === null ? "file" : typeof found === "string" ? "link" : "directory";
    },
    linkOf: (path) => String(find(path)),
    childrenOf: (path) => Object.keys(find(path) as Tree),
  };
}

const machine = machineOf({
  etc: { hosts: null, conf: { d: {} } },
  run: { lock: {}, pid: null, here: "lock" },
  var: { run: "/run", lib: {} },
  dev: { null: null, zero: null, vda: null, pts: {} },
});
const directory = (target: string, source = `/s${target}`): Mount => ({ source, target, isDirectory: true, readOnly: false });
const file = (target: string): Mount => ({ source: `/s${target}`, target, isDirectory: false, readOnly: false });
const plan = (...mounts: readonly Mount[]): readonly string[] =>
  planMounts(mounts, "/x", machine).binds.map(({ source, target }) => `${source} > ${target}`);

describe("mounts", () => {
  test("cover what is there, by its real path", () => {
    expect(plan(file("/etc/hosts"), directory("/var/lib"))).toEqual(["/s/var/lib > /var/lib", "/s/etc/hosts > /etc/hosts"]);
    expect(plan(directory("/var/run/lock"))).toEqual(["/s/var/run/lock > /run/lock"]);
  });

  test("of a path that is not there go into a skeleton of the deepest directory that is", () => {
    const { skeletons, root } = planMounts([directory("/var/run/secrets/token")], "/x", machine);
    expect(root).toBeUndefined();
    expect(skeletons).toEqual([
      { path: "/x/0", directories: ["lock", "secrets", "secrets/token"], files: ["pid"], links: [{ name: "here", to: "lock" }] },
    ]);
    expect(plan(directory("/var/run/secrets/token"))).toEqual([
      "/s/var/run/secrets/token > /x/0/secrets/token",
      "/run/lock > /x/0/lock",
      "/run/pid > /x/0/pid",
      "/x/0 > /run",
    ]);
  });

  test("at the root make another root, which has what was mounted below before", () => {
    const { root, binds } = planMounts([directory("/data"), file("/etc/hosts")], "/x", machine);
    expect(root).toBe("/x/0");
    expect(binds.map(({ target }) => target)).toEqual(["/x/0/data", "/etc/hosts", "/x/0/etc", "/x/0/run", "/x/0/var", "/x/0/dev"]);
  });

  test("within one another are made room for in the outer one", () => {
    const { binds, room } = planMounts([file("/var/lib/in/it"), directory("/var/lib")], "/x", machine);
    expect(room).toEqual([{ path: "/s/var/lib/in/it", isDirectory: false }]);
    expect(binds.map(({ target }) => target)).toEqual(["/var/lib", "/var/lib/in/it"]);
  });

  test("in /dev show the devices that programs need, and not the machine's disks", () => {
    expect(plan(file("/dev/termination-log"))).toEqual([
      "/s/dev/termination-log > /x/0/termination-log",
      "/dev/null > /x/0/null",
      "/dev/zero > /x/0/zero",
      "/dev/pts > /x/0/pts",
      "/x/0 > /dev",
    ]);
  });

  test("of a directory where a file is go beside it", () => {
    expect(plan(directory("/etc/hosts"))).toEqual(["/s/etc/hosts > /x/0/hosts", "/etc/conf > /x/0/conf", "/x/0 > /etc"]);
  });
});
