import { request as httpsRequest } from "node:https";
import { nodeServerName } from "../../actors/controllers/certificates/certificates.ts";
import type { MachineVolumes, VolumeMade } from "../../actors/controllers/volumes/volume-directories.ts";
import { serviceUnavailable } from "../../actors/kinds/errors.ts";
import type { Node } from "../../actors/kinds/generated/types.ts";
import type { Destination } from "../../actors/node/http-relay.ts";
import { MACHINE_LABEL } from "../../actors/node/runtime.ts";
import type { MachineUsage } from "../../actors/node/usage/usage.ts";
import type { ObjectView } from "../../actors/store/view.ts";
import { type StatsSummary, usageIn } from "../kubelet/stats-summary.ts";
import { OwnAddress, type OwnAddresses } from "./own-address.ts";

const ANSWER_MS = 30_000;
/** What 250 pods use is some hundred kilobytes. */
const SUMMARY_BYTES_MAX: number = 8 * 1024 * 1024;
const ANSWER_BYTES_MAX: number = 64 * 1024;
const OK = 200;

export interface KubeletsOptions {
  readonly view: Pick<ObjectView, "get">;
  readonly own: OwnAddresses;
  /** By what the API server shows who it is, and the authority by which it knows who answers; PEM. */
  readonly credentials: () => { readonly key: string; readonly cert: string; readonly ca: string };
}

/** The doors of machines that have joined, as the API server knocks at them. */
export class Kubelets implements MachineVolumes {
  readonly #options: KubeletsOptions;

  constructor(options: KubeletsOptions) {
    this.#options = options;
  }

  /**
   * Undefined: the node is no machine that has joined. Where it is the node says itself, and may say anything: so whoever is there has to have the certificate of that node,
   * for the name that no host has, before it hears a word. Throws 503 where it cannot be called.
   */
  doorOf(name: string): Destination | undefined {
    const { view, own, credentials } = this.#options;
    const node = view.get<Node>(`nodes/${name}`);
    if (node?.metadata.labels?.[MACHINE_LABEL] === undefined) return undefined;
    const host = node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "";
    const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
    if (host === "" || port === 0) throw serviceUnavailable(`the node ${name} has not said yet where it is reached`);
    try {
      own.check(host, port);
    } catch (error) {
      throw error instanceof OwnAddress ? serviceUnavailable(`the node ${name} says that it is where the cluster is itself`) : error;
    }
    return { scheme: "https", host, port, tls: { ...credentials(), servername: nodeServerName(name) } };
  }

  /** What a machine that has joined says that it uses; undefined: it does not answer, or is none. */
  async usage(name: string): Promise<MachineUsage | undefined> {
    try {
      const door = this.doorOf(name);
      if (door === undefined) return undefined;
      const { code, body } = await fetchFrom(door, "/stats/summary", SUMMARY_BYTES_MAX);
      return code === 200 && body !== undefined ? usageIn(JSON.parse(body.toString()) as StatsSummary) : undefined;
    } catch {
      return undefined;
    }
  }

  async makeVolume(node: string, volume: string): Promise<string> {
    return (await this.#tell(node, "POST", `/volumes/${volume}`)).path;
  }

  async removeVolume(node: string, volume: string): Promise<void> {
    await this.#tell(node, "DELETE", `/volumes/${volume}`);
  }

  async #tell(node: string, method: string, path: string): Promise<VolumeMade> {
    const door = this.doorOf(node);
    if (door === undefined) throw new Error(`node ${JSON.stringify(node)} is no machine that has joined`);
    const { code, body } = await fetchFrom(door, path, ANSWER_BYTES_MAX, method).catch((error: Error) => {
      throw new Error(`node ${JSON.stringify(node)} does not answer: ${error.message}`);
    });
    const text = body?.toString() ?? "";
    if (code !== OK) throw new Error(`node ${JSON.stringify(node)}: ${text.trim()}`);
    return JSON.parse(text) as VolumeMade;
  }
}

interface Fetched {
  readonly code: number;
  /** Undefined: it is longer than was to be read. */
  readonly body: Buffer | undefined;
}

/** What a machine that has joined says to a request without a body. Rejects where it does not answer. */
export function fetchFrom({ host, port, tls }: Destination, path: string, bytes_max: number, method = "GET"): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host, port, path, method, ...tls, agent: false, timeout: ANSWER_MS }, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        parts.push(part);
        bytes += part.length;
        if (bytes <= bytes_max) return;
        resolve({ code: response.statusCode ?? 0, body: undefined });
        request.destroy();
      });
      response.once("end", () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(parts) }));
      response.once("error", reject);
    });
    request.once("timeout", () => request.destroy(new Error("i/o timeout")));
    request.once("error", reject);
    request.end();
  });
}
