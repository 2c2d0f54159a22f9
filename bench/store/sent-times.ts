/** What the events of a watch carry: when they were written, in milliseconds of the machine's clock with a fraction. */
const SENT = '"sent":"';
/** Digits of such a time. */
const SENT_DIGITS = 17;

/** The moment as events carry it. */
export function sentText(now_ms: number): string {
  return `${SENT}${now_ms.toFixed(3).padStart(SENT_DIGITS, "0")}"`;
}

/** The machine's clock with a fraction, the same in all threads. */
export function wallClock_ms(): number {
  return performance.timeOrigin + performance.now();
}

/** Finds such times in a stream of bytes, and tells how long ago they were. */
export function lagReader(tell: (lag_ms: number) => void): (chunk: Buffer) => void {
  let rest = "";
  return (chunk) => {
    const arrived_ms = wallClock_ms();
    const text = rest + chunk.toString("latin1");
    let from = 0;
    for (let at = text.indexOf(SENT); at >= 0; at = text.indexOf(SENT, from)) {
      if (at + SENT.length + SENT_DIGITS > text.length) break;
      from = at + SENT.length + SENT_DIGITS;
      tell(arrived_ms - Number(text.slice(at + SENT.length, from)));
    }
    rest = text.slice(Math.max(from, text.length - SENT.length - SENT_DIGITS));
  };
}
