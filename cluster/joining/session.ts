import { Agent, request } from "undici";
import { BootFailure } from "../boot/failure.ts";
import type { ApiAccess } from "../outbound/kubeconfig.ts";

/** An API server that does not answer within this is taken for stuck. */
const ANSWER_MS = 10_000;

/** The API said no. */
export class ApiRefusal extends BootFailure {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Nobody answered. */
export class ApiSilence extends BootFailure {}

/** How much of an access it takes. */
export type SessionAccess = Pick<ApiAccess, "origin" | "authority" | "insecure" | "clientCertificate" | "clientKey" | "token">;

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Whom commands are to the API server: a few calls, one after another. */
export class Session {
  readonly #access: SessionAccess;
  readonly #agent: Agent;

  constructor(access: SessionAccess) {
    this.#access = access;
    const { authority, insecure, clientCertificate, clientKey } = access;
    const connect = {
      rejectUnauthorized: !insecure,
      ...(authority === undefined ? {} : { ca: authority }),
      ...(clientCertificate === undefined || clientKey === undefined ? {} : { cert: clientCertificate, key: clientKey }),
    };
    this.#agent = new Agent({ connect, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
  }

  get server(): string {
    return this.#access.origin;
  }

  /** What the API answers, parsed. Throws ApiRefusal, and BootFailure where nobody answers. */
  call<T = unknown>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<T> {
    return this.#ask<T>(method, path, body, "application/json");
  }

  async #ask<T>(method: Method, path: string, body: object | undefined, type: string): Promise<T> {
    const { origin, token } = this.#access;
    const answer = await request(`${origin}${path}`, {
      dispatcher: this.#agent,
      method,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": type }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: Error & { code?: string }) => {
      throw new ApiSilence(`the API server at ${origin} does not answer (${error.code ?? error.message})`);
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 200 && answer.statusCode < 300) return JSON.parse(text) as T;
    throw new ApiRefusal(answer.statusCode, `${method} ${path} was answered ${answer.statusCode}: ${messageIn(text)}`);
  }

  /** Makes an object as it is said to be, whether it is there or not, and takes its fields over (server-side apply). Throws as `call` does. */
  apply<T = unknown>(path: string, object: object, fieldManager: string): Promise<T> {
    return this.#ask<T>("PATCH", `${path}?fieldManager=${fieldManager}&force=true`, object, "application/apply-patch+yaml");
  }

  /** As a GET, for what may not be there: undefined then. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.call<T>("GET", path);
    } catch (error) {
      if (error instanceof ApiRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Runs something with a session, which ends with it. */
export async function withSession<T>(access: SessionAccess, run: (session: Session) => Promise<T>): Promise<T> {
  const session = new Session(access);
  try {
    return await run(session);
  } finally {
    await session.close();
  }
}

function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // No Status.
  }
  return text.slice(0, 200).trim();
}
