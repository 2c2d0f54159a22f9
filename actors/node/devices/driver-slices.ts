import type { Clock, Logger, Timer } from "../../../runtime/mod.ts";
import type { ResourceSlice } from "../../kinds/generated/types.ts";
import { ResourceSliceKind } from "../../kinds/resource/resource-slice.ts";
import { StatusError } from "../../kinds/status.ts";
import { NODE_OF_NAME } from "../../registry/authors.ts";
import type { ObjectWrites } from "../../registry/registry.ts";
import type { ObjectView } from "../../store/view.ts";

export interface DriverSlicesOptions {
  readonly node: string;
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A driver that is replaced is back by then. Source: kubelet's default wiping delay. */
const WIPE_AFTER_MS = 30_000;

/** Takes out of the API what a driver of one node has said of its devices, when it has been away for a while: nobody shall be sent where they cannot be prepared. */
export class DriverSlices {
  readonly #options: DriverSlicesOptions;
  readonly #timers = new Map<string, Timer>();

  constructor(options: DriverSlicesOptions) {
    this.#options = options;
  }

  gone(driver: string): void {
    this.#timers.get(driver)?.cancel();
    const timer = this.#options.clock.after(WIPE_AFTER_MS, () => {
      this.#timers.delete(driver);
      this.#wipe(driver).catch((error: unknown) => {
        this.#options.log.warn({ driver, error: String(error) }, "the devices of a driver that is gone could not be removed; trying again");
        this.gone(driver);
      });
    });
    this.#timers.set(driver, timer);
  }

  back(driver: string): void {
    this.#timers.get(driver)?.cancel();
    this.#timers.delete(driver);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  async #wipe(driver: string): Promise<void> {
    const { view, registry, node } = this.#options;
    for (const entry of view.list("resourceslices.resource.k8s.io")) {
      const { metadata, spec } = view.decode<ResourceSlice>(entry);
      if (spec.nodeName !== node || spec.driver !== driver) continue;
      await registry.delete(ResourceSliceKind, undefined, metadata.name, { author: NODE_OF_NAME }).catch((error: unknown) => {
        if (!(error instanceof StatusError && error.status.code === 404)) throw error;
      });
    }
  }
}
