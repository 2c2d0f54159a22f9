import type { ContainerImage } from "../../kinds/generated/types.ts";
import { type ImageFound, type ImageWanted, type RegistryCredentials, RuntimeFailure } from "../container-runtime.ts";
import { taggedImage } from "../images/image-name.ts";
import type { ImageUser } from "./container-config.ts";
import { ASK_MS, type CriWorld, type ImageClient, type RuntimeClient } from "./cri-world.ts";
import { failedAs } from "./failure.ts";
import type { CriReceived } from "./messages.ts";

/** Source: kubelet's --node-status-max-images and MaxNamesPerImageInNodeStatus. */
const IMAGES_TOLD_MAX = 50;
const NAMES_TOLD_MAX = 5;

/** The images that a container runtime has, and brings. Source: kubelet's image manager. */
export class CriImages {
  readonly #client: ImageClient;
  readonly #runtime: RuntimeClient;
  readonly #closed: AbortSignal;
  /** IDs of those that were brought for pods: what was there before is not for it to remove. */
  readonly #brought = new Set<string>();

  constructor({ images, runtime, closed }: Pick<CriWorld, "images" | "runtime" | "closed">) {
    this.#client = images;
    this.#runtime = runtime;
    this.#closed = closed;
  }

  /** Throws RuntimeFailure. */
  async ensure({ image, policy, credentials = [], pulling }: ImageWanted): Promise<ImageFound> {
    const name = taggedImage(image);
    const quoted = JSON.stringify(image);
    const before = policy === "Always" ? null : await this.#find(name);
    if (before !== null) return { id: before.id, present: true };
    if (policy === "Never")
      throw new RuntimeFailure("ErrImageNeverPull", `Container image ${quoted} is not present with pull policy of Never`);
    pulling?.();
    await this.#pull(name, credentials);
    const pulled = await this.#find(name);
    if (pulled === null) throw new RuntimeFailure("ErrImagePull", `image ${quoted} was pulled and is not there`);
    this.#brought.add(pulled.id);
    return { id: pulled.id, present: false };
  }

  /** Whom an image runs as that is there. Throws RuntimeFailure. Source: kubelet's getImageUser. */
  async userOf(id: string): Promise<ImageUser> {
    const image = await this.#find(id);
    if (image === null) throw new RuntimeFailure("CreateContainerError", `failed to get image ${JSON.stringify(id)}: it is gone`);
    const { uid, username } = image;
    return uid !== null ? { uid: uid.value, name: "" } : username !== "" ? { uid: undefined, name: username } : { uid: 0, name: "" };
  }

  /** Removes those that it has brought and of which nothing is made any more, by whomever. Throws GrpcFailure. */
  async clear(): Promise<void> {
    const { containers } = await this.#runtime.call("ListContainers", {}, ASK_MS, this.#closed);
    const inUse = new Set(containers.flatMap(({ imageRef, imageId }) => [imageRef, imageId]));
    for (const id of [...this.#brought]) {
      if (inUse.has(id)) continue;
      await this.#client.call("RemoveImage", { image: { image: id } }, ASK_MS, this.#closed);
      this.#brought.delete(id);
    }
  }

  /** As a Node tells of them: the largest first. Throws GrpcFailure. */
  async all(): Promise<readonly ContainerImage[]> {
    const { images } = await this.#client.call("ListImages", {}, ASK_MS, this.#closed);
    return [...images]
      .sort((a, b) => b.size - a.size)
      .slice(0, IMAGES_TOLD_MAX)
      .map(({ repoDigests, repoTags, size }) => ({ names: [...repoDigests, ...repoTags].slice(0, NAMES_TOLD_MAX), sizeBytes: size }))
      .filter(({ names }) => names.length > 0);
  }

  async #find(name: string): Promise<CriReceived<"Image"> | null> {
    const asked = this.#client.call("ImageStatus", { image: { image: name } }, ASK_MS, this.#closed);
    return (await asked.catch(failedAs("ImageInspectError"))).image;
  }

  /** A registry may take as long as it takes. Without credentials that help it is asked without. */
  async #pull(name: string, credentials: readonly RegistryCredentials[]): Promise<void> {
    const failures: unknown[] = [];
    for (const auth of credentials.length === 0 ? [undefined] : credentials) {
      try {
        await this.#client.call("PullImage", { image: { image: name }, auth }, undefined, this.#closed);
        return;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) return failedAs("ErrImagePull")(failures[0]);
    throw new RuntimeFailure("ErrImagePull", `[${(failures as readonly Error[]).map(({ message }) => message).join(", ")}]`);
  }
}
