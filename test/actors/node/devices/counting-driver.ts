import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { REGISTRATION } from "../../../../actors/node/csi/messages.ts";
import { DRA_SERVICES, type DraService } from "../../../../actors/node/devices/messages.ts";
import { type Listening, listening, offered } from "../grpc/socket.ts";

export interface CountingOptions {
  readonly name?: string;
  /** What it says that it offers, and what it does offer. */
  readonly services?: readonly string[];
  readonly endpoint?: (socket: string) => string;
}

interface Claim {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

/** A driver of devices, small as can be: what it prepares is a variable `COUNTED` with the name of the claim, described as the Container Device Interface wants it. */
export class CountingDriver {
  readonly name: string;
  /** Each call: `prepare a,b`. */
  readonly calls: string[] = [];
  /** Why a claim cannot be prepared, or let go of, by its name. */
  readonly refused: Map<string, string> = new Map();
  /** What it was told of its registration. */
  readonly told: { readonly pluginRegistered: boolean; readonly error: string }[] = [];
  readonly #directory: string;
  readonly #options: CountingOptions;
  #listening: Listening[] = [];

  constructor(directory: string, options: CountingOptions = {}) {
    this.#directory = directory;
    this.#options = options;
    this.name = options.name ?? "counting.dra.test";
  }

  /** `registry`: where it says that it is there; `cdi`: where it describes its devices. */
  async begin(registry: string, cdi: string): Promise<void> {
    for (const path of [this.#directory, registry, cdi]) await mkdir(path, { recursive: true });
    const { services = ["v1.DRAPlugin", "v1beta1.DRAPlugin"], endpoint = (socket) => socket } = this.#options;
    const socket = join(this.#directory, "dra.sock");
    const known = services.flatMap((service) => DRA_SERVICES[service] ?? []);
    this.#listening.push(
      await listening(
        known.map((service) => this.#plugin(service, cdi)),
        socket,
      ),
    );
    const registration = offered(REGISTRATION, {
      GetInfo: () => ({ type: "DRAPlugin", name: this.name, endpoint: endpoint(socket), supportedVersions: services }),
      NotifyRegistrationStatus: (status) => {
        this.told.push(status);
        return {};
      },
    });
    this.#listening.push(await listening([registration], join(registry, `${this.name}-reg.sock`)));
  }

  async end(): Promise<void> {
    for (const open of this.#listening.reverse()) await open.close();
    this.#listening = [];
  }

  #plugin(service: DraService, cdi: string): ReturnType<typeof offered> {
    return offered(service, {
      NodePrepareResources: async ({ claims }) => {
        this.#called("prepare", claims);
        const answers = claims.map(async (claim) => [claim.uid, await this.#prepare(claim, cdi)] as const);
        return { claims: Object.fromEntries(await Promise.all(answers)) };
      },
      NodeUnprepareResources: ({ claims }) => {
        this.#called("unprepare", claims);
        return { claims: Object.fromEntries(claims.map(({ uid, name }) => [uid, { error: this.refused.get(name) ?? "" }])) };
      },
    });
  }

  async #prepare({ name, uid }: Claim, cdi: string): Promise<{ devices: object[]; error: string }> {
    const error = this.refused.get(name) ?? "";
    if (error !== "") return { devices: [], error };
    const device = { name: uid, containerEdits: { env: [`COUNTED=${name}`] } };
    const spec = { cdiVersion: "0.6.0", kind: `${this.name}/claim`, devices: [device] };
    await writeFile(join(cdi, `${this.name}-${uid}.json`), JSON.stringify(spec));
    return { devices: [{ requestNames: ["r"], poolName: "p", deviceName: "d", cdiDeviceIds: [`${this.name}/claim=${uid}`] }], error: "" };
  }

  #called(method: string, claims: readonly Claim[]): void {
    this.calls.push(`${method} ${claims.map(({ name }) => name).join()}`);
  }
}
