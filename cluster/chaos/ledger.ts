import { ApiClient } from "../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../bench/driver/kubeconfig.ts";

const WRITERS = 4;
/** What a client waits at least before it tries again. */
const RETRY_MS = 20;

/** A state that a note may be in: as acknowledged, or as asked for without an answer (then the API alone knows uid and revision). */
interface State {
  readonly value: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
  readonly data: { readonly value: string };
}

/** Random whole numbers below a bound. */
export type Below = (bound: number) => number;

/**
 * Writes config maps (creates, replaces, deletes) and keeps book of what was acknowledged, to hold the API to it later. An answer that never
 * came leaves both states possible. Whatever else but success or "try again later" was answered is a fault.
 */
export class Ledger {
  readonly faults: string[] = [];
  /** Writes that were acknowledged, and that were put off with Retry-After. */
  acknowledged = 0;
  putOff = 0;
  readonly #below: Below;
  /** Config maps are nobody's business but the ledger's, so what it wrote last is what must be there. */
  readonly #path: string;
  /** Possible states by name; `undefined` stands for absence. */
  readonly #notes = new Map<string, readonly (State | undefined)[]>();
  #newest = 0;
  #made = 0;

  constructor(below: Below, namespace = "default") {
    this.#below = below;
    this.#path = `/api/v1/namespaces/${namespace}/configmaps`;
  }

  /** Writes until the signal, or until the server is gone. Requests in flight are waited for. */
  async write(kubeconfig: string, signal: AbortSignal): Promise<void> {
    const client = new ApiClient(readKubeconfig(kubeconfig), WRITERS);
    try {
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => this.#writer(client, writer, signal)));
    } finally {
      await client.close();
    }
  }

  /** Everything that is not as it was acknowledged, in words; and every fault so far. */
  async complaints(kubeconfig: string): Promise<readonly string[]> {
    const client = new ApiClient(readKubeconfig(kubeconfig), 1);
    const list = (await client.call({ method: "GET", path: this.#path })) as {
      readonly metadata: { readonly resourceVersion: string };
      readonly items: readonly ConfigMap[];
    };
    await client.close();
    const there = new Map(list.items.map((item) => [item.metadata.name, item]));
    const complaints = [...this.faults];
    if (Number(list.metadata.resourceVersion) < this.#newest)
      complaints.push(`revision ${this.#newest} was acknowledged, and the store is at ${list.metadata.resourceVersion}`);
    for (const [name, states] of this.#notes) {
      const found = there.get(name);
      if (states.some((state) => isSame(state, found))) this.#notes.set(name, [found === undefined ? undefined : stateOf(found)]);
      else complaints.push(`${name} is ${JSON.stringify(found ?? "gone")}, and was acknowledged as ${JSON.stringify(states)}`);
    }
    return complaints;
  }

  async #writer(client: ApiClient, writer: number, signal: AbortSignal): Promise<void> {
    const mine = [...this.#notes.keys()].filter((name) => name.startsWith(`note-${writer}-`) && this.#isCertain(name));
    while (!signal.aborted) {
      const choice = mine.length < 5 ? 0 : this.#below(10);
      const name = choice < 6 ? `note-${writer}-${this.#made++}` : (mine[this.#below(mine.length)] ?? "");
      const before = this.#notes.get(name) ?? [undefined];
      const value = String(this.#made++);
      const answer = await (choice < 6
        ? this.#send(client, "POST", this.#path, name, value, before)
        : choice < 9
          ? this.#send(client, "PUT", `${this.#path}/${name}`, name, value, before)
          : this.#send(client, "DELETE", `${this.#path}/${name}`, name, undefined, before));
      if (answer === "gone") return;
      // Only what is certain is worked on further.
      const certain = this.#isCertain(name);
      const at = mine.indexOf(name);
      if (certain && at < 0) mine.push(name);
      if (!certain && at >= 0) mine.splice(at, 1);
      if (answer === "later") await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Whether a note is known to be there. */
  #isCertain(name: string): boolean {
    const [state, ...others] = this.#notes.get(name) ?? [];
    return state !== undefined && others.length === 0;
  }

  async #send(
    client: ApiClient,
    method: "POST" | "PUT" | "DELETE",
    path: string,
    name: string,
    value: string | undefined,
    before: readonly (State | undefined)[],
  ): Promise<"done" | "later" | "gone"> {
    const wanted = value === undefined ? undefined : { value, uid: undefined, resourceVersion: undefined };
    // Until the answer is there, all is possible.
    this.#notes.set(name, [...before, wanted]);
    const body =
      value === undefined ? undefined : JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } });
    let answer: Awaited<ReturnType<ApiClient["send"]>>;
    try {
      answer = await client.send({ method, path, ...(body === undefined ? {} : { body }) }, true);
    } catch {
      return "gone";
    }
    if (answer.status === 503 || answer.status === 429) {
      if (answer.retryAfter_s > 0) this.putOff++;
      else this.faults.push(`${method} ${path} was answered ${answer.status} without Retry-After`);
      return "later";
    }
    if (answer.status !== (method === "POST" ? 201 : 200)) {
      this.faults.push(`${method} ${path} was answered ${answer.status}: ${answer.body}`);
      return "later";
    }
    this.acknowledged++;
    if (value === undefined) this.#notes.set(name, [undefined]);
    else {
      const state = stateOf(JSON.parse(answer.body) as ConfigMap);
      this.#notes.set(name, [state]);
      this.#newest = Math.max(this.#newest, Number(state.resourceVersion));
    }
    return "done";
  }
}

function stateOf({ metadata: { uid, resourceVersion }, data: { value } }: ConfigMap): State {
  return { value, uid, resourceVersion };
}

function isSame(state: State | undefined, found: ConfigMap | undefined): boolean {
  if (state === undefined || found === undefined) return state === undefined && found === undefined;
  const now = stateOf(found);
  return (
    state.value === now.value &&
    (state.uid ?? now.uid) === now.uid &&
    (state.resourceVersion ?? now.resourceVersion) === now.resourceVersion
  );
}
