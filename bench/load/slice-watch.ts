import type { ApiAccess } from "../driver/kubeconfig.ts";
import { ListWatch } from "../driver/list-watch.ts";
import { Samples } from "./samples.ts";

/** Pods of which one of the two moments is not known yet. */
const WAITING_MAX = 200_000;

interface Slice {
  readonly metadata: { readonly namespace: string };
  readonly endpoints?:
    | readonly { readonly conditions?: { readonly ready?: boolean }; readonly targetRef?: { readonly uid?: string } }[]
    | null;
}

/**
 * Network programming, as far as nodes that play containers define it: from the moment when a pod of a service was seen Running to when an EndpointSlice
 * was seen that sends traffic to it. A node's own proxy would come after that.
 */
export class SliceWatch {
  readonly #watch: ListWatch;
  readonly #prefix: string;
  readonly #ready_ms = new Map<string, number>();
  readonly #listed_ms = new Map<string, number>();
  readonly delays: Samples = new Samples();

  /** `prefix`: what the names of the run's namespaces begin with. */
  constructor(access: ApiAccess, prefix: string) {
    this.#prefix = prefix;
    this.#watch = new ListWatch(access, {
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      item: (item) => this.#see(item as Slice),
      line: (line) => {
        const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Slice };
        if (type === "ERROR") return "error";
        if (type !== "DELETED" && type !== "BOOKMARK") this.#see(object);
        return undefined;
      },
    });
  }

  open(failed: (error: Error) => void): Promise<void> {
    return this.#watch.open(failed);
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  podReady(uid: string, now_ms: number): void {
    const listed_ms = this.#listed_ms.get(uid);
    if (listed_ms === undefined) keep(this.#ready_ms, uid, now_ms);
    else this.delays.add(now_ms, Math.max(0, listed_ms - now_ms));
  }

  #see({ metadata, endpoints }: Slice): void {
    if (!metadata.namespace.startsWith(this.#prefix)) return;
    const now_ms = performance.now();
    for (const { conditions, targetRef } of endpoints ?? []) {
      const uid = targetRef?.uid;
      if (uid === undefined || conditions?.ready !== true || this.#listed_ms.has(uid)) continue;
      keep(this.#listed_ms, uid, now_ms);
      const ready_ms = this.#ready_ms.get(uid);
      if (ready_ms === undefined) continue;
      this.#ready_ms.delete(uid);
      this.delays.add(now_ms, now_ms - ready_ms);
    }
  }
}

/** Remembers the newest of so many. */
function keep(map: Map<string, number>, key: string, value: number): void {
  if (map.size >= WAITING_MAX) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(key, value);
}
