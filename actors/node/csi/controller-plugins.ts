import type { Clock, Logger, Timer } from "../../../runtime/mod.ts";
import type { ControllerPlugin, HearOfPlugins } from "../../controllers/csi/controller-plugin.ts";
import type { Subscription } from "../../store/view.ts";
import { csiDriverAt } from "./csi-client.ts";
import { NODE_CAPABILITY, PLUGIN_CAPABILITY } from "./numbers.ts";

/** A driver that does not answer yet is asked again after this. */
const RETRY_MS = 1_000;

/** Asks the drivers behind these sockets what they are, until each has said so. */
export class ControllerPlugins {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known: ControllerPlugin[] = [];
  readonly #hearing = new Set<(plugin: ControllerPlugin) => void>();
  readonly #timers = new Map<string, Timer>();
  #isOver = false;

  constructor(sockets: readonly string[], clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    for (const socket of sockets) this.#ask(socket);
  }

  readonly hear: HearOfPlugins = (hear): Subscription => {
    this.#hearing.add(hear);
    for (const plugin of this.#known) hear(plugin);
    return { cancel: () => void this.#hearing.delete(hear) };
  };

  close(): void {
    this.#isOver = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #ask(path: string): void {
    pluginAt(path, this.#clock).then(
      (plugin) => {
        if (this.#isOver) return;
        this.#log.info({ driver: plugin.driver, socket: path }, "the controller's side of a CSI driver is called from here");
        this.#known.push(plugin);
        for (const hear of this.#hearing) hear(plugin);
      },
      (error: Error) => {
        if (this.#isOver) return;
        this.#log.debug({ socket: path, error: error.message }, "a CSI driver does not answer yet");
        this.#timers.set(
          path,
          this.#clock.after(RETRY_MS, () => this.#ask(path)),
        );
      },
    );
  }
}

async function pluginAt(path: string, clock: Clock): Promise<ControllerPlugin> {
  const socket = csiDriverAt(path, clock);
  const { name } = await socket.identity("GetPluginInfo", {});
  const { capabilities: ofPlugin } = await socket.identity("GetPluginCapabilities", {});
  const { capabilities } = await socket.controller("ControllerGetCapabilities", {});
  // The node's side may be behind another socket.
  const ofNode = await socket.node("NodeGetCapabilities", {}).catch(() => ({ capabilities: [] }));
  return {
    driver: name,
    capabilities: new Set(capabilities.map(({ rpc }) => rpc?.type ?? 0)),
    hasTopology: ofPlugin.some(({ service }) => service?.type === PLUGIN_CAPABILITY.topology),
    growsOnNodes: ofNode.capabilities.some(({ rpc }) => rpc?.type === NODE_CAPABILITY.expand),
    socket,
  };
}
