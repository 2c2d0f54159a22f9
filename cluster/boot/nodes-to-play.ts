/** Hollow nodes of a new cluster when `--nodes` is not given. */
const NODES_OF_A_NEW_CLUSTER = 5;

/** The least number of hollow nodes to play: what was asked for; else those that exist, or some for a new cluster. */
export function nodesToPlay(asked: number | undefined, existing: number): number {
  return asked ?? (existing > 0 ? existing : NODES_OF_A_NEW_CLUSTER);
}
