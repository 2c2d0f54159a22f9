/**
 * Remote commands over SPDY/3.1, as clients speak it that know no WebSocket: the client opens a stream for each of what it wants, whose header `streamtype`
 * says which. Source: kubelet's remotecommand/httpstream.go; client-go's remotecommand.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { roomIn } from "../../../actors/node/streaming/backpressure.ts";
import { CHANNEL, type Frame } from "../../../actors/node/streaming/frames.ts";
import { SPDY, SPDY_PROTOCOL_HEADER } from "../../../actors/node/streaming/spdy/dial.ts";
import { SpdySession, type SpdyStream } from "../../../actors/node/streaming/spdy/session.ts";
import type { StreamsWanted } from "../../../actors/node/streaming/stream-door.ts";
import type { Clock } from "../../../runtime/mod.ts";
import { type CommandClient, type CommandOutcome, outcomeText } from "./command-client.ts";
import { switchTo } from "./take-connection.ts";

const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["v4.channel.k8s.io", 4],
  ["v3.channel.k8s.io", 3],
  ["v2.channel.k8s.io", 2],
  ["channel.k8s.io", 1],
]);
/** Before it there was no resizing. */
const RESIZE_VERSION = 3;
/** Source: kubelet's DefaultStreamCreationTimeout. */
const STREAM_CREATION_MS = 30_000;
const CHANNELS: Readonly<Record<string, number>> = {
  stdin: CHANNEL.stdin,
  stdout: CHANNEL.stdout,
  stderr: CHANNEL.stderr,
  error: CHANNEL.status,
  resize: CHANNEL.resize,
};

/** The first of `known` that the client speaks over SPDY; undefined when it asks for no SPDY, or for none of these. */
export function offeredOverSpdy({ headers }: IncomingMessage, known: readonly string[]): string | undefined {
  if (headers.upgrade?.toLowerCase() !== SPDY.toLowerCase()) return undefined;
  const offered = [headers[SPDY_PROTOCOL_HEADER.toLowerCase()] ?? []]
    .flat()
    .flatMap((names) => names.split(",").map((name) => name.trim()));
  return known.find((name) => offered.includes(name));
}

export const SPDY_COMMAND_PROTOCOLS: readonly string[] = [...PROTOCOLS.keys()];

/** Switches to SPDY in that protocol. */
export function acceptSpdy(name: string, request: IncomingMessage, response: ServerResponse): Duplex {
  return switchTo(SPDY, { [SPDY_PROTOCOL_HEADER]: name }, request, response);
}

/** Resolves when the client has opened all streams that it is to; undefined when it has not in time. */
export async function acceptSpdyCommand(
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  { stdin, stdout, stderr, tty }: StreamsWanted,
  clock: Clock,
): Promise<CommandClient | undefined> {
  const version = PROTOCOLS.get(name) ?? 1;
  const connection = acceptSpdy(name, request, response);
  const missing = new Set<number>([CHANNEL.status]);
  if (stdin) missing.add(CHANNEL.stdin);
  if (stdout) missing.add(CHANNEL.stdout);
  if (stderr) missing.add(CHANNEL.stderr);
  if (tty && version >= RESIZE_VERSION) missing.add(CHANNEL.resize);
  const streams = new Map<number, SpdyStream>();
  const { promise: complete, resolve } = Promise.withResolvers<boolean>();
  const session = new SpdySession(connection, (stream) => {
    const channel = CHANNELS[stream.headers.get("streamtype") ?? ""];
    if (channel === undefined || !missing.delete(channel)) {
      stream.destroy();
      return;
    }
    streams.set(channel, stream);
    if (missing.size === 0) resolve(true);
  });
  const over = session.run();
  void over.then(() => resolve(false));
  const late = clock.after(STREAM_CREATION_MS, () => resolve(false));
  const isComplete = await complete;
  late.cancel();
  if (isComplete) return new SpdyCommand(streams, session, connection, version, over);
  connection.destroy();
  return undefined;
}

class SpdyCommand implements CommandClient {
  readonly heard: AsyncIterable<Frame>;
  readonly #streams: ReadonlyMap<number, SpdyStream>;
  readonly #session: SpdySession;
  readonly #connection: Duplex;
  readonly #version: number;

  constructor(streams: ReadonlyMap<number, SpdyStream>, session: SpdySession, connection: Duplex, version: number, over: Promise<void>) {
    this.#streams = streams;
    this.#session = session;
    this.#connection = connection;
    this.#version = version;
    this.heard = merged(streams, over);
  }

  async show(channel: number, bytes: Buffer): Promise<void> {
    const stream = this.#streams.get(channel);
    if (stream === undefined || stream.destroyed || stream.write(bytes)) return;
    await roomIn(stream);
  }

  async finish(outcome: CommandOutcome): Promise<void> {
    const text = outcomeText(outcome, this.#version);
    await Promise.all(
      [...this.#streams].map(([channel, stream]) => {
        if (stream.destroyed) return undefined;
        return new Promise<void>((resolve) => {
          stream.once("close", resolve);
          if (channel === CHANNEL.status && text !== undefined) stream.end(text, resolve);
          else stream.end(resolve);
        });
      }),
    );
    this.#session.end();
  }

  drop(): void {
    this.#connection.destroy();
  }
}

/** What comes on the streams of the client, one frame at a time; ends when all is over. */
async function* merged(streams: ReadonlyMap<number, SpdyStream>, over: Promise<void>): AsyncGenerator<Frame> {
  const sources = [CHANNEL.stdin, CHANNEL.resize].flatMap((channel) => {
    const stream = streams.get(channel);
    return stream === undefined ? [] : [{ channel, chunks: stream[Symbol.asyncIterator]() as AsyncIterator<Buffer> }];
  });
  type Next = { readonly source: (typeof sources)[number] | undefined; readonly chunk: IteratorResult<Buffer> };
  const next = async (source: (typeof sources)[number]): Promise<Next> => ({
    source,
    chunk: await source.chunks.next().catch(() => ({ done: true, value: undefined }) as const),
  });
  const end: Promise<Next> = over.then(() => ({ source: undefined, chunk: { done: true, value: undefined } }));
  const waiting = new Map(sources.map((source) => [source, next(source)]));
  for (;;) {
    const { source, chunk } = await Promise.race([end, ...waiting.values()]);
    if (source === undefined) return;
    if (chunk.done === true) {
      waiting.delete(source);
      if (source.channel === CHANNEL.stdin) yield { channel: CHANNEL.close, payload: Buffer.of(CHANNEL.stdin) };
      continue;
    }
    waiting.set(source, next(source));
    yield { channel: source.channel, payload: chunk.value };
  }
}
