import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../../runtime/mod.ts";
import { removeWithMounts } from "./container-mounts.ts";
import { CRI_FILE } from "./cri-file.ts";
import { groupsByFiles } from "./cri-groups.ts";
import { CriRuntime } from "./cri-runtime.ts";

export async function keepEndpoint(pods: string, socket: string): Promise<void> {
  await mkdir(pods, { recursive: true, mode: 0o700 });
  await writeFile(join(pods, CRI_FILE), JSON.stringify({ socket }), { mode: 0o600 });
}

/** Ends and removes all pods of a directory that a container runtime has, and their files; nothing where there are none. Throws an Error: nothing is removed then that may run. */
export async function releaseCri(pods: string): Promise<void> {
  const text = await readFile(join(pods, CRI_FILE), "utf8").catch(() => undefined);
  if (text === undefined) return;
  const { socket } = JSON.parse(text) as { readonly socket: string };
  const runtime = await CriRuntime.begin({
    directory: pods,
    clock: systemClock(),
    socket,
    imageSocket: socket,
    seccompDirectory: "",
    groups: groupsByFiles(undefined),
    machine: { hugePageSizes: [], killsTogether: false },
    scheme: "",
  });
  try {
    for (const uid of await runtime.pods()) await runtime.removePod(uid);
    await removeWithMounts(pods);
  } finally {
    await runtime.close();
  }
}
