import { type ImageWanted, RuntimeFailure } from "../container-runtime.ts";
import type { ImageStore } from "../images/image-store.ts";
import { type Catalog, type CatalogEntry, entryFor } from "../process/catalog.ts";

/** What a container is made of. */
export interface RootedImage {
  /** What it is for certain. */
  readonly id: string;
  /** Its root, and what is run in it when nothing else is said; without a root that is the machine's file system. */
  readonly entry: CatalogEntry;
  /** A directory of programs that it sees at a place of its own. */
  readonly applets: { readonly source: string; readonly target: string } | undefined;
}

/** Outside of all that images have. */
const APPLETS = "/run/troupe-applets";

/** The images of sandboxes: what the catalog says, and what there is of OCI image layouts and archives. */
export class SandboxImages {
  readonly #catalog: Catalog;
  readonly #applets: ReadonlyMap<string, string>;
  readonly #store: ImageStore;

  constructor(catalog: Catalog, applets: ReadonlyMap<string, string>, store: ImageStore) {
    this.#catalog = catalog;
    this.#applets = applets;
    this.#store = store;
  }

  /** Throws RuntimeFailure. */
  async find({ image, policy }: Pick<ImageWanted, "image" | "policy">): Promise<RootedImage> {
    const entry = entryFor(this.#catalog, image);
    if (entry !== undefined) {
      const source = entry.applets === undefined ? undefined : this.#applets.get(entry.applets);
      return { id: `catalog/${entry.name}`, entry, applets: source === undefined ? undefined : { source, target: APPLETS } };
    }
    const found = await this.#store.find(image).catch((error: Error) => {
      throw new RuntimeFailure("ErrImagePull", `failed to unpack image ${JSON.stringify(image)}: ${error.message}`);
    });
    if (found !== undefined) return { ...found, applets: undefined };
    const quoted = JSON.stringify(image);
    if (policy === "Never")
      throw new RuntimeFailure("ErrImageNeverPull", `Container image ${quoted} is not present with pull policy of Never`);
    const told = `there is no image ${quoted} on this machine: put its OCI layout or archive into ${this.#store.directory}, or name it in the file that is given with --catalog`;
    throw new RuntimeFailure("ErrImagePull", told);
  }

  /** Removes what has been unpacked of images that are none of these. */
  async clear(inUse: ReadonlySet<string>): Promise<void> {
    await this.#store.clear(inUse);
  }
}
