import type { NodeRuntime, Pod } from "../../actors/mod.ts";
import type { Seat } from "../../runtime/simulator/mod.ts";

interface Running {
  readonly uid: string;
  readonly node: string;
  readonly seat: Seat;
}

/** What really runs, whatever the API says: the containers of each pod, by its name, for as long as the host that plays them lives. */
export class RunningPods {
  readonly #byName = new Map<string, Set<Running>>();
  readonly #twice: (name: string, uids: readonly string[]) => void;
  readonly #counts: (seat: Seat, node: string) => boolean;

  /** `twice` is told when containers of two pods of one name run at the same time. `counts`: whether what this host runs of this node does now. */
  constructor(twice: (name: string, uids: readonly string[]) => void, counts: (seat: Seat, node: string) => boolean) {
    this.#twice = twice;
    this.#counts = counts;
  }

  /** The runtime of one host, with what it runs taken note of. */
  observed(runtime: NodeRuntime, seat: Seat): NodeRuntime {
    const begun =
      (begin: NodeRuntime["start"]): NodeRuntime["start"] =>
      (pod, to) => {
        const end = this.#begin(pod, seat);
        const sandbox = begin(pod, {
          reported(report) {
            if (report.type === "exited" || report.type === "stopped") end();
            to.reported(report);
          },
        });
        return {
          stop: (grace_ms) => sandbox.stop(grace_ms),
          abandon: () => {
            end();
            sandbox.abandon();
          },
        };
      };
    return { name: runtime.name, start: begun(runtime.start), adopt: begun(runtime.adopt) };
  }

  /** Hosts that are dead run nothing. */
  forgetDead(): void {
    for (const [key, all] of this.#byName) {
      for (const one of all) if (!one.seat.alive) all.delete(one);
      if (all.size === 0) this.#byName.delete(key);
    }
  }

  #begin({ metadata: { namespace, name, uid }, spec: { nodeName: node = "" } }: Pod, seat: Seat): () => void {
    const key = `pods/${namespace}/${name}`;
    const all = this.#byName.get(key) ?? new Set();
    this.#byName.set(key, all);
    const others = [...all].filter((one) => one.seat.alive && one.uid !== uid && this.#counts(one.seat, one.node));
    const running: Running = { uid, node, seat };
    all.add(running);
    if (others.length > 0) this.#twice(key, [...new Set([...others.map((other) => other.uid), uid])]);
    return () => {
      all.delete(running);
      if (all.size === 0) this.#byName.delete(key);
    };
  }
}
