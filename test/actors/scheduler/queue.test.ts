import { describe, expect, it } from "vitest";
import { QueueTicket, SchedulingQueue, UNSCHEDULABLE_MAX_MS } from "../../../actors/scheduler/queue.ts";

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 10_000;
const FIT: ReadonlySet<string> = new Set(["NodeResourcesFit"]);

function queueOf(...pods: readonly (readonly [name: string, priority: number, bucket?: string])[]) {
  const queue = new SchedulingQueue<string>({ backoffFirst_ms: BACKOFF_FIRST_MS, backoffMax_ms: BACKOFF_MAX_MS });
  const tickets = new Map(pods.map(([name, priority, bucket = "b"]) => [name, new QueueTicket(name, priority, bucket)]));
  const ticket = (name: string): QueueTicket<string> => {
    const found = tickets.get(name);
    if (found === undefined) throw new Error(name);
    return found;
  };
  const pop = (now_ms: number, most = 10): string[] => queue.pop(now_ms, most).map(({ owner }) => owner);
  let now_ms = 0;
  for (const one of tickets.values()) queue.add(one, now_ms++);
  return { queue, ticket, pop };
}

describe("SchedulingQueue", () => {
  it("takes the highest priority first, then the oldest", () => {
    const { pop } = queueOf(["a", 0], ["b", 5], ["c", 0], ["d", 5]);
    expect(pop(10, 3)).toEqual(["b", "d", "a"]);
    expect(pop(10)).toEqual(["c"]);
    expect(pop(10)).toEqual([]);
  });

  it("forgets what was removed, wherever it is", () => {
    const { queue, ticket, pop } = queueOf(["a", 0], ["b", 0], ["c", 0]);
    queue.remove(ticket("a"));
    expect(pop(10, 1)).toEqual(["b"]);
    queue.reject(ticket("b"), FIT, 10);
    queue.remove(ticket("b"));
    expect([...queue.waiting()]).toEqual([]);
    expect(pop(10)).toEqual(["c"]);
    expect(queue.nextWake_ms()).toBeUndefined();
  });

  it("keeps rejected pods until something wakes as many as it can help, apart by kind and by who rejected them", () => {
    const { queue, ticket, pop } = queueOf(["a", 0], ["b", 0], ["c", 0], ["x", 0, "other"], ["t", 0]);
    for (const name of pop(10)) queue.reject(ticket(name), name === "t" ? new Set(["TaintToleration"]) : FIT, 10);
    expect(pop(20)).toEqual([]);
    const waiting = [...queue.waiting()];
    expect(waiting.map(({ sample, rejectors, count }) => `${sample} ${[...rejectors]} ${count}`)).toEqual([
      "a NodeResourcesFit 3",
      "x NodeResourcesFit 1",
      "t TaintToleration 1",
    ]);
    queue.wake(waiting[0]?.key ?? "", 2, 10 + BACKOFF_FIRST_MS);
    expect(pop(10 + BACKOFF_FIRST_MS)).toEqual(["a", "b"]);
  });

  it("lets woken pods rest first while others are active, and takes them early when none is", () => {
    const { queue, ticket, pop } = queueOf(["a", 0], ["b", 9]);
    expect(pop(10, 1)).toEqual(["b"]);
    queue.reject(ticket("b"), FIT, 10);
    queue.wakeOne(ticket("b"), 20);
    expect(pop(20)).toEqual(["a"]);
    expect(pop(20)).toEqual(["b"]);
  });

  it("does not cut short the rest of pods that met an error, nor lets it keep others from being taken early", () => {
    const { queue, ticket, pop } = queueOf(["a", 0], ["b", 0]);
    pop(0);
    queue.retry(ticket("a"), 0);
    queue.reject(ticket("b"), FIT, 1);
    queue.wakeOne(ticket("b"), 2);
    expect(pop(3)).toEqual(["b"]);
    expect(pop(BACKOFF_FIRST_MS - 1)).toEqual([]);
    expect(queue.nextWake_ms()).toBe(BACKOFF_FIRST_MS);
    expect(pop(BACKOFF_FIRST_MS)).toEqual(["a"]);
  });

  it("doubles the rest up to its maximum, for errors in a row apart from rejections", () => {
    const { queue, ticket, pop } = queueOf(["a", 0]);
    let now_ms = 0;
    const restAfter = (fail: () => void): number => {
      pop(now_ms);
      fail();
      const { rested_ms } = ticket("a");
      const rest_ms = rested_ms - now_ms;
      queue.wakeOne(ticket("a"), now_ms);
      now_ms = rested_ms;
      return rest_ms;
    };
    const error = (): void => queue.retry(ticket("a"), now_ms);
    const rejection = (): void => queue.reject(ticket("a"), FIT, now_ms);
    const rests = [rejection, error, error, rejection, error, rejection, rejection, rejection, rejection].map(restAfter);
    expect(rests).toEqual([1_000, 1_000, 2_000, 2_000, 1_000, 4_000, 8_000, BACKOFF_MAX_MS, BACKOFF_MAX_MS]);
  });

  it("tries pods that nothing has woken after a while anyway", () => {
    const { queue, ticket, pop } = queueOf(["a", 0]);
    pop(0);
    queue.reject(ticket("a"), FIT, 0);
    expect(queue.nextWake_ms()).toBe(UNSCHEDULABLE_MAX_MS);
    queue.flush(UNSCHEDULABLE_MAX_MS - 1);
    expect(pop(UNSCHEDULABLE_MAX_MS - 1)).toEqual([]);
    queue.flush(UNSCHEDULABLE_MAX_MS);
    expect(pop(UNSCHEDULABLE_MAX_MS)).toEqual(["a"]);
  });

  it("takes a pod that came back before one that came meanwhile, whenever it was woken", () => {
    const { queue, ticket, pop } = queueOf(["a", 0]);
    pop(0);
    queue.reject(ticket("a"), FIT, 0);
    const later = new QueueTicket("later", 0, "b");
    queue.add(later, 5_000);
    queue.wakeOne(ticket("a"), 6_000);
    expect(pop(7_000)).toEqual(["a", "later"]);
  });

  it("does not try a pod before what is done for it has been done, whatever happens meanwhile, and then at once if nothing more is to come", () => {
    const { queue, ticket, pop } = queueOf(["waits", 0], ["due", 0]);
    for (const name of pop(0)) {
      queue.hold(ticket(name));
      queue.reject(ticket(name), FIT, 0);
    }
    queue.wakeOne(ticket("waits"), 10);
    queue.flush(UNSCHEDULABLE_MAX_MS);
    expect(pop(UNSCHEDULABLE_MAX_MS)).toEqual([]);
    queue.release(ticket("waits"), false, 20);
    queue.release(ticket("due"), true, 20);
    expect(pop(20)).toEqual(["due"]);
    queue.wakeOne(ticket("waits"), 30);
    expect(pop(30)).toEqual(["waits"]);
  });

  describe("has a pod that changed where it was before", () => {
    const changed = (isHelped: boolean, stand: (at: ReturnType<typeof queueOf>) => void) => {
      const at = queueOf(["a", 0]);
      stand(at);
      const before = { ...at.ticket("a") };
      at.queue.remove(at.ticket("a"));
      const next = new QueueTicket("changed", 0, "b");
      at.queue.succeed(next, before, isHelped, 100);
      return { ...at, next };
    };
    const rejected = ({ queue, ticket, pop }: ReturnType<typeof queueOf>): void => {
      pop(0);
      queue.reject(ticket("a"), FIT, 50);
    };

    it("active, in its turn", () => {
      const { next, pop } = changed(false, () => {});
      expect([next.place, next.queued_ms]).toEqual(["active", 0]);
      expect(pop(100)).toEqual(["changed"]);
    });
    it("unschedulable, as long as the change does not help it", () => {
      const { next, pop } = changed(false, rejected);
      expect([next.place, [...next.rejectors], next.rejections]).toEqual(["unschedulable", ["NodeResourcesFit"], 1]);
      expect(pop(100)).toEqual([]);
    });
    it("resting, where the change helps it before its rest has ended", () => {
      const { next } = changed(true, rejected);
      expect([next.place, next.rested_ms]).toEqual(["backoff", 50 + BACKOFF_FIRST_MS]);
    });
  });
});
