import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";

/** Of an archive. */
export type Member = Partial<Header> & { readonly name: string; readonly text?: string | Buffer };

export async function tar(members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { text = "", ...header } of members) archive.entry(header, text);
  archive.finalize();
  return buffer(archive as unknown as AsyncIterable<Buffer>);
}

export function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const MEDIA = "application/vnd.oci";
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

const CONFIG = {
  Env: ["PATH=/bin", "A=b=c"],
  Entrypoint: ["/bin/app"],
  Cmd: ["-x"],
  WorkingDir: "/srv",
  User: "7:8",
  StopSignal: "SIGQUIT",
};

/** Lays out an image as OCI has it; the digest of its configuration. With `platform` there is another one of that beside it, in front. */
export async function layout(
  name: string,
  at: string,
  layers: readonly (readonly Member[])[],
  { config = CONFIG, platform }: { readonly config?: object; readonly platform?: object } = {},
): Promise<string> {
  const blobs = join(at, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const blob = (bytes: Buffer): { digest: string; size: number } => {
    writeFileSync(join(blobs, digestOf(bytes)), bytes);
    return { digest: `sha256:${digestOf(bytes)}`, size: bytes.length };
  };
  const json = (mediaType: string, value: object): object => ({
    mediaType: `${MEDIA}.${mediaType}+json`,
    ...blob(Buffer.from(JSON.stringify(value))),
  });
  const archives = await Promise.all(layers.map(tar));
  const rootfs = { type: "layers", diff_ids: archives.map((bytes) => `sha256:${digestOf(bytes)}`) };
  const configuration = blob(Buffer.from(JSON.stringify({ architecture: ARCHITECTURES[arch()] ?? arch(), os: "linux", config, rootfs })));
  // One of them plain, the others packed.
  const packed = archives.map((bytes, index) => ({
    mediaType: `${MEDIA}.image.layer.v1.tar${index === 0 ? "" : "+gzip"}`,
    ...blob(index === 0 ? bytes : gzipSync(bytes)),
  }));
  const manifest = json("image.manifest.v1", {
    schemaVersion: 2,
    config: { mediaType: `${MEDIA}.image.config.v1+json`, ...configuration },
    layers: packed,
  });
  const annotations = { "org.opencontainers.image.ref.name": name, "io.containerd.image.name": name };
  const list =
    platform === undefined ? manifest : json("image.index.v1", { manifests: [{ digest: `sha256:${"0".repeat(64)}`, platform }, manifest] });
  writeFileSync(join(at, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [{ ...list, annotations }] }));
  writeFileSync(join(at, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  return configuration.digest;
}
