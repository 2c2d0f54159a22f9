import { Duplex } from "node:stream";
import { roomIn } from "../backpressure.ts";
import { controlFrame, dataFrame, FLAG_FIN, framesOf, type SpdyFrame, streamOf, TYPE } from "./frames.ts";
import { HeaderReader, HeaderWriter, SpdyError } from "./headers.ts";

/** What has come for a stream and is not read yet; more of it makes the whole connection wait. */
const STREAM_BYTES_MAX = 1 << 20;
const STREAMS_MAX = 4_096;
/** Source: the SPDY Protocol, 2.6.3. */
const STATUS = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const;
const SYN_STREAM_HEAD_BYTES = 10;

/**
 * SPDY/3.1 (the SPDY Protocol, Draft 3.1) as far as Kubernetes speaks it: a client opens streams, each with headers that say what it is for, and both sides send
 * on them and end them on their own. There are no windows of flow control, which moby/spdystream at the other side neither sends nor heeds: the connection itself
 * is what makes a sender wait.
 */
export class SpdySession {
  readonly #connection: Duplex;
  readonly #opened: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #reader = new HeaderReader();
  readonly #writer = new HeaderWriter();
  readonly #used: () => void;
  /** Of the next stream that this side opens, as a client: those of clients are odd. */
  #nextId = 1;
  /** All streams wait for the same room. */
  #room: Promise<void> | undefined;

  /** `opened` gets the streams of the other side, and ends those that it does not want; `used` is told whenever somebody sends on one. */
  constructor(connection: Duplex, opened: (stream: SpdyStream) => void, used: () => void = () => {}) {
    this.#connection = connection;
    this.#opened = opened;
    this.#used = used;
  }

  /** Resolves when the connection has ended, and with it all streams. */
  async run(): Promise<void> {
    try {
      for await (const frame of framesOf(this.#connection)) await this.#take(frame);
    } catch {
      // The other side has gone, or speaks something else.
    } finally {
      this.#connection.destroy();
      for (const stream of [...this.#streams.values()]) stream.reset();
      this.#streams.clear();
      this.#reader.close();
      this.#writer.close();
    }
  }

  /** One after the other: headers are one compressed stream. Whether the other side wants the stream shows in that it is not reset. */
  async open(headers: Readonly<Record<string, string>>): Promise<SpdyStream> {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#made(id, new Map(Object.entries(headers)), true);
    const head = Buffer.concat([uint32(id), Buffer.alloc(SYN_STREAM_HEAD_BYTES - 4)]);
    await this.#send(controlFrame(TYPE.synStream, 0, Buffer.concat([head, await this.#writer.write(headers)])));
    return stream;
  }

  /** What was sent before still goes out. */
  end(): void {
    this.#connection.end();
  }

  async #take(frame: SpdyFrame): Promise<void> {
    if (frame.type === "data") return this.#data(frame.stream, frame.flags, frame.payload);
    const { control, flags, payload } = frame;
    switch (control) {
      case TYPE.synStream:
        return this.#accept(flags, payload);
      case TYPE.rstStream:
        this.#streams.get(streamOf(payload))?.reset();
        return;
      case TYPE.ping:
        this.#connection.write(controlFrame(TYPE.ping, 0, payload));
        return;
      case TYPE.synReply:
      case TYPE.headers:
        // Nothing that is said so late counts, but what comes later is compressed with regard to it.
        await this.#reader.read(payload.subarray(4));
        if ((flags & FLAG_FIN) !== 0) this.#streams.get(streamOf(payload))?.ended();
        return;
      default:
        // SETTINGS, WINDOW_UPDATE and GOAWAY change nothing here.
        return;
    }
  }

  async #accept(flags: number, payload: Buffer): Promise<void> {
    const id = streamOf(payload);
    if (payload.length < SYN_STREAM_HEAD_BYTES) throw new SpdyError("a frame ends too soon");
    const headers = await this.#reader.read(payload.subarray(SYN_STREAM_HEAD_BYTES));
    if (this.#streams.has(id)) return this.#refuse(id, STATUS.protocolError);
    if (this.#streams.size >= STREAMS_MAX) return this.#refuse(id, STATUS.refusedStream);
    const stream = this.#made(id, headers, false);
    await this.#send(controlFrame(TYPE.synReply, 0, Buffer.concat([uint32(id), await this.#writer.write({})])));
    if ((flags & FLAG_FIN) !== 0) stream.ended();
    this.#opened(stream);
  }

  #made(id: number, headers: ReadonlyMap<string, string>, isOwn: boolean): SpdyStream {
    const send = (bytes: Buffer): Promise<void> => {
      this.#used();
      return this.#send(bytes);
    };
    const stream = new SpdyStream(id, headers, isOwn, send);
    stream.once("close", () => this.#streams.delete(id));
    this.#streams.set(id, stream);
    return stream;
  }

  async #data(id: number, flags: number, payload: Buffer): Promise<void> {
    const stream = this.#streams.get(id);
    this.#used();
    // What has ended on this side may be on its way from the other still.
    if (stream === undefined) return;
    if (payload.length > 0) await stream.receive(payload);
    if ((flags & FLAG_FIN) !== 0) stream.ended();
  }

  #refuse(id: number, status: number): void {
    this.#connection.write(controlFrame(TYPE.rstStream, 0, Buffer.concat([uint32(id), uint32(status)])));
  }

  /** Resolves when there is room for more. */
  async #send(bytes: Buffer): Promise<void> {
    if (this.#connection.destroyed || this.#connection.writableEnded) return;
    if (this.#connection.write(bytes)) return;
    this.#room ??= roomIn(this.#connection).finally(() => {
      this.#room = undefined;
    });
    await this.#room;
  }
}

/** One stream of a session: bytes both ways, and the headers with which it was opened. */
export class SpdyStream extends Duplex {
  readonly id: number;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** This side has opened it. */
  readonly #isOwn: boolean;
  readonly #send: (bytes: Buffer) => Promise<void>;
  /** Nothing more comes. */
  #isEnded = false;
  #isReset = false;
  #wanted: (() => void) | undefined;

  constructor(id: number, headers: ReadonlyMap<string, string>, isOwn: boolean, send: (bytes: Buffer) => Promise<void>) {
    super({ allowHalfOpen: true, readableHighWaterMark: STREAM_BYTES_MAX });
    this.id = id;
    this.headers = headers;
    this.#isOwn = isOwn;
    this.#send = send;
    this.on("error", () => {});
  }

  /** What the other side sends; resolves when there is room for more. */
  async receive(payload: Buffer): Promise<void> {
    if (this.#isEnded || this.destroyed || this.push(payload)) return;
    await new Promise<void>((resolve) => {
      this.#wanted = resolve;
    });
  }

  ended(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (!this.destroyed) this.push(null);
  }

  /** The other side wants nothing more of it, or is gone. A server ends streams so when it has said all, and that is still to be read. */
  reset(): void {
    this.#isReset = true;
    if (!this.#isOwn) {
      this.destroy();
      return;
    }
    this.ended();
    this.end();
  }

  override _read(): void {
    this.#wanted?.();
    this.#wanted = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(dataFrame(this.id, 0, chunk)).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#isReset) done();
    else this.#send(dataFrame(this.id, FLAG_FIN, Buffer.alloc(0))).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wanted?.();
    this.#wanted = undefined;
    const isWhole = this.#isReset || (this.writableFinished && this.#isEnded);
    if (!isWhole) void this.#send(controlFrame(TYPE.rstStream, 0, Buffer.concat([uint32(this.id), uint32(STATUS.cancel)])));
    done(error);
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
