import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, type Dispatcher, request } from "undici";
import { parse } from "yaml";
import { isRunning } from "../boot/data-directory.ts";
import { BootFailure } from "../boot/failure.ts";
import { typed } from "../command-line/typed.ts";
import type { ActorsPage } from "../gateway/actors-page.ts";

/** A cluster that does not answer within this is taken for stuck. */
const ANSWER_MS = 10_000;

const BASE64_FIELDS = ["certificate-authority-data", "client-certificate-data", "client-key-data"] as const;

/** The door of the cluster that runs on a data directory, opened with the administrator's certificate that lies there. */
export class ClusterDoor {
  readonly #data: string;
  /** The file that it is opened with. */
  readonly kubeconfig: string;
  readonly #server: string;
  readonly #agent: Agent;

  private constructor(data: string, kubeconfig: string, server: string, agent: Agent) {
    this.#data = data;
    this.kubeconfig = kubeconfig;
    this.#server = server;
    this.#agent = agent;
  }

  /** Throws BootFailure when no cluster runs there. */
  static open(data: string): ClusterDoor {
    const nobody = new BootFailure(
      `no Troupe runs on the data directory ${data}; start one (${typed("up")}) or name another with --data DIR`,
    );
    const status = read(join(data, "status.json"));
    if (status === undefined) throw nobody;
    const { pid, kubeconfig } = JSON.parse(status) as { pid?: unknown; kubeconfig?: unknown };
    if (typeof pid !== "number" || typeof kubeconfig !== "string" || !isRunning({ pid, started: undefined })) throw nobody;
    const text = read(kubeconfig);
    const access = text === undefined ? undefined : accessOf(text);
    if (access === undefined) {
      throw new BootFailure(
        `cannot read the kubeconfig ${kubeconfig}, with which Troupe lets in its administrator; start Troupe anew to have it written`,
      );
    }
    const { server, ca, cert, key } = access;
    const connect = { ca, cert, key };
    return new ClusterDoor(data, kubeconfig, server, new Agent({ connect, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS }));
  }

  /** What all hosts say of their actors. Throws BootFailure when the cluster does not answer, or not that. */
  async actors(kind: string | undefined, limit: number): Promise<ActorsPage> {
    const query = new URLSearchParams({ limit: String(limit), ...(kind === undefined ? {} : { kind }) });
    const answer = await request(`${this.#server}/troupe/actors?${query}`, { dispatcher: this.#agent }).catch((error: Error) => {
      throw new BootFailure(`the Troupe on the data directory ${this.#data} does not answer at ${this.#server}: ${error.message}`);
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) {
      throw new BootFailure(
        `${this.#server}/troupe/actors answered ${answer.statusCode}: ${text.slice(0, 200).trim()}; is it of another version?`,
      );
    }
    return JSON.parse(text) as ActorsPage;
  }

  /** What the API has under a path, parsed. Throws BootFailure when the cluster does not answer, or refuses. */
  get(path: string): Promise<unknown> {
    return this.#ask("GET", path);
  }

  /** What the API makes of a body that is posted to a path. Throws BootFailure. */
  post(path: string, body: unknown): Promise<unknown> {
    return this.#ask("POST", path, JSON.stringify(body));
  }

  /** What stands under a path, as it comes. Throws BootFailure. */
  async text(path: string): Promise<string> {
    return (await this.#answer("GET", path, {})).text();
  }

  /** A list as kubectl's table of it, without the objects. Throws BootFailure. */
  async table(path: string): Promise<ObjectTable> {
    const asked = `${path}${path.includes("?") ? "&" : "?"}includeObject=None`;
    return (await (await this.#answer("GET", asked, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" })).json()) as ObjectTable;
  }

  async #ask(method: "GET" | "POST", path: string, body?: string): Promise<unknown> {
    return (await this.#answer(method, path, body === undefined ? {} : { "content-type": "application/json" }, body)).json();
  }

  async #answer(
    method: "GET" | "POST",
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Dispatcher.ResponseData["body"]> {
    const answer = await request(`${this.#server}${path}`, {
      dispatcher: this.#agent,
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    }).catch((error: Error) => {
      throw new BootFailure(`the Troupe on the data directory ${this.#data} does not answer at ${this.#server}: ${error.message}`);
    });
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer.body;
    const text = await answer.body.text();
    const { message } = JSON.parse(text) as { message?: string };
    throw new BootFailure(message ?? `${path} answered ${answer.statusCode}`);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Of a kubeconfig as Troupe writes it; undefined for any other. */
function accessOf(text: string): { server: string; ca: string; cert: string; key: string } | undefined {
  const config = parse(text) as { clusters?: { cluster?: Fields }[]; users?: { user?: Fields }[] };
  const fields: Fields = { ...config.clusters?.[0]?.cluster, ...config.users?.[0]?.user };
  const [ca, cert, key] = BASE64_FIELDS.map((name) => fields[name]).map((data) => data && Buffer.from(data, "base64").toString());
  const { server } = fields;
  return server && ca && cert && key ? { server, ca, cert, key } : undefined;
}

/** What is read of meta/v1's Table. */
interface ObjectTable {
  readonly metadata: { readonly resourceVersion: string };
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

type Fields = Readonly<Record<string, string | undefined>>;
