import type { IncomingHttpHeaders } from "node:http";
import { Worker } from "node:worker_threads";
import type { Answer, Headers } from "../gateway/answer.ts";
import { PAGE_NOT_FOUND } from "../gateway/answer.ts";

/** A file as browsers get it. */
export interface SiteFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Uint8Array;
  /** The same by Brotli, where that makes it smaller. */
  readonly brotli?: Uint8Array;
}

/** By path below `/console/`. */
export type SiteFiles = ReadonlyMap<string, SiteFile>;

/** What the console begins with. */
export interface FirstContent {
  /** The page of every view. */
  readonly page: SiteFile;
  /** The inline script of the page that its policy is to allow, as CSP names it. */
  readonly allowedScript: string;
  readonly files: SiteFiles;
}

/** What it consists of. */
interface SiteContent extends FirstContent {
  /** What no view needs at first. */
  readonly rest: Promise<SiteFiles>;
}

/** Below these, a path is a file or nothing; everything else is an address of a view. */
const FILES = /^(web|lib)\//;

/**
 * The console's files, for everybody: they hold nothing of the cluster. They are made when first asked for, on a thread of their own, and kept. Answers only
 * what it has made, by its name: no path of a client's leads into the file system.
 */
export class Site {
  #content: Promise<SiteContent> | undefined;

  /** `path`: what follows `/console/`. */
  async answer(path: string, headers: Pick<IncomingHttpHeaders, "if-none-match" | "accept-encoding">): Promise<Answer> {
    const content = await this.#made();
    const file = FILES.test(path) ? (content.files.get(path) ?? (await content.rest).get(path)) : content.page;
    if (file === undefined) return PAGE_NOT_FOUND;
    const own: Headers = { ...policies(content), ETag: file.etag, "Cache-Control": "no-cache", Vary: "Accept-Encoding" };
    if (headers["if-none-match"] === file.etag) return { type: "unchanged", headers: own };
    const isBrotli = file.brotli !== undefined && /\bbr\b/.test(headers["accept-encoding"]?.toString() ?? "");
    const body = isBrotli ? file.brotli : file.plain;
    return {
      type: "bytes",
      code: 200,
      bytes: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      contentType: file.type,
      headers: isBrotli ? { ...own, "Content-Encoding": "br" } : own,
    };
  }

  /** Of all files, below `/console/`. */
  async paths(): Promise<readonly string[]> {
    const { files, rest } = await this.#made();
    return [...files.keys(), ...(await rest).keys()];
  }

  #made(): Promise<SiteContent> {
    if (this.#content === undefined) {
      this.#content = makeContent();
      // After a failure the next one tries again.
      this.#content
        .then(({ rest }) => rest)
        .catch(() => {
          this.#content = undefined;
        });
    }
    return this.#content;
  }
}

/** Nothing from elsewhere, nothing inline, in nobody's frame; markup comes from the one library that makes it, and from no string. */
function policies({ allowedScript }: SiteContent): Headers {
  const policy = [
    "default-src 'none'",
    "connect-src 'self'",
    `script-src 'self' ${allowedScript}`,
    "style-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types lit-html",
  ];
  return {
    "Content-Security-Policy": policy.join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

function makeContent(): Promise<SiteContent> {
  const worker = new Worker(new URL("./site-thread.ts", import.meta.url));
  const first = Promise.withResolvers<SiteContent>();
  const rest = Promise.withResolvers<SiteFiles>();
  worker.on("message", (made: FirstContent | SiteFiles) => {
    if (made instanceof Map) rest.resolve(made);
    else first.resolve({ ...(made as FirstContent), rest: rest.promise });
  });
  // Of what has come already, a failure says nothing any more.
  const fail = (error: Error): void => {
    first.reject(error);
    rest.reject(error);
  };
  worker.once("error", fail);
  worker.once("exit", (code) => fail(new Error(`the thread that makes the console's files ended with ${code}`)));
  return first.promise;
}
