import { constants, createDeflate, createInflate, type Deflate, type Inflate } from "node:zlib";
import { DICTIONARY } from "./dictionary.ts";

/** All headers of one frame. */
const HEADERS_BYTES_MAX = 64 * 1_024;
const COUNT_BYTES = 4;

/** What is not SPDY/3.1, or more of it than anybody needs. */
export class SpdyError extends Error {
  override readonly name = "SpdyError";
}

/** Reads headers of the frames of one connection, which are one compressed stream. In the order of the frames, one after the other. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: DICTIONARY });
  #read: Buffer[] = [];
  #bytes = 0;
  #failed: ((error: Error) => void) | undefined;

  constructor() {
    this.#inflate.on("data", (bytes: Buffer) => {
      this.#bytes += bytes.length;
      if (this.#bytes > HEADERS_BYTES_MAX) this.#inflate.destroy(new SpdyError("a frame's headers are too long"));
      else this.#read.push(bytes);
    });
    this.#inflate.on("error", (error) => this.#failed?.(error));
  }

  /** By their names in lower case. Throws SpdyError. */
  async read(compressed: Buffer): Promise<ReadonlyMap<string, string>> {
    this.#read = [];
    this.#bytes = 0;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#failed = reject;
        this.#inflate.write(compressed);
        // What was written before it has come out by then.
        this.#inflate.flush(constants.Z_SYNC_FLUSH, () => resolve());
      });
    } catch (error) {
      throw new SpdyError(`headers cannot be read: ${(error as Error).message}`);
    }
    return parsed(Buffer.concat(this.#read));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function parsed(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  const text = (): string => {
    if (at + COUNT_BYTES > bytes.length) throw new SpdyError("headers end too soon");
    const begin = at + COUNT_BYTES;
    at = begin + bytes.readUInt32BE(at);
    if (at > bytes.length) throw new SpdyError("headers end too soon");
    return bytes.toString("utf8", begin, at);
  };
  if (bytes.length < COUNT_BYTES) throw new SpdyError("headers end too soon");
  const count = bytes.readUInt32BE(0);
  at = COUNT_BYTES;
  for (let index = 0; index < count; index++) {
    const name = text().toLowerCase();
    headers.set(name, text());
  }
  return headers;
}

/** Writes headers in the form that HeaderReader reads. */
export class HeaderWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary: DICTIONARY });
  #written: Buffer[] = [];

  constructor() {
    this.#deflate.on("data", (bytes: Buffer) => this.#written.push(bytes));
  }

  async write(headers: Readonly<Record<string, string>>): Promise<Buffer> {
    this.#written = [];
    const entries = Object.entries(headers);
    this.#deflate.write(Buffer.concat([uint32(entries.length), ...entries.flat().map((text) => counted(text))]));
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    return Buffer.concat(this.#written);
  }

  close(): void {
    this.#deflate.destroy();
  }
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(COUNT_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}
