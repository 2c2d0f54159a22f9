/** What goes on among the levels, as tables for people. Source: apiserver's pkg/util/flowcontrol/apf_controller_debug.go. */
import type { Clock } from "../../../runtime/mod.ts";
import type { Dump } from "../route.ts";
import type { Level } from "./fairness.ts";
import type { Arrival, Seat } from "./priority-level.ts";

const CELL_CHARS_MIN = 8;
const US_PER_MS = 1_000;

export function dumpOf(dump: Dump, levels: readonly Level[], clock: Clock): string {
  switch (dump) {
    case "dump_priority_levels":
      return table([LEVEL_COLUMNS, ...levels.map(levelRow)]);
    case "dump_queues":
      return table([QUEUE_COLUMNS, ...levels.flatMap(queueRows)]);
    case "dump_requests":
      return table([REQUEST_COLUMNS, ...levels.flatMap((level) => requestRows(level, clock))]);
  }
}

type Row = readonly (string | number | boolean)[];

/** Columns as wide as what is in them; Kubernetes' tables have a comma behind each cell but the last. */
function table(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_name, column) =>
    Math.max(CELL_CHARS_MIN, ...rows.map((row) => String(row[column] ?? "").length + 2)),
  );
  const line = (row: Row): string =>
    row.map((cell, column) => (column === row.length - 1 ? String(cell) : `${cell},`.padEnd(widths[column] ?? 0))).join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}

const LEVEL_COLUMNS: Row = [
  ...["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests"],
  ...["ExecutingRequests", "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"],
];

function levelRow({ name, queues, quiescing }: Level): Row {
  const active = [...queues.queues.values()].filter(({ waiting }) => waiting.length > 0).length;
  const executing = queues.executing.size;
  const refused = queues.refused["queue-full"] + queues.refused["concurrency-limit"];
  const idle = queues.waiting === 0 && executing === 0;
  return [name, active, idle, quiescing, queues.waiting, executing, queues.dispatched, refused, queues.refused["time-out"], 0];
}

const QUEUE_COLUMNS: Row = [
  ...["PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse"],
  ...["NextDispatchR", "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"],
];

function queueRows({ name, queues }: Level): Row[] {
  return Array.from({ length: queues.queueCount }, (_none, index) => {
    const { waiting = [], executing = 0, seats = 0, progress = 0 } = queues.queues.get(index) ?? {};
    const works = waiting.map(({ arrival }) => arrival.work);
    const initial = works.reduce((sum, work) => sum + work.seats, 0);
    const most = works.reduce((sum, work) => sum + Math.max(work.seats, work.finalSeats), 0);
    return [name, index, waiting.length, executing, seats, seatSeconds(progress), initial, most, seatSeconds(most)];
  });
}

function seatSeconds(seats: number): string {
  return `${seats.toFixed(8)}ss`;
}

const REQUEST_COLUMNS: Row = [
  ...["PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher"],
  ...["ArriveTime", "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime"],
];

const NEVER = "0001-01-01T00:00:00Z";

function requestRows({ name, queues }: Level, clock: Clock): Row[] {
  const began_ms = clock.now_ms() - clock.monotonic_ms();
  const time = (at_ms: number): string => new Date(began_ms + at_ms).toISOString();
  const row = ({ counts, distinguisher, arrived_ms, work }: Arrival, queue: number, index: number, started: string): Row => [
    ...[name, counts.schema, queue, index, distinguisher, time(arrived_ms), work.seats, work.finalSeats],
    ...[`${Math.round(work.additional_ms * US_PER_MS) / US_PER_MS}${work.additional_ms === 0 ? "s" : "ms"}`, started],
  ];
  const waiting = [...queues.queues.values()].flatMap((queue) =>
    queue.waiting.map(({ arrival }, index) => row(arrival, queue.index, index, NEVER)),
  );
  const executing = [...queues.executing].map(({ arrival, queue, started_ms }: Seat) => row(arrival, queue, -1, time(started_ms)));
  return [...waiting, ...executing];
}
