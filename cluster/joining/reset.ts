import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as delay } from "node:timers/promises";
import { CRI_FILE } from "../../actors/node/cri/cri-file.ts";
import { endKeeper } from "../../actors/node/process/keeper-client.ts";
import { releaseTable } from "../../actors/node/proxy/nftables/nft.ts";
import { releaseMachine } from "../../actors/node/sandbox/release.ts";
import { clearMemory } from "../../actors/node/volumes/memory-directory.ts";
import { MountCommand } from "../../actors/node/volumes/mount-command.ts";
import { mountPointsIn } from "../../actors/node/volumes/mount-points.ts";
import { systemClock } from "../../runtime/mod.ts";
import { DataDirectory } from "../boot/data-directory.ts";
import { BootFailure } from "../boot/failure.ts";
import { NODES_DIRECTORY, PODS_DIRECTORY, UNPACKED_IMAGES_DIRECTORY, VOLUMES_DIRECTORY } from "../boot/layout.ts";
import type { Said } from "../command-line/output.ts";
import { WrongUsage } from "../command-line/wrong-usage.ts";
import { MemberFiles } from "./member-files.ts";

/** A Troupe that was told to stop has stopped after this. */
const STOP_MS = 15_000;
const POLL_MS = 50;

/**
 * Ends the Troupe that runs on a data directory, and the processes of its pods, and removes what is Troupe's in it: of a machine that has joined all that makes it a member, of any other the whole
 * cluster. The cluster itself is told nothing, as by `kubeadm reset`. Throws BootFailure.
 */
export async function runReset(data: string, force: boolean): Promise<Said> {
  const directory = resolve(data);
  const isMember = MemberFiles.isMember(directory);
  if (!isMember && !existsSync(join(directory, "pki")) && !existsSync(join(directory, "nats")))
    throw new BootFailure(`nothing in ${directory} is Troupe's, so nothing was removed`);
  const node = isMember ? new MemberFiles(directory).membership.node : undefined;
  const what =
    node === undefined ? `the cluster in ${directory}, with all that was ever stored in it` : `what makes this machine the node ${node}`;
  if (!force) await confirm(what);
  await end(directory);
  await endKeeper(join(directory, PODS_DIRECTORY));
  await endCri(join(directory, PODS_DIRECTORY));
  await clearMemory(join(directory, PODS_DIRECTORY));
  await releaseMachine(join(directory, PODS_DIRECTORY));
  await releaseTable(directory);
  await unmountAll(join(directory, NODES_DIRECTORY));
  for (const name of [
    "member.json",
    "pki",
    "nats",
    "store",
    "kubeconfig",
    "status.json",
    "lock",
    "restoring",
    NODES_DIRECTORY,
    PODS_DIRECTORY,
    VOLUMES_DIRECTORY,
    UNPACKED_IMAGES_DIRECTORY,
    "applets",
    "cni",
  ])
    rmSync(join(directory, name), { recursive: true, force: true });
  const then = node === undefined ? "" : `; the cluster keeps its Node until somebody says kubectl delete node ${node}`;
  return { answer: { removed: what, data: directory, node }, lines: [`removed ${what}${then}`] };
}

/** What knows of container runtimes is loaded only where one has been used. */
async function endCri(pods: string): Promise<void> {
  if (!existsSync(join(pods, CRI_FILE))) return;
  const { releaseCri } = await import("../../actors/node/cri/release.ts");
  await releaseCri(pods).catch((error: Error) => {
    throw new BootFailure(`the pods of its container runtime could not be ended (${error.message}), so nothing was removed`);
  });
}

async function confirm(what: string): Promise<void> {
  if (!process.stdin.isTTY) throw new WrongUsage(`troupe reset removes ${what}; say --force where nobody can be asked`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`This removes ${what}. Go on? [y/N] `);
  prompt.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new BootFailure("nothing was removed");
}

/** What is mounted belongs to somebody else, and would be removed with the directory that it is mounted in. Throws BootFailure. */
async function unmountAll(directory: string): Promise<void> {
  const command = new MountCommand(systemClock());
  for (const mounted of await mountPointsIn(directory)) {
    await command.unmount(mounted).catch((error: Error) => {
      throw new BootFailure(
        `${mounted} is still mounted, and nothing of it is removed: ${error.message.trim()}; unmount it, and say it again`,
      );
    });
  }
}

/** Whoever runs on the directory is told to stop, and is given the time to. */
async function end(directory: string): Promise<void> {
  const holder = DataDirectory.holder(directory);
  if (holder === undefined) return;
  process.kill(holder, "SIGTERM");
  const deadline_ms = performance.now() + STOP_MS;
  while (DataDirectory.holder(directory) !== undefined) {
    if (performance.now() > deadline_ms)
      throw new BootFailure(`the Troupe with pid ${holder} did not stop within ${STOP_MS / 1_000} s, so nothing was removed`);
    await delay(POLL_MS);
  }
}
