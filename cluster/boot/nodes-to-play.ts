/** Nodes of a new cluster when `--nodes` is not given. This machine is one. */
const NODES_OF_A_NEW_CLUSTER = { hollow: 5, process: 1 } as const;

/** The least number of nodes to play: what was asked for; else those that exist, or some for a new cluster. */
export function nodesToPlay(asked: number | undefined, existing: number, runtime: keyof typeof NODES_OF_A_NEW_CLUSTER = "hollow"): number {
  return asked ?? (existing > 0 ? existing : NODES_OF_A_NEW_CLUSTER[runtime]);
}
