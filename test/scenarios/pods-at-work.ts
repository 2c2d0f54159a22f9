import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import type { Pod } from "../../actors/kinds/generated/types.ts";
import { until } from "../../cluster/chaos/until.ts";
import type { Following } from "./client-program.ts";
import type { Kubectl } from "./kubectl.ts";

export const NAMESPACE = "/api/v1/namespaces/default";

/** A container that runs a script of sh. */
export function sh(script: string, rest: object = {}): object {
  return { name: "c", image: "any", command: ["sh", "-c", script], ...rest };
}

/** A pod that nobody starts again, and that goes at once. */
export function pod(name: string, containers: readonly object[], rest: object = {}, labels: Readonly<Record<string, string>> = {}): object {
  const spec = { restartPolicy: "Never", terminationGracePeriodSeconds: 1, ...rest, containers };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec };
}

/** Pods of the namespace `default` that are made, looked at and asked what they have printed: by one `kubectl proxy`, since a kubectl for each question takes longer than the pods. */
export class PodsAtWork {
  readonly kubectl: Kubectl;
  readonly #socket: string;
  readonly #proxy: Following;

  private constructor(kubectl: Kubectl, socket: string, proxy: Following) {
    this.kubectl = kubectl;
    this.#socket = socket;
    this.#proxy = proxy;
  }

  /** `socket`: where kubectl is to listen. */
  static async begin(kubectl: Kubectl, socket: string): Promise<PodsAtWork> {
    const proxy = kubectl.follow(["proxy", `--unix-socket=${socket}`]);
    await proxy.line(/^Starting to serve on/);
    return new PodsAtWork(kubectl, socket, proxy);
  }

  end(): Promise<void> {
    return this.#proxy.stop();
  }

  async ask(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ socketPath: this.#socket, path }, resolve).on("error", reject);
    });
    return { status: answer.statusCode ?? 0, text: await text(answer) };
  }

  /** What is not there has nothing. */
  async object<T extends object>(path: string): Promise<Partial<T>> {
    const { status, text: body } = await this.ask(path);
    return status === 200 ? (JSON.parse(body) as T) : {};
  }

  pod(name: string): Promise<Partial<Pod>> {
    return this.object<Pod>(`${NAMESPACE}/pods/${name}`);
  }

  create(...objects: readonly object[]): Promise<string> {
    return this.kubectl.ok(["create", "-f", "-"], { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }) });
  }

  patch(what: string, change: object, ...flags: readonly string[]): Promise<string> {
    return this.kubectl.ok(["patch", what, "--type=merge", "-p", JSON.stringify(change), ...flags]);
  }

  remove(...names: readonly string[]): Promise<string> {
    return this.kubectl.ok(["delete", "pod", "--wait=false", ...names]);
  }

  /** Its address, when it is ready. */
  ready(name: string): Promise<string> {
    return until(`${name} ready`, async () => {
      const { status } = await this.pod(name);
      return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true ? status.podIP : undefined;
    });
  }

  /** Empty: nothing, or it does not run yet. */
  async printed(name: string): Promise<string> {
    const { status, text: log } = await this.ask(`${NAMESPACE}/pods/${name}/log`);
    return status === 200 ? log.trimEnd() : "";
  }

  /** All that it has printed when it is through, well. */
  async output(name: string): Promise<string> {
    const phase = await until(`the end of ${name}`, async () => {
      const now = (await this.pod(name)).status?.phase;
      return now === "Succeeded" || now === "Failed" ? now : undefined;
    });
    const log = await this.printed(name);
    expect(phase, `${name} printed:\n${log}`).toBe("Succeeded");
    return log;
  }

  /** Resolves when it has printed all of these lines. */
  prints(name: string, ...lines: readonly string[]): Promise<unknown> {
    return until(`${lines.join(", ")} of ${name}`, async () => {
      const seen = new Set((await this.printed(name)).split("\n"));
      return lines.every((line) => seen.has(line));
    });
  }
}
