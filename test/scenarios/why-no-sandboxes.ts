import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { findMachine } from "../../actors/node/sandbox/machine.ts";
import { releaseMachine } from "../../actors/node/sandbox/release.ts";
import type { FetchedSandbox } from "../clients/fetched-sandbox.ts";

/** Why this machine lets nobody make sandboxes, or hold them to limits; undefined: it does. */
export async function whyNoSandboxes({ bin, plugins }: FetchedSandbox): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "troupe-sandbox-"));
  const path = process.env.PATH;
  process.env.PATH = [bin, path].join(delimiter);
  try {
    const wanted = {
      directory,
      network: undefined,
      pods: () => "10.244.0.0/18",
      pluginPlaces: [plugins],
      podPidsMax: undefined,
      forPods: { cpu_milli: 1_000, memory_bytes: 1_024 ** 3, pids: 1_000 },
    };
    const { groups, wants } = await findMachine(wanted);
    return groups === undefined ? wants[0] : undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    process.env.PATH = path;
    await releaseMachine(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}
