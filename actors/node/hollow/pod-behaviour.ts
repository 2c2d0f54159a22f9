/** What befalls the containers of one hollow pod, as its annotations tell it. Pure. */
import type { Pod } from "../../kinds/generated/types.ts";
import { HollowAnnotations, hasHollowAnnotations } from "./annotations.ts";
import type { Fate } from "./fate.ts";

const START = "start-seconds";
const PULL_FAILURES = "pull-failures";
const READY = "ready-seconds";
const RUN = "run-seconds";
const EXIT_CODE = "exit-code";
const CRASHES = "crashes";
const KNOWN = [START, PULL_FAILURES, READY, RUN, EXIT_CODE, CRASHES] as const;

const COUNT_MAX = 1_000_000;
const EXIT_CODE_MAX = 255;

export interface PodBehaviour {
  /** Until the containers run, once their images are there; undefined: as the profile says. */
  readonly start_ms: number | undefined;
  /** So many attempts to pull the images fail before one goes well. */
  readonly pullFailures: number;
  /** From the start of the containers until they are ready. */
  readonly ready_ms: number;
  /** How long the containers run before they exit; undefined: as the profile says where they are meant to end. */
  readonly run_ms: number | undefined;
  /** Whether its containers are told to fail at all. */
  readonly fails: boolean;
  /** How the containers exit that have been started again so many times; undefined: they do not fail. */
  exitCode(restarts: number): number | undefined;
  /** What was not understood. */
  readonly complaints: readonly string[];
}

/** Undefined for nearly all pods: their annotations say nothing of the kind. */
export function podBehaviour({ metadata }: Pod, fate: Fate): PodBehaviour | undefined {
  if (!hasHollowAnnotations(metadata.annotations)) return undefined;
  const told = new HollowAnnotations(metadata.annotations ?? {}, `pods/${metadata.namespace}/${metadata.name}`, fate);
  const code = told.count(EXIT_CODE, EXIT_CODE_MAX) ?? 0;
  const crashes = told.count(CRASHES, COUNT_MAX, { always: true }) ?? Number.POSITIVE_INFINITY;
  const fails = told.befalls(CRASHES);
  const behaviour: PodBehaviour = {
    start_ms: ifBefalls(told, START, told.span_ms(START)),
    pullFailures: ifBefalls(told, PULL_FAILURES, told.count(PULL_FAILURES, COUNT_MAX, { always: true })) ?? 0,
    ready_ms: ifBefalls(told, READY, told.span_ms(READY, { never: true })) ?? 0,
    run_ms: ifBefalls(told, RUN, told.span_ms(RUN)),
    fails: code > 0,
    exitCode: (restarts) => (code > 0 && fails && restarts < crashes && told.befalls(EXIT_CODE, restarts) ? code : undefined),
    complaints: told.complaints,
  };
  told.befalls(EXIT_CODE);
  told.refuseOthers(KNOWN);
  return behaviour;
}

function ifBefalls<T>(told: HollowAnnotations, name: (typeof KNOWN)[number], value: T | undefined): T | undefined {
  return value !== undefined && told.befalls(name) ? value : undefined;
}
