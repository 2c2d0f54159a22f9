import { VolumeFailure } from "../pod-volumes.ts";

/** Source: exponentialbackoff, as kubelet's nested pending operations have it. */
const FIRST_MS = 500;
const MOST_MS = 122_000;

/** How long what failed waits before it is tried again: longer each time in a row. */
export class RetryDelays {
  readonly #failures = new Map<string, number>();

  /** Does it, and has what fails wait. What is only waited for is no failure. */
  async try<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.forget(key);
      return result;
    } catch (error) {
      if (!(error instanceof VolumeFailure) || error.isExpected) throw error;
      throw error.retriedAfter(this.failed_ms(key));
    }
  }

  /** It has failed once more; how long it waits now. */
  failed_ms(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return Math.min(FIRST_MS * 2 ** failures, MOST_MS);
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** All of a pod, whose keys begin with its UID. */
  forgetPod(uid: string): void {
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid}/`)) this.#failures.delete(key);
  }
}
