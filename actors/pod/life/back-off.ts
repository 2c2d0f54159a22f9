/** Source: kubelet's initial and maximum back-off, for crashes and for images (Kubernetes 1.34). */
const BACK_OFF_FIRST_MS = 10_000;
const BACK_OFF_MOST_MS = 300_000;

interface Row {
  readonly wait_ms: number;
  readonly since_ms: number;
}

/**
 * How long what failed waits before it is tried again: 10 s, doubled each time, up to 5 min; what went well for twice as long as that begins anew.
 * Source: client-go's flowcontrol.Backoff.
 */
export class BackOffs {
  readonly #rows = new Map<string, Row>();

  /** Until when it waits that failed at `failed_ms`; undefined: it may be tried at once. */
  until(key: string, failed_ms: number): number | undefined {
    const row = this.#rows.get(key);
    return row === undefined || isForgotten(row, failed_ms) ? undefined : failed_ms + row.wait_ms;
  }

  /** How long it waits after each failure now. */
  wait_ms(key: string): number {
    return this.#rows.get(key)?.wait_ms ?? 0;
  }

  /** It is tried again that failed at `failed_ms`. */
  triedAgain(key: string, failed_ms: number, now_ms: number): void {
    const row = this.#rows.get(key);
    const wait_ms = row === undefined || isForgotten(row, failed_ms) ? BACK_OFF_FIRST_MS : Math.min(2 * row.wait_ms, BACK_OFF_MOST_MS);
    this.#rows.set(key, { wait_ms, since_ms: now_ms });
  }
}

function isForgotten({ since_ms }: Row, failed_ms: number): boolean {
  return failed_ms - since_ms > 2 * BACK_OFF_MOST_MS;
}
