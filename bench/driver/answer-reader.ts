/** Hears an answer as it comes. */
export interface AnswerListener {
  /** `head` is the status line and the headers as they came, without the empty line. */
  began(status: number, head: string): void;
  data(bytes: Buffer): void;
  ended(): void;
}

/** How the length of a body is told. Source: RFC 9112, section 6.3. */
type Framing = "head" | "counted" | "chunk-size" | "chunk" | "chunk-end" | "trailer" | "until-close";

const STATUS_AT = "HTTP/1.1 ".length;
const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";
/** Longer than any head or chunk size that an API server sends. */
const TEXT_BYTES_MAX = 64 * 1024;
const NOTHING = Buffer.alloc(0);

const CONTENT_LENGTH = /\r\ncontent-length:[ \t]*(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding:.*chunked/i;
const CLOSE = /\r\nconnection:[ \t]*close/i;

/** What an API server sends is no HTTP/1.1 that is read here. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
}

/**
 * Cuts the bytes of one connection into answers, each with its body. It knows what answers of HTTP/1.1 to requests other than HEAD can be, and looks at no header
 * that does not say where the body ends: the driver shares its processor with what it measures.
 */
export class AnswerReader {
  #framing: Framing = "head";
  #listener: AnswerListener | undefined;
  /** What came of a head or a line of which the end is still to come. */
  #partial: Buffer = NOTHING;
  /** Bytes of a body or a chunk that are still to come. */
  #left = 0;
  #closes = false;

  /** Whether the connection is of no use after this answer. */
  get closes(): boolean {
    return this.#closes;
  }

  /** Who hears the next answer. */
  expect(listener: AnswerListener): void {
    this.#listener = listener;
  }

  /** Takes what has come. Throws AnswerError. */
  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at);
  }

  /** The connection has ended. Gives whether that was the end of an answer, too. */
  close(): boolean {
    if (this.#framing !== "until-close") return false;
    this.#end();
    return true;
  }

  /** Takes some of what has come from `at` on, and gives where it goes on. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#framing) {
      case "head":
        return this.#text(bytes, at, HEAD_END, (head) => this.#begin(head));
      case "chunk-size":
        return this.#text(bytes, at, LINE_END, (line) => this.#beginChunk(line));
      case "chunk-end":
        return this.#text(bytes, at, LINE_END, () => {
          this.#framing = "chunk-size";
        });
      case "trailer":
        return this.#text(bytes, at, LINE_END, (line) => {
          if (line === "") this.#end();
        });
      case "counted":
      case "chunk": {
        const to = Math.min(bytes.length, at + this.#left);
        this.#left -= to - at;
        this.#listener?.data(bytes.subarray(at, to));
        if (this.#left > 0) return to;
        if (this.#framing === "chunk") this.#framing = "chunk-end";
        else this.#end();
        return to;
      }
      case "until-close":
        this.#listener?.data(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
    }
  }

  /** Text up to `end`, once all of it has come. */
  #text(bytes: Buffer, at: number, end: string, take: (text: string) => void): number {
    const before = this.#partial.length;
    const all = before === 0 ? bytes : Buffer.concat([this.#partial, bytes.subarray(at)]);
    const from = before === 0 ? at : 0;
    const stop = all.indexOf(end, from, "latin1");
    if (stop < 0) {
      this.#partial = Buffer.from(all.subarray(from));
      if (this.#partial.length > TEXT_BYTES_MAX) throw new AnswerError(`no end of a head in ${TEXT_BYTES_MAX} bytes`);
      return bytes.length;
    }
    this.#partial = NOTHING;
    take(all.toString("latin1", from, stop));
    return at + (stop + end.length - from) - before;
  }

  #begin(head: string): void {
    const status = Number(head.slice(STATUS_AT, STATUS_AT + 3));
    if (!head.startsWith("HTTP/1.1 ") || this.#listener === undefined) throw new AnswerError(`unexpected: ${head.slice(0, 80)}`);
    // 100 Continue and its like come before the answer.
    if (status < 200) return;
    this.#closes = CLOSE.test(head);
    this.#frame(status, head);
    this.#listener.began(status, head);
    if (this.#framing === "counted" && this.#left === 0) this.#end();
  }

  #frame(status: number, head: string): void {
    this.#left = 0;
    this.#framing = "counted";
    if (status === 204 || status === 304) return;
    const length = CONTENT_LENGTH.exec(head)?.[1];
    if (CHUNKED.test(head)) this.#framing = "chunk-size";
    else if (length !== undefined) this.#left = Number(length);
    else {
      this.#framing = "until-close";
      this.#closes = true;
    }
  }

  #beginChunk(line: string): void {
    this.#left = Number.parseInt(line, 16);
    if (Number.isNaN(this.#left)) throw new AnswerError(`unexpected size of a chunk: ${line.slice(0, 80)}`);
    this.#framing = this.#left === 0 ? "trailer" : "chunk";
  }

  #end(): void {
    const listener = this.#listener;
    this.#framing = "head";
    this.#listener = undefined;
    listener?.ended();
  }
}
