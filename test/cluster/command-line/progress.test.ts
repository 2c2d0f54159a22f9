import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bar, showProgress } from "../../../cluster/command-line/progress.ts";

/** A terminal, or a pipe, of which what is written to it is kept. */
function output(isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly written: string[] } {
  const written: string[] = [];
  const stream = { isTTY, columns: 40, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { stream, written };
}

describe("progress", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  test("is not shown in the first second, then kept up to date, then gone", () => {
    const { stream, written } = output(true);
    let share = 0;
    const hide = showProgress(() => bar(share), stream);
    vi.advanceTimersByTime(900);
    expect(written).toEqual([]);
    share = 0.5;
    vi.advanceTimersByTime(300);
    expect(written.at(-1)).toBe("\r\x1b[K[############............] 50%  1 s");
    hide();
    expect(written.at(-1)).toBe("\r\x1b[K");
    const shown = written.length;
    vi.advanceTimersByTime(5_000);
    expect(written).toHaveLength(shown);
  });

  test("of what is quick leaves no trace, and a line is no longer than the terminal is wide", () => {
    const quick = output(true);
    showProgress(() => "x", quick.stream)();
    expect(quick.written).toEqual([]);
    const long = output(true);
    const hide = showProgress(() => "x".repeat(100), long.stream);
    vi.advanceTimersByTime(1_200);
    hide();
    expect(long.written[0]).toBe(`\r\x1b[K${"x".repeat(39)}`);
  });

  test("is for terminals alone", () => {
    const { stream, written } = output(false);
    const hide = showProgress(() => "x", stream);
    vi.advanceTimersByTime(5_000);
    hide();
    expect(written).toEqual([]);
  });
});
