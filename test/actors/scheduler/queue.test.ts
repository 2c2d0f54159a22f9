import { describe, expect, it } from "vitest";
import { QueueTicket, SchedulingQueue, UNSCHEDULABLE_MAX_MS } from "../../../actors/scheduler/queue.ts";

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 10_000;

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
    queue.reject(ticket("b"), 10);
    queue.remove(ticket("b"));
    expect(queue.wake("b", 10, 10)).toBe(0);
    expect(pop(10)).toEqual(["c"]);
    expect(queue.nextWake_ms()).toBeUndefined();
  });

  it("keeps rejected pods until something wakes as many as it can help", () => {
    const { queue, ticket, pop } = queueOf(["a", 0], ["b", 0], ["c", 0], ["x", 0, "other"]);
    for (const name of pop(10)) queue.reject(ticket(name), 10);
    expect(pop(20)).toEqual([]);
    expect([...queue.buckets()].map(({ bucket, waiting }) => `${bucket} ${waiting}`)).toEqual(["b 3", "other 1"]);
    expect(queue.wake("b", 2, 10 + BACKOFF_FIRST_MS)).toBe(2);
    expect(pop(10 + BACKOFF_FIRST_MS)).toEqual(["a", "b"]);
  });

  it("lets woken pods rest first while others are active, and takes them early when none is", () => {
    const { queue, ticket, pop } = queueOf(["a", 0], ["b", 9]);
    expect(pop(10, 1)).toEqual(["b"]);
    queue.reject(ticket("b"), 10);
    queue.wake("b", 1, 20);
    expect(pop(20)).toEqual(["a"]);
    expect(pop(20)).toEqual(["b"]);
  });

  it("does not cut short the rest of pods that met an error", () => {
    const { queue, ticket, pop } = queueOf(["a", 0]);
    pop(0);
    queue.retry(ticket("a"), 0);
    expect(pop(BACKOFF_FIRST_MS - 1)).toEqual([]);
    expect(queue.nextWake_ms()).toBe(BACKOFF_FIRST_MS);
    expect(pop(BACKOFF_FIRST_MS)).toEqual(["a"]);
  });

  it("doubles the rest up to its maximum", () => {
    const { queue, ticket, pop } = queueOf(["a", 0]);
    let now_ms = 0;
    const rests: number[] = [];
    for (let i = 0; i < 6; i++) {
      pop(now_ms);
      queue.retry(ticket("a"), now_ms);
      rests.push((queue.nextWake_ms() ?? 0) - now_ms);
      now_ms = queue.nextWake_ms() ?? 0;
    }
    expect(rests).toEqual([1_000, 2_000, 4_000, 8_000, BACKOFF_MAX_MS, BACKOFF_MAX_MS]);
  });

  it("tries pods that nothing has woken after a while anyway", () => {
    const { queue, ticket, pop } = queueOf(["a", 0]);
    pop(0);
    queue.reject(ticket("a"), 0);
    expect(queue.nextWake_ms()).toBe(UNSCHEDULABLE_MAX_MS);
    queue.flush(UNSCHEDULABLE_MAX_MS - 1);
    expect(pop(UNSCHEDULABLE_MAX_MS - 1)).toEqual([]);
    queue.flush(UNSCHEDULABLE_MAX_MS);
    expect(pop(UNSCHEDULABLE_MAX_MS)).toEqual(["a"]);
  });
});
