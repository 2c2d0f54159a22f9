/** Of a terminal that does not say how large it is. */
export const TERMINAL_ROWS = 24;
export const TERMINAL_COLUMNS = 80;

/** A screen of its own, without a cursor; what stood there comes back when it is left. */
export const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l";
export const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";

const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** Writes over what stands there, line by line, so that nothing flickers. */
export function overwritten(lines: readonly string[]): string {
  return `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join("\n")}${CLEAR_BELOW}`;
}
