import { Agent, request } from "undici";

/** One key as etcd tells it. */
export interface EtcdKeyValue {
  readonly key: string;
  readonly value: string;
  readonly created: number;
  readonly modified: number;
}

export interface EtcdEvent {
  readonly type: "created" | "updated" | "deleted";
  readonly key: string;
  readonly value: string | undefined;
  readonly revision: number;
}

/** What a transaction compares before it writes: the revision of a key's last change; 0: absent. */
export interface EtcdCompare {
  readonly key: string;
  readonly modified: number;
}

export type EtcdWrite = { readonly put: string; readonly value: string } | { readonly delete: string };

/** etcd says no; the message is its own. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
}

interface RawKeyValue {
  readonly key: string;
  readonly value?: string;
  readonly create_revision?: string;
  readonly mod_revision?: string;
}

interface RawWatch {
  readonly result?: {
    readonly canceled?: boolean;
    readonly compact_revision?: string;
    readonly events?: readonly { readonly type?: "DELETE"; readonly kv: RawKeyValue }[];
  };
}

/** etcd's v3 API by its JSON gateway: as much of it as a store of Kubernetes' objects uses. */
export class EtcdClient {
  readonly #url: string;
  readonly #agent = new Agent();

  constructor(url: string) {
    this.#url = url;
  }

  /** Writes all when all comparisons hold, as one revision; else tells what the compared keys are at. */
  async transact(
    compares: readonly EtcdCompare[],
    writes: readonly EtcdWrite[],
  ): Promise<{ readonly revision: number; readonly succeeded: boolean; readonly actual: readonly (number | undefined)[] }> {
    const body = {
      compare: compares.map(({ key, modified }) => ({
        key: encode(key),
        target: "MOD",
        result: "EQUAL",
        mod_revision: String(modified),
      })),
      success: writes.map((write) =>
        "put" in write
          ? { request_put: { key: encode(write.put), value: encode(write.value) } }
          : { request_delete_range: { key: encode(write.delete) } },
      ),
      failure: compares.map(({ key }) => ({ request_range: { key: encode(key) } })),
    };
    const answer = (await this.#call("kv/txn", body)) as {
      readonly header: { readonly revision: string };
      readonly succeeded?: boolean;
      readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly RawKeyValue[] } }[];
    };
    const actual = (answer.responses ?? []).map(({ response_range }) => {
      const modified = response_range?.kvs?.[0]?.mod_revision;
      return modified === undefined ? undefined : Number(modified);
    });
    return { revision: Number(answer.header.revision), succeeded: answer.succeeded === true, actual };
  }

  /** All keys that begin so, in key order; as of a revision, or now. Throws EtcdError. */
  async range(prefix: string, revision = 0): Promise<EtcdKeyValue[]> {
    const body = { key: encode(prefix), range_end: encode(endOf(prefix)), revision: String(revision) };
    const answer = (await this.#call("kv/range", body)) as { readonly kvs?: readonly RawKeyValue[] };
    return (answer.kvs ?? []).map((kv) => ({
      key: decode(kv.key),
      value: decode(kv.value),
      created: Number(kv.create_revision),
      modified: Number(kv.mod_revision),
    }));
  }

  /** Forgets what was before the revision. Throws EtcdError. */
  async compact(revision: number): Promise<void> {
    await this.#call("kv/compaction", { revision: String(revision) });
  }

  /** The events from a revision on, with the one of revision `last`; throws EtcdError when the first is compacted. */
  async watch(prefix: string, first: number, last: number): Promise<EtcdEvent[]> {
    const create = { key: encode(prefix), range_end: encode(endOf(prefix)), start_revision: String(first) };
    const answer = await request(`${this.#url}/v3/watch`, {
      method: "POST",
      body: JSON.stringify({ create_request: create }),
      dispatcher: this.#agent,
    });
    const events: EtcdEvent[] = [];
    let rest = "";
    for await (const chunk of answer.body) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const { result } = JSON.parse(line) as RawWatch;
        if (result?.canceled === true) throw new EtcdError(`compacted at ${result.compact_revision}`);
        events.push(...(result?.events ?? []).map(eventOf));
      }
      if ((events.at(-1)?.revision ?? 0) >= last) break;
    }
    answer.body.destroy();
    return events;
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #call(path: string, body: object): Promise<unknown> {
    const answer = await request(`${this.#url}/v3/${path}`, { method: "POST", body: JSON.stringify(body), dispatcher: this.#agent });
    const value = (await answer.body.json()) as { readonly error?: string };
    if (value.error !== undefined) throw new EtcdError(value.error);
    return value;
  }
}

function eventOf({ type, kv }: { readonly type?: "DELETE"; readonly kv: RawKeyValue }): EtcdEvent {
  const deleted = type === "DELETE";
  return {
    type: deleted ? "deleted" : kv.create_revision === kv.mod_revision ? "created" : "updated",
    key: decode(kv.key),
    value: deleted ? undefined : decode(kv.value),
    revision: Number(kv.mod_revision),
  };
}

/** The end of the range of all keys with a prefix: the prefix with its last byte raised. */
function endOf(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

const encode = (text: string): string => Buffer.from(text, "utf8").toString("base64");
const decode = (text = ""): string => Buffer.from(text, "base64").toString("utf8");
