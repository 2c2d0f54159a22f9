import type { NodeFacts } from "./facts.ts";

interface ImageState {
  readonly size_bytes: number;
  nodes: number;
}

/** On how many nodes each image is. An image counts with the size that its first node told. Source: the cache of kube-scheduler. */
export class ImageSpread {
  readonly #images = new Map<string, ImageState>();

  of(name: string): { readonly nodes: number; readonly size_bytes: number } | undefined {
    return this.#images.get(name);
  }

  add(node: NodeFacts): void {
    for (const { name, size_bytes } of node.images) {
      const state = this.#images.get(name);
      if (state === undefined) this.#images.set(name, { size_bytes, nodes: 1 });
      else state.nodes++;
    }
  }

  remove(node: NodeFacts): void {
    for (const { name } of node.images) {
      const state = this.#images.get(name);
      if (state !== undefined && --state.nodes === 0) this.#images.delete(name);
    }
  }
}
