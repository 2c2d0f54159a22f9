/**
 * How long kubelet waits before it tries a failed thing again: ten seconds, doubled each time, five minutes at most.
 * Source: kubelet's MaxContainerBackOff and containerBackOff (Kubernetes 1.34).
 */
const BACK_OFF_MS = 10_000;
const BACK_OFF_MAX_MS = 300_000;

/** The wait after so many failures; `failures` from 1. */
export function backOff_ms(failures: number): number {
  return Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** Math.min(failures - 1, 30));
}

/** `10s`, `1m20s`, `5m0s`: as Go prints whole seconds. */
export function goSeconds(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
