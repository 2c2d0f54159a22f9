import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, lchown, link, lstat, lutimes, mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Extract, type ExtractEvents, extract, type Header } from "tar-stream";

type Archive = Extract<ExtractEvents>;
type Entry = ExtractEvents["entry"][1];

/** Of files that say what of the layers below is gone. Source: OCI image specification, layer.md. */
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const LINKS_MAX = 40;
const DIRECTORY_MODE = 0o755;
const MODE_BITS = 0o7777;

/**
 * Lays a layer, a tar archive, over what is in a directory. Nothing outside of it is touched, whatever names and links the layer has: nobody else changes the directory
 * meanwhile, and a link on the way is taken to be one of the image's own root. Device files are left out, and attributes beside owner and mode. Throws an Error.
 */
export async function applyLayer(root: string, layer: Readable): Promise<void> {
  const applied = new Set<string>();
  const archive = extract();
  const reading = feed(archive, layer).catch((error: Error) => {
    archive.destroy(error);
    throw error;
  });
  reading.catch(() => {});
  for await (const entry of archive) {
    await apply(root, entry, applied);
    // What nobody has taken would hold up the next one.
    Readable.from(entry).resume();
  }
  await reading;
}

async function feed(archive: Archive, layer: Readable): Promise<void> {
  for await (const chunk of layer) if (!archive.write(chunk)) await once(archive, "drain");
  archive.end(null);
}

async function apply(root: string, entry: Entry, applied: Set<string>): Promise<void> {
  const { header } = entry;
  const parts = partsOf(header.name);
  const name = parts.pop();
  if (name === undefined) return own(root, header);
  const parent = await within(root, parts);
  await mkdir(parent, { recursive: true, mode: DIRECTORY_MODE });
  if (name === OPAQUE) {
    for (const child of await readdir(parent)) if (!applied.has(join(parent, child))) await rm(join(parent, child), { recursive: true });
    return;
  }
  if (name.startsWith(WHITEOUT)) return rm(join(parent, name.slice(WHITEOUT.length)), { recursive: true, force: true });
  const path = join(parent, name);
  for (let at = path; at !== root && !applied.has(at); at = join(at, "..")) applied.add(at);
  const before = await lstat(path).catch(() => undefined);
  if (before !== undefined && !(before.isDirectory() && header.type === "directory")) await rm(path, { recursive: true });
  if (await make(root, path, entry)) await own(path, header);
}

/** Whether there is something that is its own. */
async function make(root: string, path: string, entry: Entry): Promise<boolean> {
  const { type, linkname } = entry.header;
  switch (type) {
    case "directory":
      await mkdir(path, { recursive: true });
      return true;
    case "file":
    case "contiguous-file":
      await pipeline(Readable.from(entry), createWriteStream(path, { flags: "wx" }));
      return true;
    case "symlink":
      await symlink(linkname ?? "", path);
      return true;
    case "link": {
      const parts = partsOf(linkname ?? "");
      const name = parts.pop() ?? "";
      await link(join(await within(root, parts), name), path);
      return false;
    }
    default:
      return false;
  }
}

async function own(path: string, { type, uid, gid, mode, mtime }: Header): Promise<void> {
  await lchown(path, uid ?? 0, gid ?? 0);
  if (type !== "symlink") await chmod(path, (mode ?? 0) & MODE_BITS);
  if (mtime !== undefined) await lutimes(path, mtime, mtime);
}

function partsOf(name: string): string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new Error(`the layer has the path ${JSON.stringify(name)}`);
  return parts;
}

/** A directory of the image as the machine has it, by links of the image's root. */
export async function within(root: string, parts: readonly string[]): Promise<string> {
  let rest = [...parts];
  let at: string[] = [];
  for (let links = 0; rest.length > 0; ) {
    const [part = "", ...others] = rest;
    rest = others;
    if (part === "..") {
      at.pop();
      continue;
    }
    const path = join(root, ...at, part);
    const about = await lstat(path).catch(() => undefined);
    if (about?.isSymbolicLink() !== true) {
      at.push(part);
      continue;
    }
    if (links++ >= LINKS_MAX) throw new Error(`too many links at ${parts.join("/")}`);
    const to = await readlink(path);
    if (to.startsWith("/")) at = [];
    rest = [...to.split("/").filter((each) => each !== "" && each !== "."), ...rest];
  }
  return join(root, ...at);
}
