import { CelFailure } from "./failures.ts";

/** How deep the nodes of an expression may be in one another: `1 + 1 + 1` is two deep. Source: cel-go's parser, maxRecursionDepth. */
const DEPTH_MAX = 250;

/** Throws CelFailure for a tree that is deeper: what goes through it recursively must come back. */
export function refuseDepth(tree: unknown): void {
  const left: [node: unknown, depth: number][] = [[tree, 0]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [node, depth] = next;
    if (typeof node !== "object" || node === null) continue;
    if (Array.isArray(node)) {
      for (const one of node) left.push([one, depth]);
      continue;
    }
    if (!("op" in node) || !("args" in node)) continue;
    if (depth > DEPTH_MAX) throw new CelFailure(`ERROR: <input>:-1:0: expression recursion limit exceeded: ${DEPTH_MAX}`);
    left.push([node.args, depth + 1]);
  }
}
