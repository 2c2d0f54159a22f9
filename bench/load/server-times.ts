import type { ApiClient } from "../driver/api-client.ts";

/** Of one verb, resource and scope: how many calls were answered within each of the server's bounds. */
type Buckets = ReadonlyMap<string, ReadonlyMap<number, number>>;

const METRIC = "apiserver_request_duration_seconds_bucket";
/** Kubernetes' service levels leave out what lasts as long as somebody wants it to. */
const LASTING: readonly string[] = ["WATCH", "CONNECT"];
const MS_PER_S = 1_000;

export interface ServerTime {
  readonly what: string;
  readonly count: number;
  /** The bound of the bucket that the 99th of a hundred calls falls into. */
  readonly p99_ms: number;
}

/** How long calls took by the server's own account, of all its clients, between two readings of its `/metrics`. */
export class ServerTimes {
  readonly #client: ApiClient;
  #before: Buckets | undefined;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Notes where the counters stand. A server that does not offer them is left at that. */
  async begin(): Promise<void> {
    this.#before = await this.#read();
  }

  async since(): Promise<readonly ServerTime[]> {
    const [before, now] = [this.#before, await this.#read()];
    if (before === undefined || now === undefined) return [];
    return [...now].flatMap(([what, buckets]) => {
      const counts = [...buckets]
        .sort(([a], [b]) => a - b)
        .map(([bound, count]) => [bound, count - (before.get(what)?.get(bound) ?? 0)] as const);
      const count = counts.at(-1)?.[1] ?? 0;
      const bound = counts.find(([, within]) => within >= Math.ceil(count * 0.99))?.[0] ?? Number.POSITIVE_INFINITY;
      return count === 0 ? [] : [{ what, count, p99_ms: bound * MS_PER_S }];
    });
  }

  async #read(): Promise<Buckets | undefined> {
    const answer = await this.#client
      .send({ method: "GET", path: "/metrics", headers: { accept: "text/plain" } }, true)
      .catch(() => undefined);
    return answer?.status === 200 ? bucketsIn(answer.body) : undefined;
  }
}

/** Reads the text format of Prometheus. */
export function bucketsIn(text: string): Buckets {
  const found = new Map<string, Map<number, number>>();
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${METRIC}{`)) continue;
    const labels = new Map([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]));
    const [verb = "", resource = "", subresource = ""] = ["verb", "resource", "subresource"].map((name) => labels.get(name) ?? "");
    if (resource === "" || LASTING.includes(verb)) continue;
    const what = `${verb} ${resource}${subresource === "" ? "" : `/${subresource}`} (${labels.get("scope") ?? ""})`;
    const bound = labels.get("le") === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.get("le"));
    const buckets = found.get(what) ?? new Map<number, number>();
    buckets.set(bound, (buckets.get(bound) ?? 0) + Number(line.slice(line.lastIndexOf(" ") + 1)));
    found.set(what, buckets);
  }
  return found;
}
