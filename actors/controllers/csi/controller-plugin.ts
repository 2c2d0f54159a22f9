import type { Secret, SecretReference } from "../../kinds/generated/types.ts";
import type { CsiDriverSocket } from "../../node/csi/csi-client.ts";
import type { Subscription, View } from "../../store/view.ts";
import type { Action, Controller, Watch } from "../controller.ts";

/** A CSI driver whose controller's side Troupe calls itself, in place of the sidecars that its authors have for it. */
export interface ControllerPlugin {
  readonly driver: string;
  /** Of CONTROLLER_CAPABILITY. */
  readonly capabilities: ReadonlySet<number>;
  /** Its volumes are not to be had everywhere. */
  readonly hasTopology: boolean;
  /** Its volumes grow on nodes. */
  readonly growsOnNodes: boolean;
  readonly socket: Pick<CsiDriverSocket, "controller">;
}

/** Calls back for each plugin that there is, and that comes. */
export type HearOfPlugins = (hear: (plugin: ControllerPlugin) => void) => Subscription;

/** The plugins that a controller has heard of, by their drivers; it watches from the first one on. */
export function heardOf(
  hearOf: HearOfPlugins | undefined,
  watches: readonly Watch[],
): { readonly plugins: ReadonlyMap<string, ControllerPlugin>; readonly more: Pick<Controller, "more"> } {
  const plugins = new Map<string, ControllerPlugin>();
  if (hearOf === undefined) return { plugins, more: {} };
  const more: NonNullable<Controller["more"]> = (watch) =>
    hearOf((plugin) => {
      plugins.set(plugin.driver, plugin);
      for (const each of watches) watch(each, []);
    });
  return { plugins, more: { more } };
}

/** How long what failed waits, longer each time in a row. Source: the sidecars' rate limiters. */
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 300_000;

export class Delays {
  readonly #failed = new Map<string, { readonly times: number; readonly until_ms: number }>();

  /** It has failed at this time; what has it tried again. */
  failed(key: string, now_ms: number): Action {
    const times = this.#failed.get(key)?.times ?? 0;
    const wait_ms = Math.min(RETRY_FIRST_MS * 2 ** times, RETRY_MOST_MS);
    this.#failed.set(key, { times: times + 1, until_ms: now_ms + wait_ms });
    return { do: "requeue", after_ms: wait_ms };
  }

  done(key: string): void {
    this.#failed.delete(key);
  }

  /** What it is to wait for still: what failed is told, and that is a change that would have it tried again at once. */
  wait(key: string, now_ms: number): Action | undefined {
    const left_ms = (this.#failed.get(key)?.until_ms ?? now_ms) - now_ms;
    return left_ms > 0 ? { do: "requeue", after_ms: left_ms } : undefined;
  }
}

/** What a secret has, for a driver. Throws an Error. */
export function secretData(view: Pick<View, "get">, reference: SecretReference | undefined): Readonly<Record<string, string>> {
  if (reference === undefined) return {};
  const { name = "", namespace = "" } = reference;
  const secret = view.get<Secret>(`secrets/${namespace}/${name}`);
  if (secret === undefined)
    throw new Error(`error getting secret ${name} in namespace ${namespace}: secrets ${JSON.stringify(name)} not found`);
  return Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, "base64").toString()]));
}
