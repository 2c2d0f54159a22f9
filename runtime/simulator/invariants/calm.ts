import type { Happened } from "../happening.ts";

/** Since when nothing has gone wrong, and nobody has come or gone. */
export class Calm {
  readonly #faults = new Set<object>();
  #disturbed_ms = 0;

  saw(happened: Happened): void {
    switch (happened.what) {
      case "fault begins":
        this.#faults.add(happened.fault);
        this.#disturbed_ms = happened.at_ms;
        return;
      case "fault ends":
        this.#faults.delete(happened.fault);
        this.#disturbed_ms = happened.at_ms;
        return;
      case "view":
      case "fenced":
      case "frame lost":
        this.#disturbed_ms = happened.at_ms;
        return;
      default:
    }
  }

  /** Whether there has been calm since that moment. */
  since(at_ms: number): boolean {
    return this.#faults.size === 0 && this.#disturbed_ms < at_ms;
  }
}
