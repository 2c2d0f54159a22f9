import { ApiClient, type Request as Sent } from "../../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../../bench/driver/kubeconfig.ts";

/** JSON as tests read it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Json = any;

export interface Request extends Omit<Sent, "body"> {
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** The REST API of a cluster, as the administrator of a kubeconfig file, with bodies in JSON. */
export class Api {
  readonly #client: ApiClient;

  constructor(kubeconfig: string) {
    this.#client = new ApiClient(readKubeconfig(kubeconfig), 4);
  }

  async call({ body, ...request }: Request): Promise<Answer> {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const answer = await this.#client.send({ ...request, ...(text === undefined ? {} : { body: text }) }, true);
    return { status: answer.status, body: answer.body === "" ? "" : JSON.parse(answer.body) };
  }

  async items(path: string): Promise<readonly Json[]> {
    return (await this.call({ method: "GET", path })).body.items ?? [];
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
