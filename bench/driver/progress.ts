const REFRESH_MS = 500;

/** Keeps one line of the terminal (standard error) up to date with what `text` gives; without a terminal it does nothing. Gives what ends it. */
export function showProgress(text: () => string): () => void {
  if (!process.stderr.isTTY) return () => {};
  const show = (): void => {
    process.stderr.write(`\r\x1b[K${text()}`);
  };
  const timer = setInterval(show, REFRESH_MS);
  return () => {
    clearInterval(timer);
    process.stderr.write("\r\x1b[K");
  };
}
