/**
 * What probes and hooks ask of a container: a command, an HTTP request, a connection, gRPC's health. Source: kubelet's prober and lifecycle handlers,
 * pkg/probe (Kubernetes 1.34).
 */
import type { Container, HTTPGetAction, LifecycleHandler, Probe } from "../../kinds/generated/types.ts";
import type { ContainerRuntime } from "../../node/container-runtime.ts";
import type { HttpAnswer, Reach } from "../../node/reach.ts";

export type ProbeResult = "success" | "warning" | "failure";

export interface ProbeOutcome {
  readonly result: ProbeResult;
  /** What to tell of it. */
  readonly output: string;
}

/** A run of a container, and how it is reached. */
export interface Target {
  readonly container: Container;
  readonly id: string;
  readonly address: string;
}

const OUTPUT_BYTES_MAX = 10_240;
const REDIRECTS_MAX = 10;
const MS_PER_S = 1_000;
const VERSION = "1.34";

export class Handlers {
  readonly #runtime: ContainerRuntime;
  readonly #reach: Reach;

  constructor(runtime: ContainerRuntime, reach: Reach) {
    this.#runtime = runtime;
    this.#reach = reach;
  }

  /** Throws when nothing can be said: the container is gone, or the probe is none. */
  async probe(probe: Probe, target: Target): Promise<ProbeOutcome> {
    const timeout_ms = (probe.timeoutSeconds ?? 1) * MS_PER_S;
    if (probe.exec !== undefined) return this.#exec(probe.exec.command ?? [], target.id, timeout_ms);
    try {
      if (probe.httpGet !== undefined) return await this.#http(probe.httpGet, target, "probe", timeout_ms);
      if (probe.tcpSocket !== undefined) {
        const { host = target.address, port } = probe.tcpSocket;
        await this.#reach.tcp(host, portOf(port, target.container), timeout_ms);
        return { result: "success", output: "" };
      }
      if (probe.grpc !== undefined) {
        const status = await this.#reach.grpcHealth(target.address, probe.grpc.port, probe.grpc.service ?? "", timeout_ms);
        if (status === "SERVING") return { result: "success", output: "service healthy" };
        return { result: "failure", output: `service unhealthy (responded with ${JSON.stringify(status)})` };
      }
    } catch (error) {
      return { result: "failure", output: (error as Error).message };
    }
    throw new Error("missing probe handler");
  }

  /** Throws an Error that says what failed. `sleep` resolves after so many milliseconds, or when the signal is aborted. */
  async hook(handler: LifecycleHandler, target: Target, sleep: (ms: number) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { exec, httpGet, sleep: pause } = handler;
    if (exec !== undefined) {
      const { exitCode, output } = await this.#runtime.exec(target.id, exec.command ?? [], {
        timeout_ms: undefined,
        output_bytes: OUTPUT_BYTES_MAX,
        signal,
      });
      if (exitCode !== 0) throw new Error(`command exited with ${exitCode}: ${output}`);
    } else if (httpGet !== undefined) {
      const { url, headers } = requestOf(httpGet, target, "lifecycle");
      await this.#reach.http({ url, headers, timeout_ms: 30 * MS_PER_S });
    } else if (pause !== undefined) await sleep(pause.seconds * MS_PER_S);
    else throw new Error("invalid handler");
  }

  async #exec(command: readonly string[], id: string, timeout_ms: number): Promise<ProbeOutcome> {
    const { exitCode, output, timedOut } = await this.#runtime.exec(id, command, { timeout_ms, output_bytes: OUTPUT_BYTES_MAX });
    if (timedOut) {
      const told = `command timed out: ${JSON.stringify(command.join(" "))} timed out after ${timeout_ms / MS_PER_S}s`;
      return { result: "failure", output: told };
    }
    return { result: exitCode === 0 ? "success" : "failure", output };
  }

  async #http(action: HTTPGetAction, target: Target, purpose: string, timeout_ms: number): Promise<ProbeOutcome> {
    const { url: first, headers } = requestOf(action, target, purpose);
    let url = first;
    let answer: HttpAnswer = await this.#reach.http({ url, headers, timeout_ms });
    for (let redirects = 1; answer.location !== undefined && answer.status >= 300 && answer.status < 400; redirects++) {
      const next = new URL(answer.location, url);
      if (next.hostname !== first.hostname)
        return { result: "warning", output: `Probe terminated redirects, Response body: ${answer.body}` };
      if (redirects > REDIRECTS_MAX) return { result: "failure", output: `Get "${next}": stopped after 10 redirects` };
      url = next;
      answer = await this.#reach.http({ url, headers, timeout_ms });
    }
    if (answer.status >= 200 && answer.status < 400) return { result: "success", output: answer.body };
    return { result: "failure", output: `HTTP probe failed with statuscode: ${answer.status}` };
  }
}

function requestOf(
  { scheme = "HTTP", host = "", port, path = "", httpHeaders = [] }: HTTPGetAction,
  { container, address }: Target,
  purpose: string,
): { readonly url: URL; readonly headers: Record<string, string> } {
  const name = host === "" ? address : host;
  const base = `${scheme.toLowerCase()}://${name.includes(":") ? `[${name}]` : name}:${portOf(port, container)}`;
  const headers: Record<string, string> = { "User-Agent": `kube-${purpose}/${VERSION}`, Accept: "*/*" };
  for (const { name: header, value } of httpHeaders) {
    const known = Object.keys(headers).find((each) => each.toLowerCase() === header.toLowerCase());
    if (known !== undefined) delete headers[known];
    if (header.toLowerCase() !== "accept" || value !== "") headers[header] = value;
  }
  return { url: new URL(path.startsWith("/") || path === "" ? path : `/${path}`, base), headers };
}

/** A number, or the name of one of the container's ports. Throws. */
function portOf(port: number | string, { ports = [] }: Container): number {
  if (typeof port === "number") return port;
  const named = /^\d+$/.test(port) ? Number(port) : ports.find(({ name }) => name === port)?.containerPort;
  if (named === undefined) throw new Error(`couldn't find port: ${port} in the container`);
  return named;
}
