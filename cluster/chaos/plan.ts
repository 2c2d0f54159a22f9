import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { Fields } from "../../actors/stages/fields.ts";
import type { Random } from "../../runtime/mod.ts";
import { BootFailure } from "../boot/failure.ts";

/** What can be done to a running cluster. */
export const FAULTS = [
  "kill-nats-server",
  "pause-nats-server",
  "cut-off-host",
  "pause-program",
  "silence-nodes",
  "kill-pods",
  "evict-pods",
] as const;
export type FaultName = (typeof FAULTS)[number];

/** One fault, and how long or how often. */
export interface Step {
  readonly fault: FaultName;
  /** Before it, after what was before has been got over. */
  readonly after_ms: number;
  /** How long it lasts: a pause, silence, a host without its connection. */
  readonly for_ms: number;
  /** How many nodes or pods. */
  readonly count: number;
}

const MS_PER_S = 1_000;
const AFTER_MS_MAX = 2_000;
const COUNT_MAX = 3;
/** How long faults last that are drawn: longer than a host's lease is for the pauses; for nodes longer than it takes until they are given up. */
const FOR_MS: Readonly<Record<FaultName, readonly [number, number]>> = {
  "kill-nats-server": [0, 0],
  "pause-nats-server": [500, 4_000],
  "cut-off-host": [500, 8_000],
  "pause-program": [500, 8_000],
  "silence-nodes": [5_000, 15_000],
  "kill-pods": [0, 0],
  "evict-pods": [0, 0],
};

/** A plan of so many steps, each of these faults as often as any other. */
export function drawPlan(random: Random, faults: readonly FaultName[], rounds: number): readonly Step[] {
  const plan: Step[] = [];
  let bag: FaultName[] = [];
  for (let round = 0; round < rounds; round++) {
    if (bag.length === 0) bag = [...faults];
    const [fault = "kill-pods"] = bag.splice(random.below(bag.length), 1);
    const [least, most] = FOR_MS[fault];
    plan.push({
      fault,
      after_ms: random.below(AFTER_MS_MAX),
      for_ms: least + random.below(most - least + 1),
      count: 1 + random.below(COUNT_MAX),
    });
  }
  return plan;
}

/** Reads a plan, YAML or JSON: `steps: [{fault, afterSeconds, forSeconds, count}]`. Throws BootFailure, which names the step and the field. */
export async function readPlan(file: string): Promise<readonly Step[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootFailure(`cannot read --plan ${file} (${error.code ?? error.message})`);
  });
  let document: unknown;
  try {
    document = parse(text, { prettyErrors: false });
  } catch (error) {
    throw new BootFailure(`--plan ${file} is no YAML: ${(error as Error).message}`);
  }
  const fields = new Fields(document, "").only("steps");
  const steps = fields.objects("steps").map(stepOf);
  if (steps.length === 0) fields.complain("steps", "should have at least one step");
  if (fields.complaints.length > 0) throw new BootFailure(`--plan ${file}: ${fields.complaints.join("; ")}`);
  return steps;
}

function stepOf(fields: Fields): Step {
  fields.only("fault", "afterSeconds", "forSeconds", "count");
  const fault = fields.oneOf("fault", FAULTS);
  if (fault === undefined && !fields.has("fault")) fields.complain("fault", `is missing; it is one of ${FAULTS.join(", ")}`);
  return {
    fault: fault ?? "kill-pods",
    after_ms: (fields.count("afterSeconds") ?? 0) * MS_PER_S,
    for_ms: (fields.count("forSeconds") ?? 1) * MS_PER_S,
    count: fields.count("count") ?? 1,
  };
}
