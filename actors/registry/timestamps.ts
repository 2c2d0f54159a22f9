const MS_PER_SECOND = 1_000;

let lastSecond = Number.NaN;
let lastText = "";

/** `metav1.Time` as it is printed: RFC 3339 in UTC, whole seconds. Many objects are written within one second, so the last one is kept. */
export function timestamp(now_ms: number): string {
  const second = Math.floor(now_ms / MS_PER_SECOND);
  if (second !== lastSecond) {
    lastText = `${new Date(second * MS_PER_SECOND).toISOString().slice(0, -5)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** `metav1.MicroTime` as it is printed. */
export function microTimestamp(now_ms: number): string {
  return `${new Date(now_ms).toISOString().slice(0, -1)}000Z`;
}

/** A printed time moved by some seconds. */
export function shiftTimestamp(text: string, seconds: number): string {
  return timestamp(Date.parse(text) + seconds * MS_PER_SECOND);
}
