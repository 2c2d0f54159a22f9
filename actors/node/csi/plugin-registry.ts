import { type FSWatcher, watch } from "node:fs";
import { mkdir } from "node:fs/promises";
import type { Clock, Logger, Timer } from "../../../runtime/mod.ts";
import { NodeKind } from "../../kinds/core/node.ts";
import type { CSINode, Node } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { StatusError } from "../../kinds/status.ts";
import { CSINodeKind } from "../../kinds/storage/csi-node.ts";
import { NODE_OF_NAME } from "../../registry/authors.ts";
import type { ObjectWrites } from "../../registry/registry.ts";
import type { ObjectView } from "../../store/view.ts";
import { checkDeviceDriver, DRA_PLUGIN } from "../devices/device-driver.ts";
import { DriverSlices } from "../devices/driver-slices.ts";
import { type DriverInfo, driverOf, newCsiNode, nodeWithDriver, nodeWithoutDriver, withDriver, withoutDriver } from "./csi-node-object.ts";
import type { PluginInfo } from "./driver-sockets.ts";
import type { NodeDirectories } from "./node-directories.ts";
import { type RegistrationSocket, registrationSockets } from "./registration-sockets.ts";

export interface PluginRegistryOptions {
  readonly node: string;
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly directories: NodeDirectories;
  readonly clock: Clock;
  readonly log: Logger;
  /** A driver can be used from now on. */
  readonly registered?: () => void;
}

const DIRECTORY_MODE = 0o750;
/** Source: goroutinemap's exponential back-off. */
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 122_000;
const AUTHOR = { fieldManager: "kubelet", author: NODE_OF_NAME } as const;

interface Plugin {
  readonly type: "CSIPlugin" | typeof DRA_PLUGIN;
  readonly name: string;
}

interface Known {
  readonly id: string;
  /** Undefined: it could not be registered so far. */
  plugin: Plugin | undefined;
  failures: number;
  retryAt_ms: number;
}

/**
 * Registers the drivers of volumes and of devices of one node, as kubelet does: a driver puts a socket into the node's `plugins_registry`, is asked what it is, and is told
 * whether it is used; when its socket goes, it is no more. One of volumes becomes known in the node's CSINode and by the labels of its topology; of one of devices that has
 * gone the ResourceSlices go. It promises that the API comes to say of each driver what its socket says, whatever failed in between. Source: pkg/kubelet/pluginmanager,
 * RegistrationHandler of pkg/volume/csi, pkg/kubelet/cm/dra/plugin.
 */
export class PluginRegistry {
  readonly #options: PluginRegistryOptions;
  /** By the path of its socket. */
  readonly #known = new Map<string, Known>();
  readonly #slices: DriverSlices;
  #watcher: FSWatcher | undefined;
  #isLooking = false;
  #isWanted = false;
  #isOver = false;
  #retry: Timer | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: PluginRegistryOptions) {
    this.#options = options;
    this.#slices = new DriverSlices(options);
  }

  async begin(): Promise<void> {
    const { directories, node } = this.#options;
    for (const path of [directories.registryOf(node), directories.pluginsOf(node)])
      await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
    if (this.#isOver) return;
    this.#watcher = watch(directories.registryOf(node), () => this.look());
    this.#watcher.on("error", (error) => this.#complain(error));
    await this.#makeCsiNode();
    this.look();
  }

  /** Resolves when nothing is asked or written any more. What is registered stays so. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#watcher?.close();
    this.#retry?.cancel();
    this.#slices.close();
    await this.#looking;
  }

  /** Something may be different: one look at a time. */
  look(): void {
    this.#isWanted = true;
    if (this.#isLooking || this.#isOver) return;
    this.#isLooking = true;
    this.#looking = this.#lookAgain()
      .catch((error: unknown) => this.#complain(error))
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #lookAgain(): Promise<void> {
    while (this.#isWanted && !this.#isOver) {
      this.#isWanted = false;
      await this.#once();
    }
  }

  async #once(): Promise<void> {
    const { directories, node, clock } = this.#options;
    const sockets = await registrationSockets(directories.registryOf(node));
    const there = new Map(sockets.map((socket) => [socket.path, socket.id]));
    for (const [path, known] of this.#known) {
      if (there.get(path) === known.id) continue;
      this.#known.delete(path);
      if (known.plugin !== undefined) await this.#unregistered(known.plugin);
    }
    for (const socket of sockets) await this.#see(socket);
    const waiting = [...this.#known.values()].filter(({ plugin }) => plugin === undefined);
    this.#retry?.cancel();
    if (this.#isOver) return;
    // A driver of which nobody knows any more may be behind a socket that does not answer yet.
    if (waiting.length === 0) return this.#forgetStrangers();
    const at_ms = Math.min(...waiting.map(({ retryAt_ms }) => retryAt_ms));
    this.#retry = clock.after(Math.max(0, at_ms - clock.now_ms()), () => this.look());
  }

  async #see(socket: RegistrationSocket): Promise<void> {
    const { clock } = this.#options;
    const known = this.#known.get(socket.path) ?? { id: socket.id, plugin: undefined, failures: 0, retryAt_ms: 0 };
    this.#known.set(socket.path, known);
    if (known.plugin !== undefined || clock.now_ms() < known.retryAt_ms || this.#isOver) return;
    try {
      known.plugin = await this.#register(socket);
      known.failures = 0;
      this.#options.registered?.();
    } catch (error) {
      known.retryAt_ms = clock.now_ms() + Math.min(RETRY_FIRST_MS * 2 ** known.failures++, RETRY_MOST_MS);
      this.#options.log.warn({ socket: socket.path, error: (error as Error).message }, "a plugin could not be registered; trying again");
    }
  }

  async #register(socket: RegistrationSocket): Promise<Plugin> {
    const { clock, log, node } = this.#options;
    const { pluginInfo, notifyPlugin } = await import("./driver-sockets.ts");
    const info = await pluginInfo(socket, clock);
    const { type, name } = info;
    let plugin: Plugin;
    try {
      if (type === "CSIPlugin") await this.#registerCsi(socket, info);
      else if (type === DRA_PLUGIN) checkDeviceDriver({ ...info, endpoint: info.endpoint || socket.path });
      else throw new Error(`no handler registered for plugin type: ${type} at socket ${socket.path}`);
      plugin = { type, name };
    } catch (error) {
      const why = `plugin registration failed with err: ${(error as Error).message}`;
      await notifyPlugin(socket, clock, why).catch((failed: unknown) => this.#complain(failed));
      throw new Error(why);
    }
    await notifyPlugin(socket, clock, undefined).catch((error: unknown) => this.#complain(error));
    if (type === DRA_PLUGIN) this.#slices.back(name);
    log.info({ node, driver: name, type }, "a driver is registered");
    return plugin;
  }

  async #registerCsi(socket: RegistrationSocket, { name, endpoint, supportedVersions }: PluginInfo): Promise<void> {
    const { csiDriverAt } = await import("./csi-client.ts");
    if (!supportedVersions.some(isKnownVersion))
      throw new Error(`None of the versions specified ${JSON.stringify(supportedVersions)} are supported.`);
    if ([...this.#known].some(([path, { plugin }]) => plugin?.type === "CSIPlugin" && plugin.name === name && path !== socket.path))
      throw new Error(`Another driver with the name ${JSON.stringify(name)} is already registered`);
    const driver = csiDriverAt(endpoint || socket.path, this.#options.clock);
    const { nodeId, maxVolumesPerNode, accessibleTopology } = await driver.node("NodeGetInfo", {});
    await this.#tell({ name, nodeId, volumesMax: maxVolumesPerNode, topology: accessibleTopology?.segments ?? {} });
  }

  async #unregistered({ type, name }: Plugin): Promise<void> {
    if (type === "CSIPlugin") return this.#forget(name);
    // Of drivers of devices there may be two at once, while one takes over from the other.
    if (!this.#namesOf(DRA_PLUGIN).has(name)) this.#slices.gone(name);
    this.#options.log.info({ node: this.#options.node, driver: name, type }, "a driver is registered no more");
  }

  #namesOf(type: Plugin["type"]): ReadonlySet<string> {
    return new Set([...this.#known.values()].flatMap(({ plugin }) => (plugin?.type === type ? [plugin.name] : [])));
  }

  async #tell(info: DriverInfo): Promise<void> {
    const { registry, node } = this.#options;
    if (info.nodeId === "") throw new Error("error adding CSI driver node info: driverNodeID must not be empty");
    await registry.modify(NodeKind, undefined, node, (current) => nodeWithDriver(current, info), AUTHOR);
    await this.#makeCsiNode();
    const driver = driverOf(info);
    const there = await this.#changeCsiNode((current) => current);
    const before = there?.spec.drivers?.find(({ name }) => name === info.name);
    if (before !== undefined && semanticEqual(before, driver)) return;
    // What is said of a driver is not changed, but taken back and said anew.
    if (before !== undefined) await this.#changeCsiNode((current) => withoutDriver(current, info.name));
    await this.#changeCsiNode((current) => withDriver(current, driver));
  }

  async #forget(driver: string): Promise<void> {
    const { registry, node, log } = this.#options;
    await this.#changeCsiNode((current) => withoutDriver(current, driver));
    await registry
      .modify<Node>(NodeKind, undefined, node, (current) => nodeWithoutDriver(current, driver), AUTHOR)
      .catch((error: unknown) => unlessGone(error));
    log.info({ node, driver, type: "CSIPlugin" }, "a driver is registered no more");
  }

  /** Drivers whose sockets have gone while no Troupe ran. */
  async #forgetStrangers(): Promise<void> {
    const { view, node } = this.#options;
    const ours = this.#namesOf("CSIPlugin");
    const told = view.get<CSINode>(`csinodes.storage.k8s.io/${node}`)?.spec.drivers ?? [];
    for (const { name } of told) if (!ours.has(name)) await this.#forget(name);
  }

  async #makeCsiNode(): Promise<void> {
    const { registry, view, node } = this.#options;
    const owner = view.get<Node>(`nodes/${node}`);
    if (owner === undefined || view.entry(`csinodes.storage.k8s.io/${node}`) !== undefined) return;
    await registry.create(CSINodeKind, newCsiNode(owner), AUTHOR).catch((error: unknown) => {
      if (!(error instanceof StatusError && error.status.code === 409)) throw error;
    });
  }

  /** As it is then; undefined: there is none, since its Node is gone. */
  async #changeCsiNode(change: (current: CSINode) => CSINode): Promise<CSINode | undefined> {
    const { registry, view, node } = this.#options;
    try {
      const entry = await registry.modify(CSINodeKind, undefined, node, (current) => changed(current, change(current)), AUTHOR);
      return view.decode<CSINode>(entry);
    } catch (error) {
      unlessGone(error);
      return undefined;
    }
  }

  #complain(error: unknown): void {
    const { log, node } = this.#options;
    if (!this.#isOver) log.warn({ node, error: String(error) }, "a look for plugins went wrong");
  }
}

function changed(before: CSINode, after: CSINode): CSINode | undefined {
  return semanticEqual(before, after) ? undefined : after;
}

function unlessGone(error: unknown): void {
  if (!(error instanceof StatusError && error.status.code === 404)) throw error;
}

/** Source: HighestSupportedVersion: of the first major version, with or without a `v`. */
function isKnownVersion(version: string): boolean {
  return /^v?1(\.\d+)*$/.test(version);
}
