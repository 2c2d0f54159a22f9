import type { NodeFacts, PodFacts, WorldFacts } from "../facts.ts";
import { type Plugin, SCORE_MAX } from "./plugin.ts";

const MIB = 1024 * 1024;
/** Less than this on a node is not worth anything. */
const IMAGES_MIN_BYTES = 23 * MIB;
/** More than this per container is not worth more. */
const IMAGES_MAX_BYTES = 1000 * MIB;

/** Prefers nodes that have the pod's images, counted by size and by how widely each is spread. */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  weight: 1,
  fixed: { score },
};

function score(pod: PodFacts, node: NodeFacts, world: WorldFacts): number {
  let sum = 0;
  if (node.images.length > 0) {
    for (const image of pod.images) sum += scaledSize(image, node, world);
  }
  const max = IMAGES_MAX_BYTES * pod.images.length;
  const clamped = Math.min(Math.max(sum, IMAGES_MIN_BYTES), max);
  return Math.floor((SCORE_MAX * (clamped - IMAGES_MIN_BYTES)) / (max - IMAGES_MIN_BYTES));
}

function scaledSize(image: string, node: NodeFacts, world: WorldFacts): number {
  const state = node.images.some(({ name }) => name === image) ? world.image(image) : undefined;
  return state === undefined ? 0 : Math.trunc(state.size_bytes * (state.nodes / world.nodes()));
}
