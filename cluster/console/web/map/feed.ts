import { Unreachable } from "../api.ts";
import type { ViewContext } from "../view.ts";
import type { FeedLine } from "./feed-lines.ts";

const PATH = "/troupe/map";
/** The feed has a line each second. */
const SILENCE_MS_MAX = 10_000;
const RETRY_MS = 500;

/** Hands over the feed's lines for as long as the view is open, over lost connections. Resolves with why the API refuses, if it does. */
export async function readFeed({ api, connection, signal }: ViewContext, take: (line: FeedLine) => void): Promise<unknown> {
  while (!signal.aborted) {
    const silence = new AbortController();
    const hush = (): ReturnType<typeof setTimeout> => setTimeout(() => silence.abort(), SILENCE_MS_MAX);
    let timer = hush();
    try {
      for await (const line of api.lines(PATH, { signal: AbortSignal.any([signal, silence.signal]) })) {
        clearTimeout(timer);
        timer = hush();
        take(JSON.parse(line) as FeedLine);
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      if (silence.signal.aborted) connection.lost();
      else if (!(error instanceof Unreachable)) return error;
    } finally {
      clearTimeout(timer);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    await connection.back();
  }
  return undefined;
}
