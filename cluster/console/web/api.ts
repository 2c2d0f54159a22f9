import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";

const UNAUTHORIZED = 401;

/** What of a Kubernetes object every view may count on. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface KubeList<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly T[];
}

/** A Kubernetes Status. */
export interface Status {
  readonly status?: "Failure" | "Success";
  readonly code: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string; readonly reason?: string }[] };
}

/** The API refused. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? `the API answered ${status.code}`);
    this.status = status;
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  readonly accept?: string;
  readonly contentType?: string;
}

/** What access is asked about; see SelfSubjectAccessReview. */
export interface Deed {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** The API, as the signed-in user. Rejects with ApiError, with Unreachable, or with the signal's AbortError. */
export class Api {
  readonly #session: Session;
  readonly #connection: Connection;
  readonly #allowed = new Map<string, Promise<boolean>>();

  constructor(session: Session, connection: Connection) {
    this.#session = session;
    this.#connection = connection;
    session.addEventListener("change", () => this.#allowed.clear());
  }

  /** What is at a path, as JSON. */
  async get<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return (await this.#ask("GET", path, undefined, { accept: "application/json", ...options })).json() as Promise<T>;
  }

  /** What is at a path, as text. */
  async text(path: string, options: RequestOptions = {}): Promise<string> {
    return (await this.#ask("GET", path, undefined, options)).text();
  }

  /** What the API makes of a body: an object, which goes as JSON, or text of the content type that the options name. */
  async send<T>(
    method: "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object | string,
    options: RequestOptions = {},
  ): Promise<T> {
    const answer = (await (await this.#ask(method, path, body, { accept: "application/json", ...options })).json()) as T & Partial<Status>;
    // Some refusals come as what was asked for.
    if (answer.status === "Failure" && answer.code !== undefined) throw new ApiError({ ...answer, code: answer.code });
    return answer;
  }

  /** The lines that a path goes on sending, until it ends or the signal does. */
  async *lines(path: string, options: RequestOptions = {}): AsyncGenerator<string> {
    const { body } = await this.#ask("GET", path, undefined, options);
    if (body === null) return;
    let rest = "";
    try {
      for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw this.#unreachable(error);
    }
    if (rest !== "") yield rest;
  }

  /** Whether the user may do that. Asked once a session; a refusal of the review itself counts as no. */
  may(deed: Deed): Promise<boolean> {
    const key = JSON.stringify(deed);
    let answer = this.#allowed.get(key);
    if (answer === undefined) {
      answer = this.#review(deed);
      this.#allowed.set(key, answer);
      answer.catch(() => this.#allowed.delete(key));
    }
    return answer;
  }

  /** A WebSocket as this user. Browsers send no headers with one, so the token goes among the protocols, as Kubernetes has it. */
  socket(path: string, protocols: readonly string[]): WebSocket {
    const token = btoa(this.#session.token ?? "")
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
    return new WebSocket(new URL(path, location.href.replace(/^http/, "ws")), [
      ...protocols,
      `base64url.bearer.authorization.k8s.io.${token}`,
    ]);
  }

  async #review({ verb, group = "", ...rest }: Deed): Promise<boolean> {
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb, group, ...rest } },
    };
    try {
      const { status } = await this.send<{ status: { allowed: boolean } }>(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        review,
      );
      return status.allowed;
    } catch (error) {
      if (error instanceof ApiError) return false;
      throw error;
    }
  }

  async #ask(method: string, path: string, body: object | string | undefined, options: RequestOptions): Promise<Response> {
    const { token } = this.#session;
    const headers = new Headers();
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    if (options.accept !== undefined) headers.set("accept", options.accept);
    if (body !== undefined) headers.set("content-type", options.contentType ?? "application/json");
    const request: RequestInit = { method, headers, cache: "no-store" };
    if (body !== undefined) request.body = typeof body === "string" ? body : JSON.stringify(body);
    if (options.signal !== undefined) request.signal = options.signal;
    let answer: Response;
    try {
      answer = await fetch(unindented(path), request);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw this.#unreachable(error);
    }
    if (answer.ok) return answer;
    const status = await statusOf(answer);
    // Not for another token that was sent meanwhile.
    if (answer.status === UNAUTHORIZED && token === this.#session.token)
      this.#session.end("Your session has ended. Sign in again to go on where you were.");
    throw new ApiError(status);
  }

  #unreachable(cause: unknown): Unreachable {
    this.#connection.lost();
    return new Unreachable("The server cannot be reached.", { cause });
  }
}

/** For browsers, the API indents what it answers as for people who read it; this is read by a program. */
function unindented(path: string): string {
  return /^\/apis?\//.test(path) ? `${path}${path.includes("?") ? "&" : "?"}pretty=0` : path;
}

async function statusOf(answer: Response): Promise<Status> {
  const text = await answer.text().catch(() => "");
  try {
    return { ...(JSON.parse(text) as Status), code: answer.status };
  } catch {
    return { code: answer.status, message: text.trim() || answer.statusText };
  }
}
