import type { ConfigMap, Container, Pod } from "../../kinds/generated/types.ts";
import { parseQuantity } from "../../kinds/machinery/quantity.ts";
import type { View } from "../../store/view.ts";
import { recordingIn, type UsedResource } from "./recording.ts";
import type { ContainerUsage } from "./usage.ts";
import { type Amount, parseProfile, sineShare, type UsageProfile } from "./usage-profile.ts";

/** On a pod: the profile of each of its containers, or with `.NAME` behind it that of one. kwok's own are understood as well. */
export const USAGE_ANNOTATIONS: Readonly<Record<UsedResource, readonly string[]>> = {
  cpu: ["troupe.dev/usage-cpu", "kwok.x-k8s.io/usage-cpu"],
  memory: ["troupe.dev/usage-memory", "kwok.x-k8s.io/usage-memory"],
};

/** What a container uses of its request when nobody says. */
const DEFAULT_SHARE = 0.5;
/** What it uses when it requests nothing: 1m, 1Mi. Source: kwok's default ClusterResourceUsage. */
const IDLE: Readonly<Record<UsedResource, number>> = { cpu: 0.001, memory: 1_048_576 };
const NANO = 1e9;

/**
 * What the containers of hollow pods use, worked out from their profiles for the moment that is asked about: nothing is kept, and no timer runs. A
 * container never uses more than its limit.
 */
export function hollowUsage(view: Pick<View, "get">, pod: Pod, now_ms: number): readonly ContainerUsage[] {
  const { spec, status } = pod;
  if (status?.phase !== "Running") return [];
  const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  const running = new Set(statuses.filter(({ state }) => state?.running !== undefined).map(({ name }) => name));
  return [...spec.containers, ...(spec.initContainers ?? [])]
    .filter(({ name }) => running.has(name))
    .map((container) => ({
      name: container.name,
      cpu_nanocores: Math.round(used(view, pod, container, "cpu", now_ms) * NANO),
      memory_bytes: Math.round(used(view, pod, container, "memory", now_ms)),
    }));
}

/** Cores or bytes. */
function used(view: Pick<View, "get">, pod: Pod, container: Container, resource: UsedResource, now_ms: number): number {
  const { requests, limits } = container.resources ?? {};
  const request = valueIn(requests?.[resource]);
  const idle = request === undefined ? IDLE[resource] : request * DEFAULT_SHARE;
  const profile = profileOf(pod, container.name, resource);
  const amountOf = (amount: Amount): number | undefined =>
    amount.of === "nothing" ? amount.value : request === undefined ? undefined : request * amount.share;
  const value = (): number | undefined => {
    switch (profile?.form) {
      case undefined:
        return undefined;
      case "constant":
        return amountOf(profile.amount);
      case "sine": {
        const least = amountOf(profile.least);
        const most = amountOf(profile.most);
        return least === undefined || most === undefined ? undefined : least + (most - least) * sineShare(profile, now_ms);
      }
      case "replay": {
        const amount = recorded(view, pod, container.name, resource, profile, now_ms);
        return amount === undefined ? undefined : amountOf(amount);
      }
    }
  };
  return Math.min(value() ?? idle, valueIn(limits?.[resource]) ?? Number.POSITIVE_INFINITY);
}

function recorded(
  view: Pick<View, "get">,
  { metadata, status }: Pod,
  container: string,
  resource: UsedResource,
  { configMap: name, key, repeat_ms }: Extract<UsageProfile, { form: "replay" }>,
  now_ms: number,
): Amount | undefined {
  const configMap = view.get<ConfigMap>(`configmaps/${metadata.namespace}/${name}`);
  if (configMap === undefined) return undefined;
  const elapsed_ms = now_ms - Date.parse(status?.startTime ?? metadata.creationTimestamp);
  return recordingIn(configMap, key)?.at(resource, container, repeat_ms === undefined ? elapsed_ms : elapsed_ms % repeat_ms);
}

/** The nearest annotation that is a profile. */
function profileOf({ metadata }: Pod, container: string, resource: UsedResource): UsageProfile | undefined {
  const { annotations } = metadata;
  if (annotations === undefined) return undefined;
  const names = USAGE_ANNOTATIONS[resource];
  for (const name of [...names.map((one) => `${one}.${container}`), ...names]) {
    const text = annotations[name];
    const profile = text === undefined ? undefined : parseProfile(text);
    if (profile !== undefined) return profile;
  }
  return undefined;
}

function valueIn(quantity: string | undefined): number | undefined {
  return quantity === undefined ? undefined : Number(parseQuantity(quantity).nano) / NANO;
}
