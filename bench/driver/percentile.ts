/**
 * The value below which `share` (0 to 1) of the samples lie, by the nearest rank; undefined of no samples. Kubernetes' service levels are
 * given this way (p50, p99).
 */
export function percentile(samples: Iterable<number>, share: number): number | undefined {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
