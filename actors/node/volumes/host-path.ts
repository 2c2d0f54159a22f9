import { mkdir, stat, writeFile } from "node:fs/promises";
import type { HostPathVolumeSource } from "../../kinds/generated/types.ts";
import { VolumeFailure } from "../pod-volumes.ts";

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

type Stats = Awaited<ReturnType<typeof stat>>;
const TYPES: Readonly<Record<string, { readonly is: (stats: Stats) => boolean; readonly word: string }>> = {
  Directory: { is: (stats) => stats.isDirectory(), word: "directory" },
  File: { is: (stats) => stats.isFile(), word: "file" },
  Socket: { is: (stats) => stats.isSocket(), word: "socket file" },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), word: "character device" },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), word: "block device" },
};

/** A path of the machine, which has to be what its type says. Throws VolumeFailure, and what the disk says. Source: checkType of pkg/volume/hostpath. */
export async function hostPathReady(volume: string, { path, type = "" }: HostPathVolumeSource): Promise<string> {
  const there = await stat(path).catch(() => undefined);
  const mayMake = type.endsWith("OrCreate");
  const { is, word } = TYPES[mayMake ? type.slice(0, -"OrCreate".length) : type] ?? { is: () => true, word: "" };
  if (there === undefined && mayMake) {
    if (type === "DirectoryOrCreate") await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
    else await writeFile(path, "", { flag: "a", mode: FILE_MODE });
    return path;
  }
  if (type === "") return path;
  if (there === undefined || !is(there)) throw VolumeFailure.ofSetUp(volume, `hostPath type check failed: ${path} is not a ${word}`);
  return path;
}
