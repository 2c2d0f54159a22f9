import type { Pod } from "../generated/types.ts";

/** The phases of pods that never run again. */
export function isTerminalPhase(phase: string | undefined): phase is "Succeeded" | "Failed" {
  return phase === "Succeeded" || phase === "Failed";
}

/** Whether a pod never runs again. */
export function isTerminal({ status }: Pod): boolean {
  return isTerminalPhase(status?.phase);
}
