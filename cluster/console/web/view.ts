import type { TemplateResult } from "lit-html";
import { render } from "lit-html";
import { type Api, Unreachable } from "./api.ts";
import type { Connection } from "./connection.ts";
import type { Keys } from "./keys.ts";

/** What a view is given when it is opened. */
export interface ViewContext {
  /** The view's own element: it is empty at first, and gone when the view is left. */
  readonly root: HTMLElement;
  /** What stands for the names in the path: `:name` in `/nodes/:name`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Aborts when the view is left: hand it to every request, listener and timer. */
  readonly signal: AbortSignal;
  readonly api: Api;
  readonly connection: Connection;
  /** Keys that count while the view is open. */
  readonly keys: Keys;
  /** Goes to another address of the console, `/pods?namespace=default`. `replace`: without a step in the history. */
  readonly go: (to: string, how?: "push" | "replace") => void;
  /** Writes into the address what the view shows now, so that a reload or a link leads back to it. The view goes on. */
  readonly note: (query: URLSearchParams) => void;
}

/** A view: it puts itself into `context.root`, and keeps itself up to date until `context.signal` aborts. */
export type OpenView = (context: ViewContext) => void | Promise<void>;

/**
 * A function that draws the template anew, at most once a frame however often it is called. The first drawing is at once. `drawn` is called after each, for what
 * is to be done with the elements.
 */
export function drawing(
  { root, signal }: Pick<ViewContext, "root" | "signal">,
  template: () => TemplateResult,
  drawn: () => void = () => {},
): () => void {
  let isDue = false;
  const draw = (): void => {
    isDue = false;
    if (signal.aborted) return;
    render(template(), root);
    drawn();
  };
  draw();
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(draw);
  };
}

/**
 * Looks at once and then so often, one look after the other, until the view is left; not while the page is hidden. After each, `looked` is told why it failed, or
 * undefined. While the server does not answer nobody looks.
 */
export async function repeatedly(
  { connection, signal }: Pick<ViewContext, "connection" | "signal">,
  every_ms: number,
  look: () => Promise<void>,
  looked: (failure: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    if (!document.hidden) {
      const failure = await look().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (signal.aborted) return;
      looked(failure);
      if (failure instanceof Unreachable) await connection.back();
    }
    await new Promise((resolve) => setTimeout(resolve, every_ms));
  }
}
