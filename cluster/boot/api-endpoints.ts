import { EndpointsKind } from "../../actors/kinds/core/endpoints.ts";
import { EndpointSliceKind, SERVICE_NAME } from "../../actors/kinds/discovery/endpoint-slice.ts";
import type { EndpointSlice, Endpoints } from "../../actors/kinds/generated/types.ts";
import { semanticEqual } from "../../actors/kinds/machinery/equal.ts";
import { type Kind, type KubeObject, keyFor, type Registry, StatusError, type View } from "../../actors/mod.ts";
import type { Clock, Logger, Timer } from "../../runtime/mod.ts";

/** Where the API server listens. */
export interface ApiAddress {
  readonly address: string;
  readonly port: number;
}

export interface ApiEndpointsWorld {
  readonly registry: Registry;
  readonly view: View;
  readonly clock: Clock;
  readonly log: Logger;
}

const NAME = "kubernetes";
const NAMESPACE = "default";
/** Source: kube-apiserver's kubernetesservice controller. */
const PERIOD_MS = 10_000;
const PORT = { name: "https", protocol: "TCP" } as const;

/**
 * Makes sure again and again that the service `kubernetes` leads to the API server, for as long as it is not cancelled. Source:
 * pkg/controlplane/reconcilers.
 */
export function keepApiEndpoints(world: ApiEndpointsWorld, api: ApiAddress): Timer {
  const { clock, log } = world;
  let timer: Timer | undefined;
  let cancelled = false;
  const look = async (): Promise<void> => {
    await ensureApiEndpoints(world, api).catch((error: unknown) => {
      if (!cancelled) log.warn({ error: String(error) }, "the service kubernetes does not lead to the API server yet; trying again");
    });
    if (!cancelled) timer = clock.after(PERIOD_MS, () => void look());
  };
  void look();
  return {
    cancel() {
      cancelled = true;
      timer?.cancel();
    },
  };
}

export async function ensureApiEndpoints(
  world: Pick<ApiEndpointsWorld, "registry" | "view">,
  { address, port }: ApiAddress,
): Promise<void> {
  const metadata = { name: NAME, namespace: NAMESPACE, uid: "", creationTimestamp: "" };
  await ensure<Endpoints>(world, EndpointsKind, {
    metadata: { ...metadata, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ ...PORT, port }] }],
  });
  await ensure<EndpointSlice>(world, EndpointSliceKind, {
    metadata: { ...metadata, labels: { [SERVICE_NAME]: NAME } },
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ ...PORT, port }],
  });
}

/** Makes the object where it is not there, and what it says where it says something else. */
async function ensure<T extends KubeObject>(
  { registry, view }: Pick<ApiEndpointsWorld, "registry" | "view">,
  kind: Kind<T>,
  wanted: T,
): Promise<void> {
  const { name, namespace } = wanted.metadata;
  const current = view.get<T>(keyFor(kind, namespace, name));
  const said = ({ metadata, ...content }: T): object => ({ content, labels: metadata.labels });
  if (current !== undefined && semanticEqual(said(current), said(wanted))) return;
  const options = { fieldManager: "kube-apiserver" };
  try {
    if (current === undefined) await registry.create(kind, structuredClone(wanted), options);
    else {
      const change = (now: T): T => ({ ...wanted, metadata: { ...now.metadata, labels: { ...wanted.metadata.labels } } });
      await registry.modify(kind, namespace, name, change, options);
    }
  } catch (error) {
    // Somebody else was quicker; the next look tells whether it is right.
    if (!(error instanceof StatusError && error.status.code === 409)) throw error;
  }
}
