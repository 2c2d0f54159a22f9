import type { APIService } from "../../actors/kinds/generated/types.ts";
import type { Entry, Subscription, View } from "../../actors/store/view.ts";

const API_SERVICES = "apiservices.apiregistration.k8s.io";
const HTTPS_PORT = 443;

/** A group and version that somebody else serves, behind a service. */
export interface RemoteService {
  /** `v1beta1.metrics.k8s.io` */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  /** PEM; undefined: whom this machine trusts. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly available: boolean;
  /** The object's own revision: what is remembered of an earlier one means nothing. */
  readonly revision: number;
}

/** Those that there are, as the view shows them. */
export class RemoteServices {
  readonly #byGroupVersion = new Map<string, RemoteService>();
  readonly #listeners = new Set<(service: RemoteService | undefined) => void>();
  readonly #subscription: Subscription;

  /** `isOwn`: what is built in, which nobody can take over. */
  constructor(view: View, isOwn: (group: string, version: string) => boolean) {
    const take = (entry: Entry | undefined, before: Entry | undefined): void => {
      if (before !== undefined) {
        const { group = "", version = "" } = view.decode<APIService>(before).spec ?? {};
        this.#byGroupVersion.delete(`${group}/${version}`);
      }
      const service = entry === undefined ? undefined : remoteOf(view.decode<APIService>(entry), entry.revision);
      const isRemote = service !== undefined && !isOwn(service.group, service.version);
      if (isRemote) this.#byGroupVersion.set(`${service.group}/${service.version}`, service);
      if (isRemote || before !== undefined) for (const hear of this.#listeners) hear(isRemote ? service : undefined);
    };
    for (const entry of view.list(API_SERVICES)) take(entry, undefined);
    this.#subscription = view.watch(API_SERVICES, view.revision, ({ now, before }) => take(now, before));
  }

  get size(): number {
    return this.#byGroupVersion.size;
  }

  find(group: string, version: string): RemoteService | undefined {
    return this.#byGroupVersion.get(`${group}/${version}`);
  }

  all(): readonly RemoteService[] {
    return [...this.#byGroupVersion.values()];
  }

  /** Calls back for each that comes or changes, from now on; with nothing when one goes. */
  hear(listener: (service: RemoteService | undefined) => void): void {
    this.#listeners.add(listener);
  }

  cancel(): void {
    this.#subscription.cancel();
  }
}

function remoteOf({ metadata, spec, status }: APIService, revision: number): RemoteService | undefined {
  const { group = "", version = "", service, caBundle, insecureSkipTLSVerify } = spec ?? {};
  if (service === undefined) return undefined;
  return {
    name: metadata.name,
    group,
    version,
    service: { namespace: service.namespace ?? "", name: service.name ?? "", port: service.port ?? HTTPS_PORT },
    ca: caBundle ? Buffer.from(caBundle, "base64").toString("utf8") : undefined,
    insecure: insecureSkipTLSVerify === true,
    available: status?.conditions?.some(({ type, status: is }) => type === "Available" && is === "True") === true,
    revision,
  };
}
