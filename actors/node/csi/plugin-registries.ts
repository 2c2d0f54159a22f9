import type { Node } from "../../kinds/generated/types.ts";
import type { Change, Entry, Subscription } from "../../store/view.ts";
import { PluginRegistry, type PluginRegistryOptions } from "./plugin-registry.ts";

/** The registries of plugins of all nodes that live on this machine: each is there as long as its Node. */
export class PluginRegistries {
  readonly #options: Omit<PluginRegistryOptions, "node">;
  readonly #livesHere: (node: Node) => boolean;
  readonly #registries = new Map<string, PluginRegistry>();
  readonly #closing = new Set<Promise<void>>();
  #watch: Subscription | undefined;

  constructor(options: Omit<PluginRegistryOptions, "node">, livesHere: (node: Node) => boolean) {
    this.#options = options;
    this.#livesHere = livesHere;
  }

  begin(): void {
    const { view } = this.#options;
    this.#watch = view.watch("nodes", view.revision, (change) => this.#changed(change));
    for (const entry of view.list("nodes")) this.#see(entry);
  }

  async close(): Promise<void> {
    this.#watch?.cancel();
    for (const name of [...this.#registries.keys()]) this.#end(name);
    await Promise.all(this.#closing);
  }

  #changed({ now, before }: Change): void {
    if (now === undefined) this.#end((before?.key ?? "").slice("nodes/".length));
    else this.#see(now);
  }

  #see(entry: Entry): void {
    const { view, log } = this.#options;
    const name = entry.key.slice("nodes/".length);
    if (this.#registries.has(name) || !this.#livesHere(view.decode<Node>(entry))) return;
    const registry = new PluginRegistry({ ...this.#options, node: name });
    this.#registries.set(name, registry);
    registry.begin().catch((error: unknown) => log.error({ node: name, error: String(error) }, "plugins of a node cannot be registered"));
  }

  #end(name: string): void {
    const registry = this.#registries.get(name);
    if (registry === undefined) return;
    this.#registries.delete(name);
    const closed = registry.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
