/**
 * Reads images as they lie on the disk: OCI image layouts, and what `docker save` writes. Source: the OCI image specification (image-layout.md, image-index.md, manifest.md,
 * config.md), moby's image/tarexport.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { arch } from "node:os";
import { basename, join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

/** An image that is there. */
export interface Image {
  /** The digest of its configuration. */
  readonly id: string;
  /** By which it may be asked for. */
  readonly names: readonly string[];
  readonly config: ImageConfig;
  /** From the lowest to the highest. */
  readonly layers: readonly Layer[];
}

export interface Layer {
  readonly path: string;
  /** Undefined: nobody has said what it is. */
  readonly digest: string | undefined;
}

/** How a container of it is run. */
export interface ImageConfig {
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os?: string; readonly architecture?: string };
}

interface Index {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

const NAME_ANNOTATIONS = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** Whether a directory is one, by what is in it. */
export function isLayout(directory: string): boolean {
  return existsSync(join(directory, "index.json")) || existsSync(join(directory, "manifest.json"));
}

/** All images for this machine in a layout. Throws an Error that says what is wrong. `name` is what those are called that have no name. */
export async function imagesIn(directory: string, name: string): Promise<readonly Image[]> {
  if (!existsSync(join(directory, "index.json"))) return savedImages(directory);
  const index = JSON.parse(await readFile(join(directory, "index.json"), "utf8")) as Index;
  const images: Image[] = [];
  for (const descriptor of index.manifests ?? []) {
    const manifest = await manifestOf(directory, descriptor);
    if (manifest === undefined) continue;
    const { config, layers = [] } = manifest;
    if (config === undefined) throw new Error(`the manifest ${descriptor.digest} has no config`);
    images.push({
      id: config.digest,
      names: namesOf(descriptor, name),
      config: configIn(await blob(directory, config.digest)),
      layers: layers.map(({ digest }) => ({ path: blobPath(directory, digest), digest })),
    });
  }
  return images;
}

/** A name that is only a tag is one of the layout's own. */
function namesOf({ annotations = {} }: Descriptor, name: string): readonly string[] {
  const given = NAME_ANNOTATIONS.flatMap((annotation) => annotations[annotation] ?? []);
  return given.length === 0 ? [name] : given.map((each) => (/^[\w][\w.-]*$/.test(each) ? `${name}:${each}` : each));
}

/** The manifest of an image for this machine, of which there may be one for each kind of machine. Undefined: it is for others. */
async function manifestOf(directory: string, { digest, platform }: Descriptor): Promise<Index | undefined> {
  const { os = "linux", architecture = "" } = platform ?? {};
  const own = ARCHITECTURES[arch()] ?? arch();
  if (os !== "linux" || (architecture !== "" && architecture !== own)) return undefined;
  const found = JSON.parse(await blob(directory, digest)) as Index;
  if (found.manifests === undefined) return found;
  for (const descriptor of found.manifests) {
    const manifest = await manifestOf(directory, descriptor);
    if (manifest !== undefined) return manifest;
  }
  return undefined;
}

interface Saved {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

async function savedImages(directory: string): Promise<readonly Image[]> {
  const all = JSON.parse(await readFile(join(directory, "manifest.json"), "utf8")) as readonly Saved[];
  return Promise.all(
    all.map(async ({ Config, RepoTags, Layers }): Promise<Image> => {
      const text = await readFile(placeIn(directory, Config), "utf8");
      return {
        id: `sha256:${createHash("sha256").update(text).digest("hex")}`,
        names: RepoTags ?? [],
        config: configIn(text),
        layers: Layers.map((path) => ({ path: placeIn(directory, path), digest: undefined })),
      };
    }),
  );
}

function configIn(text: string): ImageConfig {
  return (JSON.parse(text) as { readonly config?: ImageConfig }).config ?? {};
}

async function blob(directory: string, digest: string): Promise<string> {
  const text = await readFile(blobPath(directory, digest));
  checkDigest(digest, createHash("sha256").update(text).digest("hex"));
  return text.toString();
}

function blobPath(directory: string, digest: string): string {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? [];
  if (hex === undefined) throw new Error(`${JSON.stringify(digest)} is no digest of SHA-256`);
  return join(directory, "blobs/sha256", hex);
}

/** What an archive names is within it. */
function placeIn(directory: string, path: string): string {
  if (path.split("/").includes("..")) throw new Error(`it names the file ${JSON.stringify(path)}`);
  return join(directory, path);
}

function checkDigest(wanted: string, hex: string): void {
  if (wanted !== `sha256:${hex}`) throw new Error(`the digest of ${wanted} is sha256:${hex}: it is damaged`);
}

/** The archive that a layer is. Its digest is checked when it has been read to its end, by `done`. */
export async function openLayer({ path, digest }: Layer): Promise<{ readonly archive: Readable; done(): void }> {
  const hash = createHash("sha256");
  const head = await firstBytes(path);
  const source = Readable.from(hashed(createReadStream(path), hash));
  const begins = (magic: readonly number[]): boolean => magic.every((byte, at) => head[at] === byte);
  const unpacking = begins(GZIP) ? createGunzip() : begins(ZSTD) ? createZstdDecompress() : undefined;
  return {
    // What is wrong with the one is told by the other.
    archive: unpacking === undefined ? source : pipeline(source, unpacking, () => {}),
    done: () => {
      if (digest !== undefined) checkDigest(digest, hash.digest("hex"));
    },
  };
}

async function* hashed(source: Readable, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}

async function firstBytes(path: string): Promise<Buffer> {
  for await (const chunk of createReadStream(path, { end: ZSTD.length - 1 })) return chunk as Buffer;
  throw new Error(`${basename(path)} is empty`);
}
