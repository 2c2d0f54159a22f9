import { FitAddon } from "@xterm/addon-fit";
import { type ITheme, Terminal } from "@xterm/xterm";
import { themes } from "../../theme.ts";
import { keepStylesUnderPolicy } from "./styles-under-policy.ts";

const SCROLLBACK_LINES = 5_000;

/** A terminal on the page. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(bytes: Uint8Array): void;
  typed(act: (bytes: Uint8Array) => void): void;
  resized(act: (columns: number, rows: number) => void): void;
  focus(): void;
  dispose(): void;
}

/** Puts a terminal into the element, which it fills from then on. */
export async function openScreen(root: HTMLElement, signal: AbortSignal): Promise<Screen> {
  keepStylesUnderPolicy();
  const style = getComputedStyle(root);
  const terminal = new Terminal({
    fontFamily: style.getPropertyValue("--mono"),
    fontSize: 13,
    scrollback: SCROLLBACK_LINES,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    screenReaderMode: true,
    minimumContrastRatio: 4.5,
    theme: themeOf(root),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(root);
  // Whoever works by the keyboard must be able to leave, as Tab and Escape are the shell's.
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.key !== "Escape" || !event.ctrlKey || !event.shiftKey) return true;
    document.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
    return false;
  });
  const sized = new ResizeObserver(() => fit.fit());
  sized.observe(root);
  fit.fit();
  const themed = (): void => {
    terminal.options.theme = themeOf(root);
  };
  themes.addEventListener("change", themed, { signal });
  const encoder = new TextEncoder();
  return {
    get columns() {
      return terminal.cols;
    },
    get rows() {
      return terminal.rows;
    },
    write: (bytes) => terminal.write(bytes),
    typed: (act) => {
      terminal.onData((text) => act(encoder.encode(text)));
      terminal.onBinary((text) => act(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    },
    resized: (act) => void terminal.onResize(({ cols, rows }) => act(cols, rows)),
    focus: () => terminal.focus(),
    dispose: () => {
      sized.disconnect();
      terminal.dispose();
    },
  };
}

/** The page's colours. */
function themeOf(root: HTMLElement): ITheme {
  const probe = document.createElement("span");
  root.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const theme = {
    background: colour("--sunk"),
    foreground: colour("--text"),
    cursor: colour("--accent"),
    selectionBackground: colour("--line-strong"),
  };
  probe.remove();
  return theme;
}
