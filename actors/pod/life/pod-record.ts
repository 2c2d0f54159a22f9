import { isMirrorOf } from "../../kinds/core/mirror-pod.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { Pod, PodStatus } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { StatusError } from "../../kinds/status.ts";
import { decodeObject } from "../../kinds/text.ts";
import { NODE_OF_POD } from "../../registry/authors.ts";
import type { ObjectWrites } from "../../registry/registry.ts";
import type { Key } from "../../store/transaction.ts";
import type { Entry } from "../../store/view.ts";
import { type Allocation, allocated } from "../allocation.ts";
import type { PodSync } from "../pod-order.ts";

/**
 * What is written down of one pod: what the API says of it, or the manifest of a static one, with what its node has granted it; and the way back, its status. Of a static
 * pod the API has a mirror, or has not: then its status is kept here.
 */
export class PodRecord {
  readonly #uid: string;
  readonly #registry: ObjectWrites;
  /** The newest that is known. */
  #entry: Entry | undefined;
  #allocation: Allocation | undefined;
  isStatic = false;
  /** Of a static pod: its status, and what the API shows of it. */
  #own: PodStatus | undefined;
  #shown: PodStatus | undefined;
  #pod: Pod | undefined;

  constructor(uid: string, registry: ObjectWrites) {
    this.#uid = uid;
    this.#registry = registry;
  }

  /** As it is to run. Undefined: nobody has said yet. */
  get pod(): Pod | undefined {
    if (this.#entry === undefined) return undefined;
    this.#pod ??= this.#read(this.#entry);
    return this.#pod;
  }

  get entry(): Entry | undefined {
    return this.#entry;
  }

  get key(): Key | undefined {
    return this.#entry?.key;
  }

  get allocation(): Allocation | undefined {
    return this.#allocation;
  }

  /** Whether it says anything new. */
  see({ entry, allocation, isStatic = false }: PodSync): boolean {
    const before = this.#entry;
    this.isStatic = isStatic;
    const isNew = isStatic ? entry.text !== before?.text : entry.revision !== before?.revision;
    const isGranted = !semanticEqual(allocation, this.#allocation);
    this.#allocation = allocation;
    // What this pod has written itself is known before its node hears of it.
    if (before === undefined || isStatic || entry.revision > before.revision) this.#entry = entry;
    this.#pod = undefined;
    return isNew || isGranted;
  }

  #read({ text, revision }: Entry): Pod {
    const pod = allocated(decodeObject<Pod>(text, revision), this.#allocation);
    this.#shown = pod.status;
    return this.isStatic && this.#own !== undefined ? { ...pod, status: this.#own } : pod;
  }

  /** `statusOf` is pure: what is in the API may have changed meanwhile. */
  async report(statusOf: (pod: Pod) => PodStatus): Promise<void> {
    const { pod } = this;
    if (pod === undefined) return;
    const status = statusOf(pod);
    if (this.isStatic) return this.#show(pod, status, statusOf);
    if (!semanticEqual(status, pod.status)) await this.#write(statusOf);
  }

  /** Whether the API shows it or not, it goes on; its node sees to it that it does. */
  async #show(pod: Pod, status: PodStatus, statusOf: (pod: Pod) => PodStatus): Promise<void> {
    this.#own = status;
    this.#pod = { ...pod, status };
    if (semanticEqual(status, this.#shown)) return;
    try {
      await this.#write((mirror) => statusOf({ ...mirror, status }));
      this.#shown = status;
    } catch {
      // It is told again when the API shows it.
    }
  }

  async #write(statusOf: (pod: Pod) => PodStatus): Promise<void> {
    const { namespace, name } = partsOf(this.key ?? "");
    const entry = await this.#registry.modify<Pod>(
      PodKind,
      namespace,
      name,
      (current) => {
        if (!this.#isOurs(current)) return undefined;
        const status = statusOf(allocated(current, this.#allocation));
        return semanticEqual(status, current.status) ? undefined : { ...current, status };
      },
      { author: NODE_OF_POD, subresource: "status", fieldManager: "kubelet", unmanaged: true },
    );
    if (this.isStatic || this.#entry === undefined || entry.revision <= this.#entry.revision) return;
    if (decodeObject<Pod>(entry.text, entry.revision).metadata.uid !== this.#uid) return;
    this.#entry = entry;
    this.#pod = undefined;
  }

  #isOurs(current: Pod): boolean {
    return this.isStatic ? isMirrorOf(current, this.#uid) : current.metadata.uid === this.#uid;
  }

  /** Nothing is left of it on the node: the API is to forget it. */
  async remove(): Promise<void> {
    const { namespace, name } = partsOf(this.key ?? "");
    try {
      await this.#registry.delete(PodKind, namespace, name, {
        author: NODE_OF_POD,
        gracePeriodSeconds: 0,
        preconditions: { uid: this.#uid },
      });
    } catch (error) {
      // Another one has its name now.
      if (!(error instanceof StatusError && error.status.code === 409)) throw error;
    }
  }
}
