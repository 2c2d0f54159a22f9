import { describe, expect, test } from "vitest";
import type { Seat } from "../../../../cluster/gateway/fairness/priority-level.ts";
import { deal, PriorityLevel } from "../../../../cluster/gateway/fairness/priority-level.ts";

/** A level whose waits end when the test says so. */
class Stage {
  readonly #laters: (() => void)[] = [];
  readonly level = new PriorityLevel((give) => void this.#laters.push(give));
  readonly late: (() => void)[] = [];
  readonly served: string[] = [];
  readonly seats: Seat[] = [];

  constructor(seats: number, queuing: object | undefined) {
    const limitResponse = queuing === undefined ? { type: "Reject" } : { type: "Queue", queuing };
    this.level.configure({ type: "Limited", limited: { limitResponse } } as never, seats);
  }

  /** What was said at once: a seat, a place in a queue, or no. */
  enter(flow: string): "seat" | "queue" | "no" {
    const seat = this.level.enter(flow, (give) => {
      this.late.push(give);
      return { cancel: () => {} };
    });
    if (seat === undefined) return "no";
    if (!(seat instanceof Promise)) {
      this.#sit(flow, seat);
      return "seat";
    }
    void seat.then((given) => (given === undefined ? this.served.push(`${flow} was late`) : this.#sit(flow, given)));
    return "queue";
  }

  async leave(): Promise<void> {
    this.seats.shift()?.leave();
    this.#laters.shift()?.();
    await Promise.resolve();
  }

  #sit(flow: string, seat: Seat): void {
    this.served.push(flow);
    this.seats.push(seat);
  }
}

const QUEUES = { queues: 64, handSize: 6, queueLengthLimit: 50 };

describe("a priority level", () => {
  test("gives seats while there are some, then queues", () => {
    const stage = new Stage(2, QUEUES);
    expect([stage.enter("a"), stage.enter("a"), stage.enter("a")]).toEqual(["seat", "seat", "queue"]);
    expect([stage.level.executing, stage.level.waiting]).toEqual([2, 1]);
  });

  test("a flow that floods makes others wait for no more seats than its hand has queues", async () => {
    const stage = new Stage(4, QUEUES);
    for (let count = 0; count < 200; count++) stage.enter("greedy");
    stage.enter("polite");
    for (let count = 0; count <= QUEUES.handSize; count++) await stage.leave();
    expect(stage.served.slice(4)).toContain("polite");
  });

  test("flows that flood alike are served alike", async () => {
    const stage = new Stage(1, QUEUES);
    for (let count = 0; count < 100; count++) for (const flow of ["a", "b"]) stage.enter(flow);
    for (let count = 0; count < 100; count++) await stage.leave();
    const ofA = stage.served.filter((flow) => flow === "a").length;
    expect(ofA).toBeGreaterThan(35);
    expect(ofA).toBeLessThan(65);
  });

  test("a flow whose hand is full is turned away, and others are not", () => {
    const stage = new Stage(1, QUEUES);
    const said = Array.from({ length: 400 }, () => stage.enter("greedy"));
    expect(said.filter((one) => one === "queue")).toHaveLength(6 * 50);
    expect(said.at(-1)).toBe("no");
    expect(stage.level.rejected).toBe(99);
    expect(stage.enter("polite")).toBe("queue");
  });

  test("without queues, what is too much is turned away", async () => {
    const stage = new Stage(1, undefined);
    expect([stage.enter("a"), stage.enter("b")]).toEqual(["seat", "no"]);
    await stage.leave();
    expect(stage.enter("b")).toBe("seat");
  });

  test("who waits too long is turned away, and leaves no gap", async () => {
    const stage = new Stage(1, QUEUES);
    stage.enter("a");
    stage.enter("b");
    stage.enter("c");
    stage.late[0]?.();
    await stage.leave();
    expect(stage.served).toEqual(["a", "b was late", "c"]);
    expect(stage.level.waiting).toBe(0);
  });

  test("a seat is left once", async () => {
    const stage = new Stage(1, QUEUES);
    stage.enter("a");
    const [seat] = stage.seats;
    seat?.leave();
    seat?.leave();
    expect(stage.level.executing).toBe(0);
  });
});

test("a hand has different queues, and two flows hardly ever the same", () => {
  const hands = Array.from({ length: 500 }, (_, at) => deal(`flow-${at}`, 128, 6));
  for (const hand of hands) expect(new Set(hand).size).toBe(6);
  const [first = []] = hands;
  expect(hands.slice(1).filter((hand) => hand.every((card) => first.includes(card)))).toEqual([]);
  expect(deal("a", 3, 6)).toHaveLength(3);
});
