import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import type { CatalogEntry } from "../process/catalog.ts";
import { type Image, type ImageConfig, imagesIn, isLayout, openLayer } from "./image-layout.ts";
import { applyLayer } from "./layer.ts";

export interface StoredImage {
  readonly id: string;
  /** As the catalog has it, with the root. */
  readonly entry: CatalogEntry;
}

const ARCHIVE = /\.(tar|tar\.gz|tgz|tar\.zst)$/;
const TAG_DEFAULT = "latest";
/** Beside an image's root: which one it is. */
const ID_FILE = "id";

/**
 * Images of a directory: OCI image layouts and archives of such, and what `docker save` writes. One is unpacked when it is first asked for, all layers into one
 * directory, which lies below the containers' own; what is there whole is there for good.
 */
export class ImageStore {
  /** Where people put them. */
  readonly directory: string;
  readonly #unpacked: string;
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** Those that were asked for since it was cleared last: they may be about to be used. */
  readonly #asked = new Set<string>();

  constructor(directory: string, unpacked: string) {
    this.directory = directory;
    this.#unpacked = unpacked;
  }

  /** Undefined: there is none of that name. Throws an Error that says what is wrong with it. */
  async find(name: string): Promise<StoredImage | undefined> {
    for (const file of (await readdir(this.directory).catch(() => [])).sort()) {
      const layout = await this.#layout(file);
      if (layout === undefined) continue;
      const images = await imagesIn(layout, file.replace(ARCHIVE, ""));
      const image = images.find(({ id, names }) => id === name || names.some((each) => fullName(each) === fullName(name)));
      if (image === undefined) continue;
      const place = join(this.#unpacked, `image-${keyOf([image.id, ...image.layers.map(({ path, digest }) => digest ?? path)])}`);
      this.#asked.add(place);
      await this.#once(place, () => unpackImage(image, place));
      return { id: image.id, entry: entryOf(name, image.config, join(place, "root")) };
    }
    return undefined;
  }

  /** Removes what has been unpacked of images that are none of these. They are unpacked again when they are asked for. */
  async clear(inUse: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#unpacked).catch(() => [])) {
      const place = join(this.#unpacked, name);
      const id = name.startsWith("image-") ? await readFile(join(place, ID_FILE), "utf8").catch(() => undefined) : undefined;
      if (id === undefined || inUse.has(id) || this.#asked.has(place)) continue;
      const aside = `${place}.draft-removed`;
      await rename(place, aside);
      await rm(aside, { recursive: true, force: true });
    }
    this.#asked.clear();
  }

  /** An archive is taken apart first. Undefined: it is something else. */
  async #layout(file: string): Promise<string | undefined> {
    const path = join(this.directory, file);
    if (!ARCHIVE.test(file)) return isLayout(path) ? path : undefined;
    const { mtimeMs, size } = await stat(path);
    const place = join(this.#unpacked, `archive-${keyOf([path, mtimeMs, size])}`);
    await this.#once(place, () => whole(place, async (draft) => laid(path, draft)));
    return isLayout(join(place, "root")) ? join(place, "root") : undefined;
  }

  async #once(place: string, work: () => Promise<void>): Promise<void> {
    if (existsSync(place)) return;
    const underWay = this.#underWay.get(place) ?? work().finally(() => this.#underWay.delete(place));
    this.#underWay.set(place, underWay);
    await underWay;
  }
}

function keyOf(parts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

async function unpackImage({ id, layers }: Image, place: string): Promise<void> {
  await whole(place, async (root) => {
    for (const layer of layers) await laid(layer.path, root, layer.digest);
    await writeFile(join(root, "..", ID_FILE), id);
  });
}

async function laid(path: string, root: string, digest?: string): Promise<void> {
  const { archive, done } = await openLayer({ path, digest });
  await applyLayer(root, archive);
  done();
}

/** Makes a directory with another one, `root`, in it, which is there with all that `work` puts into it or not at all. */
async function whole(place: string, work: (root: string) => Promise<void>): Promise<void> {
  await mkdir(join(place, ".."), { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(`${place}.draft-`);
  try {
    await mkdir(join(draft, "root"), { mode: 0o755 });
    await work(join(draft, "root"));
    await rename(draft, place);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** With its registry and its tag, as `docker.io/library/nginx:latest`. */
export function fullName(name: string): string {
  const [path = "", digest] = name.split("@");
  const tagged = /:[^/]*$/.test(path) || digest !== undefined ? name : `${name}:${TAG_DEFAULT}`;
  const [first = "", ...rest] = tagged.split("/");
  if (rest.length === 0) return `docker.io/library/${tagged}`;
  return /[.:]/.test(first) || first === "localhost" ? tagged : `docker.io/${tagged}`;
}

function entryOf(name: string, config: ImageConfig, root: string): CatalogEntry {
  const { Env, Entrypoint, Cmd, WorkingDir, User, StopSignal } = config;
  return {
    name,
    entrypoint: Entrypoint ?? [],
    command: Cmd ?? [],
    env: Object.fromEntries((Env ?? []).map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)])),
    workingDir: WorkingDir === "" ? undefined : WorkingDir,
    user: User === "" ? undefined : User,
    root,
    limits: [],
    needs: [],
    places: [],
    applets: undefined,
    stopSignal: signalOf(StopSignal),
  };
}

/** A name or a number. */
function signalOf(wanted = "SIGTERM"): NodeJS.Signals {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.find((name) => name === wanted || name === `SIG${wanted}` || String(constants.signals[name]) === wanted) ?? "SIGTERM";
}
