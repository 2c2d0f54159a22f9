const REFRESH_MS = 200;
/** What takes no longer needs no progress. */
const UNSEEN_MS = 1_000;
const BAR_CHARS = 24;

/**
 * Keeps one line of the terminal (standard error) up to date with what `text` gives, from a second on; without a terminal it does nothing. Gives what ends it,
 * which leaves nothing of the line.
 */
export function showProgress(text: () => string, output: NodeJS.WriteStream = process.stderr): () => void {
  if (!output.isTTY) return () => {};
  let shown = false;
  const since_ms = performance.now();
  const timer = setInterval(() => {
    const took_ms = performance.now() - since_ms;
    if (took_ms < UNSEEN_MS) return;
    shown = true;
    const line = `${text()}  ${Math.floor(took_ms / 1_000)} s`;
    output.write(`\r\x1b[K${line.slice(0, (output.columns || 80) - 1)}`);
  }, REFRESH_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (shown) output.write("\r\x1b[K");
  };
}

/** `[######........] 42%` */
export function bar(share: number): string {
  const within = Math.min(1, Math.max(0, share));
  const full = Math.round(within * BAR_CHARS);
  return `[${"#".repeat(full)}${".".repeat(BAR_CHARS - full)}] ${Math.floor(within * 100)}%`;
}
