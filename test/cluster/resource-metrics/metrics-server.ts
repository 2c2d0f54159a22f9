import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Authority } from "../gateway/certificates.ts";

/** A server of metrics behind an APIService: what it answers by the path, and who asked what. */
export class MetricsServer {
  readonly asked: { readonly user: string; readonly path: string }[] = [];
  /** By the path with its query; what is not here is 404. */
  readonly answers: Map<string, object> = new Map();
  readonly #server: Server;

  private constructor(key: string, cert: string, trusted: string | undefined) {
    this.#server = createServer(
      { key, cert, ...(trusted === undefined ? {} : { ca: trusted, requestCert: true }) },
      (request, response) => {
        const path = decodeURIComponent(request.url ?? "");
        this.asked.push({ user: String(request.headers["x-remote-user"] ?? ""), path });
        const answer = this.answers.get(path);
        const body = answer ?? { kind: "Status", status: "Failure", code: 404, message: `there is nothing at ${path}` };
        response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" }).end(JSON.stringify(body));
      },
    );
  }

  /** `trusted`: the authority of who may speak for others; whoever likes to without it. */
  static async start(authority: Authority, host: string, trusted?: string): Promise<MetricsServer> {
    const { key, cert } = await authority.server(host);
    const server = new MetricsServer(key, cert, trusted);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers that this group and version are served. */
  serves(group: string, version: string): void {
    const list = { kind: "APIResourceList", apiVersion: "v1", groupVersion: `${group}/${version}`, resources: [] };
    this.answers.set(`/apis/${group}/${version}`, list);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
