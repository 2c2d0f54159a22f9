/**
 * A kwok Stage: which objects it is for, after how long, and what becomes of them then. Documents of `kwok.x-k8s.io/v1alpha1` are read as they are; what is not
 * understood of one is refused, with its path. Source: kwok's pkg/apis/v1alpha1/stage_types.go and pkg/utils/lifecycle.
 */
import type { KubeObject } from "../kinds/object.ts";
import { askOf, type CelReader, countAsked, spanAsked } from "./expression.ts";
import { Fields } from "./fields.ts";
import { type Selector, selectorOf } from "./selector.ts";
import { type Step, stepsOf } from "./step.ts";
import { COMMON_FUNCTIONS } from "./template/functions.ts";

export const STAGE_API_VERSION = "kwok.x-k8s.io/v1alpha1";
export const STAGE_KIND = "Stage";

export interface Stage {
  readonly name: string;
  /** `v1/Pod`: what it is for. */
  readonly subject: string;
  readonly matches: Selector;
  /** How likely it is chosen of several that match; undefined where the object says it, and says it badly. */
  weight(object: KubeObject): number | undefined;
  /** How long it waits; `chance` in [0, 1) decides where it may be more or less. */
  delay_ms(object: KubeObject, now_ms: number, chance: number): number;
  readonly steps: readonly Step[];
  readonly immediateNextStage: boolean;
}

/** A document is no stage that can be played; the message names what is wrong, one complaint a line. */
export class StageError extends Error {
  override readonly name = "StageError";
}

/** Functions beside the common ones, by what the template is for. Source: kwok's node_controller.go, pod_controller.go. */
const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  "v1/Pod": ["NodeIP", "PodIP", "NodeIPWith", "NodeIPsWith", "PodIPWith", "PodIPsWith"],
  "v1/Node": ["NodeIP", "NodeName", "NodePort"],
};
const GENERAL = ["Now", "StartTime", "Version", "NodeConditions"];

/** Throws StageError. */
export function stageOf(document: unknown, cel: CelReader): Stage {
  const fields = new Fields(document, "").only("apiVersion", "kind", "metadata", "spec", "status");
  const [apiVersion, kind] = [fields.required("apiVersion"), fields.required("kind")];
  if (apiVersion !== STAGE_API_VERSION || kind !== STAGE_KIND)
    throw new StageError(
      `it is ${apiVersion || "of no version"} ${kind || "and no kind"}, and should be ${STAGE_API_VERSION} ${STAGE_KIND}`,
    );
  const name = fields.object("metadata")?.required("name") ?? "";
  if (name === "") fields.complain("metadata.name", "is missing");
  const spec = fields.object("spec") ?? new Fields({}, "spec", fields.complaints);
  spec.only("resourceRef", "selector", "weight", "weightFrom", "delay", "next", "steps", "immediateNextStage");
  const ref = spec.object("resourceRef")?.only("apiGroup", "kind") ?? new Fields({}, "spec.resourceRef", fields.complaints);
  const subject = `${ref.text("apiGroup") ?? "v1"}/${ref.required("kind")}`;
  const selector = spec.object("selector");
  const functions = [...Object.keys(COMMON_FUNCTIONS), ...GENERAL, ...(FUNCTIONS[subject] ?? [])];
  const merge = Object.hasOwn(FUNCTIONS, subject) ? "strategic" : "merge";
  const stage: Stage = {
    name,
    subject,
    // As in kwok, what selects nothing is for nothing.
    matches: selector === undefined ? () => false : selectorOf(selector, cel),
    weight: weightOf(spec, cel),
    delay_ms: delayOf(spec.object("delay"), cel),
    steps: stepsOf(spec, { functions, merge }),
    immediateNextStage: spec.flag("immediateNextStage"),
  };
  if (fields.complaints.length > 0) throw new StageError(fields.complaints.join("\n"));
  return stage;
}

function weightOf(spec: Fields, cel: CelReader): Stage["weight"] {
  const weight = spec.count("weight") ?? 0;
  const ask = askOf(spec.object("weightFrom"), cel);
  return ask === undefined ? () => weight : (object) => countAsked(ask(object), weight);
}

/** Between `duration` and `jitterDuration`; `jitterDuration` itself where that is less. */
function delayOf(fields: Fields | undefined, cel: CelReader): Stage["delay_ms"] {
  if (fields === undefined) return () => 0;
  fields.only("durationMilliseconds", "durationFrom", "jitterDurationMilliseconds", "jitterDurationFrom");
  const least = fields.count("durationMilliseconds") ?? 0;
  const most = fields.count("jitterDurationMilliseconds");
  const leastFrom = askOf(fields.object("durationFrom"), cel);
  const mostFrom = askOf(fields.object("jitterDurationFrom"), cel);
  return (object, now_ms, chance) => {
    const from = leastFrom === undefined ? least : spanAsked(leastFrom(object), now_ms, least);
    if (from === undefined) return 0;
    const to = mostFrom === undefined ? most : spanAsked(mostFrom(object), now_ms, most);
    if (to === undefined) return Math.max(0, from);
    return Math.max(0, to <= from ? to : from + chance * (to - from));
  };
}

/**
 * Of the stages that match an object the one that is played: by weight; those whose weight is 0 or unknown only when no other has one. `chance` in [0, 1).
 * Source: kwok's Lifecycle.Match.
 */
export function chosen(matching: readonly Stage[], object: KubeObject, chance: number): Stage | undefined {
  if (matching.length < 2) return matching[0];
  const weights = matching.map((stage) => stage.weight(object));
  const total = weights.reduce<number>((sum, weight) => sum + Math.max(0, weight ?? 0), 0);
  if (total === 0) {
    const known = matching.filter((_, index) => weights[index] !== undefined);
    const candidates = known.length > 0 ? known : matching;
    return candidates[Math.floor(chance * candidates.length)];
  }
  let rest = chance * total;
  for (const [index, stage] of matching.entries()) {
    rest -= Math.max(0, weights[index] ?? 0);
    if (rest < 0) return stage;
  }
  return matching.at(-1);
}
