import type { NodeRuntime, Pod } from "../../actors/mod.ts";
import type { Seat } from "../../runtime/simulator/mod.ts";

interface Running {
  readonly uid: string;
  readonly seat: Seat;
}

/** What really runs, whatever the API says: the containers of each pod, by its name, for as long as the host that plays them lives. */
export class RunningPods {
  readonly #byName = new Map<string, Set<Running>>();
  readonly #twice: (name: string, uids: readonly string[]) => void;
  readonly #acts: (seat: Seat) => boolean;

  /** `twice` is told when containers of two pods of one name run at the same time. `acts`: whether this host may do anything now. */
  constructor(twice: (name: string, uids: readonly string[]) => void, acts: (seat: Seat) => boolean) {
    this.#twice = twice;
    this.#acts = acts;
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

  #begin({ metadata: { namespace, name, uid } }: Pod, seat: Seat): () => void {
    const key = `pods/${namespace}/${name}`;
    const all = this.#byName.get(key) ?? new Set();
    this.#byName.set(key, all);
    // A host that is dead runs nothing; one that stands still, or whose lease has run out, does nothing until it learns that it was removed.
    for (const one of all) if (!one.seat.alive) all.delete(one);
    const others = [...all].filter((one) => one.uid !== uid && this.#acts(one.seat));
    const running: Running = { uid, seat };
    all.add(running);
    if (others.length > 0) this.#twice(key, [...new Set([...others.map((other) => other.uid), uid])]);
    return () => {
      all.delete(running);
      if (all.size === 0) this.#byName.delete(key);
    };
  }
}
