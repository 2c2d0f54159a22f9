import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { VolumeDirectories, VolumeMade } from "../../actors/controllers/volumes/volume-directories.ts";
import { internalError } from "../../actors/kinds/errors.ts";
import { dnsSubdomain } from "../../actors/kinds/names.ts";
import { StatusError } from "../../actors/mod.ts";
import type { NodeMessage } from "../../actors/node/messages.ts";
import type { NodeUsage, PodUsage } from "../../actors/node/usage/usage.ts";
import { addressOf } from "../../runtime/mod.ts";
import { shownBy } from "../access/authentication/certificates.ts";
import type { Answer } from "../gateway/answer.ts";
import type { PodRequest } from "../gateway/connections/pod-container.ts";
import { podLog } from "../gateway/connections/pod-log.ts";
import { portForward } from "../gateway/connections/port-forward.ts";
import { remoteCommand } from "../gateway/connections/remote-command.ts";
import { responseOnUpgrade } from "../gateway/connections/take-connection.ts";
import type { PodsContext } from "../gateway/context.ts";
import { HttpExchange } from "../gateway/exchange.ts";
import { isTrue } from "../gateway/route.ts";
import type { DoorAccess, NodeAttributes } from "./door-access.ts";
import { summaryOf } from "./stats-summary.ts";

const TLS_MIN = "TLSv1.2";
const NOT_FOUND: Answer = { type: "text", code: 404, text: "404 page not found\n" };
const VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

export interface KubeletDoorOptions {
  readonly node: string;
  readonly pods: PodsContext;
  readonly access: Pick<DoorAccess, "mayUse">;
  /** Where volumes are made on demand; undefined: its pods are not real. */
  readonly volumes: VolumeDirectories | undefined;
  /** PEM. Whoever the authority has not signed for gets no further than the handshake. */
  readonly tls: { readonly key: string; readonly cert: string; readonly authority: string };
}

/**
 * The door of a machine that has joined: what a kubelet serves, as far as the API server asks for it. `/containerLogs/<namespace>/<pod>/<container>`, `/exec/…`, `/attach/…`,
 * `/portForward/<namespace>/<pod>`, `/stats/summary` and `/healthz`; and `/volumes/<name>`, of which POST makes the directory and DELETE removes it. Who asks shows a client's certificate of the cluster, and may what the API says that they may on
 * `nodes/proxy` or `nodes/stats` of this node; there is no other way in. Source: kubelet's pkg/kubelet/server.
 */
export class KubeletDoor {
  readonly #options: KubeletDoorOptions;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();

  constructor(options: KubeletDoorOptions) {
    this.#options = options;
    const { key, cert, authority: ca } = options.tls;
    const serve = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response);
    this.#server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true, minVersion: TLS_MIN }, serve);
    this.#server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) =>
      serve(request, responseOnUpgrade(request, socket, head)),
    );
    this.#server.on("secureConnection", (socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    this.#server.on("tlsClientError", (error) =>
      options.pods.log.debug({ error: String(error) }, "a TLS handshake at the node's door failed"),
    );
  }

  /** Port 0 takes a free one. Resolves to the port; rejects with the system's error. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Shows another certificate to whoever connects from now on. */
  renew({ key, cert }: { readonly key: string; readonly cert: string }): void {
    this.#server.setSecureContext({ key, cert, ca: this.#options.tls.authority, minVersion: TLS_MIN });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    print(await this.#answer(request, response).catch((error: unknown) => this.#failure(error)), response);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const { pods, access } = this.#options;
    const identity = shownBy(request, pods.clock.now_ms());
    if (identity === undefined || identity === "refused") return { type: "text", code: 401, text: "Unauthorized" };
    const { pathname, searchParams: query } = new URL(request.url ?? "/", "https://node");
    const [, what = "", ...parts] = pathname.split("/");
    const attributes: NodeAttributes = { verb: VERBS[request.method ?? ""] ?? "", subresource: what === "stats" ? "stats" : "proxy" };
    if (!(await access.mayUse(identity, attributes))) {
      const { verb, subresource } = attributes;
      return {
        type: "text",
        code: 403,
        text: `Forbidden (user=${identity.user}, verb=${verb}, resource=nodes, subresource=[${subresource}])`,
      };
    }
    const asked = { namespace: parts[0] ?? "", name: parts[1] ?? "", query };
    switch (`${what} ${parts.length}`) {
      case "healthz 0":
        return { type: "text", code: 200, text: "ok" };
      case "stats 1":
        return parts[0] === "summary" ? this.#summary() : NOT_FOUND;
      case "containerLogs 3":
        query.set("container", parts[2] ?? "");
        return podLog(pods, { ...asked, subresource: "log" }, new HttpExchange(request, response, () => identity));
      case "exec 3":
      case "attach 3":
        return remoteCommand(pods, { ...asked, subresource: what, query: streamsOf(query, parts[2] ?? "") }, request, response);
      case "portForward 2": {
        const ports = new URLSearchParams(query.getAll("port").map((port): [string, string] => ["ports", port]));
        return portForward(pods, { ...asked, subresource: "portforward", query: ports }, request, response);
      }
      case "volumes 1":
        return this.#volume(request.method, parts[0] ?? "");
      default:
        return NOT_FOUND;
    }
  }

  async #volume(method: string | undefined, name: string): Promise<Answer> {
    const { volumes } = this.#options;
    if (volumes === undefined || dnsSubdomain(name).length > 0) return NOT_FOUND;
    const path = volumes.pathOf(name);
    try {
      if (method === "POST") await volumes.make(name);
      else if (method === "DELETE") await volumes.remove(name);
      else return NOT_FOUND;
    } catch (error) {
      return { type: "text", code: 500, text: `${(error as Error).message}\n` };
    }
    return { type: "value", code: 200, value: { path } satisfies VolumeMade };
  }

  async #summary(): Promise<Answer> {
    const { node, pods } = this.#options;
    const ask = <T>(message: NodeMessage): Promise<T> => pods.messenger.ask<T>(addressOf("node", node), message);
    const keys = pods.view.list("pods").map(({ key }) => key);
    const [used, ofPods] = await Promise.all([
      ask<NodeUsage>({ type: "usage" }),
      ask<readonly PodUsage[]>({ type: "podUsage", pods: keys }),
    ]);
    return { type: "value", code: 200, value: summaryOf(node, used, ofPods) };
  }

  #failure(error: unknown): Answer {
    if (error instanceof StatusError) return { type: "value", code: error.status.code, value: error.status };
    this.#options.pods.log.warn({ error: String(error) }, "a request at the node's door failed");
    return { type: "value", code: 500, value: internalError("the node failed unexpectedly; its log says more").status };
  }
}

/** The words of kubelets in those of the API. */
function streamsOf(query: URLSearchParams, container: string): PodRequest["query"] {
  const names = { input: "stdin", output: "stdout", error: "stderr", tty: "tty" };
  const flags = Object.entries(names).flatMap(([name, ours]): [string, string][] => (isTrue(query.get(name)) ? [[ours, "true"]] : []));
  return new URLSearchParams([
    ...flags,
    ["container", container],
    ...query.getAll("command").map((word): [string, string] => ["command", word]),
  ]);
}

function print(answer: Answer, response: ServerResponse): void {
  switch (answer.type) {
    case "taken":
      return;
    case "text":
      response.writeHead(answer.code, { "Content-Type": answer.contentType ?? "text/plain", ...answer.headers }).end(answer.text);
      return;
    case "bytes":
      response.writeHead(answer.code, { "Content-Type": answer.contentType }).end(answer.bytes);
      return;
    case "value":
      response.writeHead(answer.code, { "Content-Type": "application/json" }).end(JSON.stringify(answer.value));
      return;
    default:
      throw new Error(`a node's door has no answer of type ${answer.type}`);
  }
}
