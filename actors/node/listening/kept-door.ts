import type { Clock, Timer } from "../../../runtime/mod.ts";
import type { Door } from "./door.ts";

/** A place where nobody could listen is tried again, at first and at last. */
const LISTEN_AGAIN_MS = 1_000;
const LISTEN_AGAIN_MAX_MS = 30_000;

/** A door that is to be open: where it cannot be, that is said once, and tried again until somebody makes room. */
export class KeptDoor {
  readonly #clock: Clock;
  readonly #make: () => Door;
  readonly #failed: (code: string) => void;
  readonly #opened: () => void;
  #door: Door | undefined;
  #again: Timer | undefined;
  #told = "";
  #isOpen = false;
  #isShut = false;

  constructor(clock: Clock, make: () => Door, failed: (code: string) => void, opened: () => void = () => {}) {
    this.#clock = clock;
    this.#make = make;
    this.#failed = failed;
    this.#opened = opened;
    this.#open(LISTEN_AGAIN_MS);
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#isShut;
  }

  targetsChanged(): void {
    this.#door?.targetsChanged?.();
  }

  shut(): void {
    this.#isShut = true;
    this.#again?.cancel();
    this.#door?.shut();
  }

  #open(wait_ms: number): void {
    const door = this.#make();
    this.#door = door;
    door.open().then(
      () => {
        this.#told = "";
        // Who is shut while it opens opens all the same.
        if (this.#isShut) {
          door.shut();
          return;
        }
        this.#isOpen = true;
        this.#opened();
      },
      (error: NodeJS.ErrnoException) => {
        door.shut();
        if (this.#isShut) return;
        const { code = error.message } = error;
        if (code !== this.#told) this.#failed(code);
        this.#told = code;
        this.#again = this.#clock.after(wait_ms, () => this.#open(Math.min(2 * wait_ms, LISTEN_AGAIN_MAX_MS)));
      },
    );
  }
}
