import { uniqueName } from "../../controllers/volumes/attachments.ts";
import { NodeKind } from "../../kinds/core/node.ts";
import type { CSIPersistentVolumeSource, Node } from "../../kinds/generated/types.ts";
import { StatusError } from "../../kinds/status.ts";
import { NODE_OF_NAME } from "../../registry/authors.ts";
import type { ObjectWrites } from "../../registry/registry.ts";
import type { ObjectView } from "../../store/view.ts";

type Volume = Pick<CSIPersistentVolumeSource, "driver" | "volumeHandle">;

/**
 * What a Node says of the volumes that it has in use: before it touches one, until it has let go of it. As long as it says so nobody has the volume detached.
 * Source: kubelet's VolumesInUse setter, and the attach-detach controller's isInUse.
 */
export class VolumesInUse {
  readonly #view: ObjectView;
  readonly #registry: ObjectWrites;

  constructor(view: ObjectView, registry: ObjectWrites) {
    this.#view = view;
    this.#registry = registry;
  }

  async add(node: string, volume: Volume): Promise<void> {
    const name = uniqueName(volume);
    await this.#change(node, (names) => (names.includes(name) ? undefined : [...names, name]));
  }

  async remove(node: string, volume: Volume): Promise<void> {
    const name = uniqueName(volume);
    await this.#change(node, (names) => (names.includes(name) ? names.filter((other) => other !== name) : undefined));
  }

  async #change(node: string, next: (names: readonly string[]) => readonly string[] | undefined): Promise<void> {
    const now = this.#view.get<Node>(`nodes/${node}`)?.status?.volumesInUse ?? [];
    if (next(now) === undefined) return;
    const change = (current: Node): Node | undefined => {
      const { volumesInUse = [], ...status } = current.status ?? {};
      const names = next(volumesInUse);
      if (names === undefined) return undefined;
      return { ...current, status: names.length === 0 ? status : { ...status, volumesInUse: [...names] } };
    };
    const by = { subresource: "status", fieldManager: "kubelet", author: NODE_OF_NAME } as const;
    await this.#registry.modify(NodeKind, undefined, node, change, by).catch((error: unknown) => {
      if (!(error instanceof StatusError && error.status.code === 404)) throw error;
    });
  }
}
