import { describe, expect, test } from "vitest";
import { FlowCounts } from "../../../../cluster/gateway/fairness/flow-counts.ts";
import type { Seat } from "../../../../cluster/gateway/fairness/priority-level.ts";
import { deal, PriorityLevel } from "../../../../cluster/gateway/fairness/priority-level.ts";
import type { Work } from "../../../../cluster/gateway/fairness/work.ts";
import { ONE_SEAT } from "../../../../cluster/gateway/fairness/work.ts";

/** A level whose waits end when the test says so. */
class Stage {
  readonly #laters: (() => void)[] = [];
  /** Waits that end, and seats that are free again, after a time. */
  readonly late: (() => void)[] = [];
  now_ms = 0;
  readonly level = new PriorityLevel({
    now_ms: () => this.now_ms,
    after: (delay_ms, run) => {
      (delay_ms === 0 ? this.#laters : this.late).push(run);
      return { cancel: () => {} };
    },
  });
  readonly counts = new FlowCounts("level", "schema");
  readonly served: string[] = [];
  readonly seats: Seat[] = [];

  constructor(seats: number, queuing: object | undefined) {
    const limitResponse = queuing === undefined ? { type: "Reject" } : { type: "Queue", queuing };
    this.level.configure({ type: "Limited", limited: { limitResponse } } as never);
    this.level.resize(seats);
  }

  /** What was said at once: a seat, a place in a queue, or no. */
  enter(flow: string, work: Work = ONE_SEAT): "seat" | "queue" | "no" {
    const seat = this.level.enter({ flow, distinguisher: flow, work, counts: this.counts, arrived_ms: this.now_ms });
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

  /** A later turn of the event loop. */
  async turn(): Promise<void> {
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
    expect([stage.level.executing.size, stage.level.waiting]).toEqual([2, 1]);
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
    expect(stage.level.refused["queue-full"]).toBe(99);
    expect(stage.counts.refused.get("queue-full")).toBe(99);
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

  test("a wide request takes its seats, and others wait for it to have them", async () => {
    const stage = new Stage(5, QUEUES);
    const wide: Work = { ...ONE_SEAT, seats: 4 };
    expect([stage.enter("a"), stage.enter("b"), stage.enter("c", wide), stage.enter("d")]).toEqual(["seat", "seat", "queue", "queue"]);
    expect([stage.level.seatsTaken, stage.level.seatsWanted]).toEqual([2, 5]);
    await stage.leave();
    expect(stage.served).toEqual(["a", "b", "c"]);
    expect(stage.counts.executingSeats).toBe(5);
    await stage.leave();
    expect(stage.served).toEqual(["a", "b", "c", "d"]);
  });

  test("one that is wider than its level has it to itself", async () => {
    const stage = new Stage(2, QUEUES);
    const wide: Work = { ...ONE_SEAT, seats: 7 };
    expect([stage.enter("a"), stage.enter("b", wide)]).toEqual(["seat", "queue"]);
    await stage.leave();
    expect(stage.served).toEqual(["a", "b"]);
    expect(stage.enter("c")).toBe("queue");
  });

  test("what watchers are told of takes seats when the client has gone", async () => {
    const stage = new Stage(10, QUEUES);
    expect(stage.enter("a", { seats: 1, finalSeats: 8, additional_ms: 5 })).toBe("seat");
    await stage.leave();
    expect([stage.level.seatsTaken, stage.level.executing.size]).toEqual([8, 1]);
    stage.late.at(-1)?.();
    expect([stage.level.seatsTaken, stage.level.executing.size]).toEqual([0, 0]);
  });

  test("a level without seats has one request at a time, as in Kubernetes", () => {
    const stage = new Stage(0, undefined);
    expect([stage.enter("a"), stage.enter("b")]).toEqual(["seat", "no"]);
    expect(stage.level.refused["concurrency-limit"]).toBe(1);
  });

  test("seats that it borrows are given to those who wait", async () => {
    const stage = new Stage(1, QUEUES);
    for (const flow of ["a", "b", "c"]) stage.enter(flow);
    stage.level.resize(3);
    await stage.turn();
    expect(stage.served).toEqual(["a", "b", "c"]);
  });

  test("knows how many seats were wanted over time", () => {
    const stage = new Stage(1, QUEUES);
    for (const flow of ["a", "b", "c", "d"]) stage.enter(flow);
    stage.now_ms = 10_000;
    stage.level.demand.adjust(stage.now_ms);
    const { average, deviation, highWatermark, smoothed } = stage.level.demand;
    expect([average, deviation, highWatermark, smoothed]).toEqual([4, 0, 4, 4]);
  });

  test("a seat is left once", async () => {
    const stage = new Stage(1, QUEUES);
    stage.enter("a");
    const [seat] = stage.seats;
    seat?.leave();
    seat?.leave();
    expect(stage.level.executing.size).toBe(0);
  });
});

test("a hand has different queues, and two flows hardly ever the same", () => {
  const hands = Array.from({ length: 500 }, (_, at) => deal(`flow-${at}`, 128, 6));
  for (const hand of hands) expect(new Set(hand).size).toBe(6);
  const [first = []] = hands;
  expect(hands.slice(1).filter((hand) => hand.every((card) => first.includes(card)))).toEqual([]);
  expect(deal("a", 3, 6)).toHaveLength(3);
});
