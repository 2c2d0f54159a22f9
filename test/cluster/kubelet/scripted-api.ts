import { serviceUnavailable } from "../../../actors/kinds/errors.ts";
import type { KubeObject } from "../../../actors/mod.ts";
import type { ApiClient, Method, WatchedEvent } from "../../../cluster/kubelet/api-client.ts";

/** What is asked of an API that answers as a test says. Each call and each watch waits for its answer. */
export class ScriptedApi implements Pick<ApiClient, "call" | "watch"> {
  readonly asked: string[] = [];
  readonly bodies: unknown[] = [];
  readonly #answers: ((method: Method, path: string, body: unknown) => unknown)[] = [];
  readonly #watches: AsyncIterable<WatchedEvent>[] = [];
  /** Answers to what nothing else was said of; default: nobody answers. */
  otherwise: (path: string) => unknown = () => serviceUnavailable("away");

  /** The next call is answered with this; an Error is thrown. */
  answer(...values: readonly unknown[]): this {
    for (const value of values) this.#answers.push(() => value);
    return this;
  }

  /** The next watch says this, and then ends. */
  tell(...events: readonly WatchedEvent[]): this {
    this.#watches.push(
      (async function* () {
        yield* events;
      })(),
    );
    return this;
  }

  async call<T = KubeObject>(method: Method, path: string, body?: object): Promise<T> {
    this.asked.push(`${method} ${path}`);
    this.bodies.push(body);
    const answer = this.#answers.length > 0 ? this.#answers.shift()?.(method, path, body) : this.otherwise(path);
    if (answer instanceof Error) throw answer;
    return structuredClone(answer) as T;
  }

  async *watch(path: string, since: string, signal: AbortSignal): AsyncGenerator<WatchedEvent, void> {
    this.asked.push(`WATCH ${path} ${since}`);
    const next = this.#watches.shift();
    if (next !== undefined) {
      yield* next;
      return;
    }
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }
}

export function object(name: string, revision: number, more: object = {}): KubeObject {
  return { metadata: { name, namespace: "d", uid: `uid-${name}`, creationTimestamp: "", resourceVersion: String(revision) }, ...more };
}

export function list(revision: number, ...items: readonly KubeObject[]): object {
  return { metadata: { resourceVersion: String(revision) }, items };
}
