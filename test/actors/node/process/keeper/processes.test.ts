import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { HeldMounts, mountsOf } from "../../../../../actors/node/process/keeper/processes.ts";

const OWN_MOUNTS = ["--user", "--map-root-user", "--mount"];

function nameOfNew(): string | undefined {
  try {
    return execFileSync("unshare", [...OWN_MOUNTS, "readlink", "/proc/self/ns/mnt"], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return undefined;
  }
}

test.skipIf(nameOfNew() === undefined)(
  "a mount namespace that is held keeps its name to itself when all its processes have ended",
  async () => {
    const script = "readlink /proc/self/ns/mnt; exec sleep 1000";
    const child = spawn("unshare", [...OWN_MOUNTS, "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const held = HeldMounts.of(child.pid ?? 0);
    expect(held?.name).toBe(line.toString().trim());
    child.kill("SIGKILL");
    await once(child, "exit");
    for (let count = 0; count < 20; count++) expect(nameOfNew()).not.toBe(held?.name);
    held?.release();
  },
);

test("who has the mounts of this process, or has ended, has none to hold", () => {
  expect(HeldMounts.of(process.pid)).toBeUndefined();
  expect(HeldMounts.of(2 ** 22 + 1)).toBeUndefined();
  expect(mountsOf("self")).toMatch(/^mnt:\[\d+\]$/);
});
