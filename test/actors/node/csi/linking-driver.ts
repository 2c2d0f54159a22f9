import { existsSync } from "node:fs";
import { lstat, mkdir, readFile, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CONTROLLER, IDENTITY, NODE, REGISTRATION } from "../../../../actors/node/csi/messages.ts";
import { type Listening, listening, offered, Refused } from "../grpc/socket.ts";

type Step = (request: Record<string, unknown>) => void | Promise<void>;

export interface DriverOptions {
  readonly name?: string;
  readonly nodeId?: string;
  readonly volumesMax?: number;
  readonly topology?: Readonly<Record<string, string>>;
  readonly nodeCapabilities?: readonly number[];
  readonly controllerCapabilities?: readonly number[];
  readonly pluginCapabilities?: readonly number[];
  readonly versions?: readonly string[];
  readonly type?: string;
}

/**
 * A CSI driver as in Kubernetes' hostpath example, of directories: to publish a volume is to link to its directory, which takes no rights. It holds who calls it to what CSI
 * says of the order of calls. What it has lies on the disk, so another one may go on with it.
 */
export class LinkingDriver {
  readonly name: string;
  /** Each call, as `NodeStageVolume`, with what came with it. */
  readonly calls: { readonly method: string; readonly request: Record<string, unknown> }[] = [];
  /** What goes before an answer: a throw is the answer. */
  readonly before: Map<string, Step> = new Map();
  /** What it was told of its registration. */
  readonly told: { readonly pluginRegistered: boolean; readonly error: string }[] = [];
  readonly #directory: string;
  readonly #options: DriverOptions;
  #listening: Listening[] = [];

  constructor(directory: string, options: DriverOptions = {}) {
    this.#directory = directory;
    this.#options = options;
    this.name = options.name ?? "linking.csi.test";
  }

  get socket(): string {
    return join(this.#directory, "csi.sock");
  }

  /** By the name of the volume that was asked for. */
  pathOf(volume: string): string {
    return join(this.#directory, "volumes", volume);
  }

  methods(): readonly string[] {
    return this.calls.map(({ method }) => method).filter((method) => !method.includes("Get"));
  }

  /** `registry`: where it says that it is there; undefined: nowhere. */
  async begin(registry?: string): Promise<void> {
    await mkdir(join(this.#directory, "volumes"), { recursive: true });
    this.#listening.push(await listening([this.#identity(), this.#controller(), this.#node()], this.socket));
    if (registry !== undefined) this.#listening.push(await listening([this.#registration()], join(registry, `${this.name}-reg.sock`)));
  }

  async end(): Promise<void> {
    for (const open of this.#listening.reverse()) await open.close();
    this.#listening = [];
  }

  async #called(method: string, request: object): Promise<void> {
    this.calls.push({ method, request: request as Record<string, unknown> });
    await this.before.get(method)?.(request as Record<string, unknown>);
  }

  #registration(): ReturnType<typeof offered> {
    const { versions = ["1.0.0"], type = "CSIPlugin" } = this.#options;
    return offered(REGISTRATION, {
      GetInfo: async () => {
        await this.#called("GetInfo", {});
        return { type, name: this.name, endpoint: this.socket, supportedVersions: versions };
      },
      NotifyRegistrationStatus: (status) => {
        this.told.push(status);
        return {};
      },
    });
  }

  #identity(): ReturnType<typeof offered> {
    const { pluginCapabilities = [1] } = this.#options;
    return offered(IDENTITY, {
      GetPluginInfo: () => ({ name: this.name, vendorVersion: "1" }),
      GetPluginCapabilities: () => ({ capabilities: pluginCapabilities.map((type) => ({ service: { type } })) }),
    });
  }

  #controller(): ReturnType<typeof offered> {
    const { controllerCapabilities = [1, 2, 9], topology } = this.#options;
    return offered(CONTROLLER, {
      ControllerGetCapabilities: () => ({ capabilities: controllerCapabilities.map((type) => ({ rpc: { type } })) }),
      CreateVolume: async (request) => {
        await this.#called("CreateVolume", request);
        const { name, capacityRange, parameters } = request;
        await mkdir(this.pathOf(name), { recursive: true });
        await writeFile(`${this.pathOf(name)}.size`, String(capacityRange?.requiredBytes ?? 0));
        const accessibleTopology = topology === undefined ? [] : [{ segments: topology }];
        const capacityBytes = capacityRange?.requiredBytes ?? 0;
        return { volume: { volumeId: name, capacityBytes, volumeContext: { ...parameters }, accessibleTopology } };
      },
      DeleteVolume: async (request) => {
        await this.#called("DeleteVolume", request);
        await rm(this.pathOf(request.volumeId), { recursive: true, force: true });
        return {};
      },
      ControllerPublishVolume: async (request) => {
        await this.#called("ControllerPublishVolume", request);
        this.#known(request.volumeId);
        return { publishContext: { at: `${request.nodeId}:${request.volumeId}` } };
      },
      ControllerUnpublishVolume: async (request) => {
        await this.#called("ControllerUnpublishVolume", request);
        return {};
      },
      ControllerExpandVolume: async (request) => {
        await this.#called("ControllerExpandVolume", request);
        this.#known(request.volumeId);
        const bytes = request.capacityRange?.requiredBytes ?? 0;
        await writeFile(`${this.pathOf(request.volumeId)}.size`, String(bytes));
        const { nodeCapabilities = ALL } = this.#options;
        return { capacityBytes: bytes, nodeExpansionRequired: nodeCapabilities.includes(EXPAND) };
      },
      GetCapacity: async (request) => {
        await this.#called("GetCapacity", request);
        return { availableCapacity: 2 ** 40 };
      },
    });
  }

  #node(): ReturnType<typeof offered> {
    const { nodeId = "machine-1", volumesMax = 0, topology, nodeCapabilities = ALL } = this.#options;
    const isStaging = nodeCapabilities.includes(STAGE);
    return offered(NODE, {
      NodeGetInfo: async () => {
        await this.#called("NodeGetInfo", {});
        const accessibleTopology = topology === undefined ? undefined : { segments: topology };
        return { nodeId, maxVolumesPerNode: volumesMax, accessibleTopology };
      },
      NodeGetCapabilities: () => ({ capabilities: nodeCapabilities.map((type) => ({ rpc: { type } })) }),
      NodeStageVolume: async (request) => {
        await this.#called("NodeStageVolume", request);
        this.#known(request.volumeId);
        await writeFile(join(request.stagingTargetPath, "staged"), request.volumeId);
        return {};
      },
      NodeUnstageVolume: async (request) => {
        await this.#called("NodeUnstageVolume", request);
        await rm(join(request.stagingTargetPath, "staged"), { force: true });
        return {};
      },
      NodePublishVolume: async (request) => {
        await this.#called("NodePublishVolume", request);
        const { volumeId, stagingTargetPath, targetPath, volumeCapability, volumeContext } = request;
        const isEphemeral = volumeContext["csi.storage.k8s.io/ephemeral"] === "true";
        if (isEphemeral) await mkdir(this.pathOf(volumeId), { recursive: true });
        this.#known(volumeId);
        if (isStaging && !isEphemeral && (await readFile(join(stagingTargetPath, "staged"), "utf8").catch(() => "")) !== volumeId)
          throw new Refused("FAILED_PRECONDITION", `${volumeId} is not staged`);
        if (!existsSync(dirname(targetPath))) throw new Refused("INTERNAL", `there is no ${dirname(targetPath)}`);
        const place = volumeCapability?.block === null ? this.pathOf(volumeId) : `${this.pathOf(volumeId)}.size`;
        await symlink(place, targetPath).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "EEXIST") throw error;
        });
        return {};
      },
      NodeUnpublishVolume: async (request) => {
        await this.#called("NodeUnpublishVolume", request);
        if ((await lstat(request.targetPath).catch(() => undefined)) !== undefined) await unlink(request.targetPath);
        return {};
      },
      NodeExpandVolume: async (request) => {
        await this.#called("NodeExpandVolume", request);
        this.#known(request.volumeId);
        return { capacityBytes: request.capacityRange?.requiredBytes ?? 0 };
      },
    });
  }

  #known(volume: string): void {
    if (!existsSync(this.pathOf(volume))) throw new Refused("NOT_FOUND", `there is no volume ${volume}`);
  }
}

const STAGE = 1;
const EXPAND = 3;
const ALL: readonly number[] = [STAGE, EXPAND];
