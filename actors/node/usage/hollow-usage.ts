import type { ConfigMap, Container, Pod } from "../../kinds/generated/types.ts";
import { parseQuantity } from "../../kinds/machinery/quantity.ts";
import type { ObjectView } from "../../store/view.ts";
import { KwokUsage } from "./kwok-usage.ts";
import { recordingIn, type UsedResource } from "./recording.ts";
import type { UsageOf } from "./usage.ts";
import { type Amount, parseProfile, sineShare, type UsageProfile } from "./usage-profile.ts";

/** On a pod: the profile of each of its containers, or with `.NAME` behind it that of one. */
const OWN: Readonly<Record<UsedResource, string>> = { cpu: "troupe.dev/usage-cpu", memory: "troupe.dev/usage-memory" };
/** The same in manifests made for kwok, where they mean nothing without a ClusterResourceUsage that reads them. */
const KWOK: Readonly<Record<UsedResource, string>> = { cpu: "kwok.x-k8s.io/usage-cpu", memory: "kwok.x-k8s.io/usage-memory" };

/** What a container uses of its request when nobody says. */
const DEFAULT_SHARE = 0.5;
/** What it uses when it requests nothing: 1m, 1Mi. Source: kwok's default ClusterResourceUsage. */
const IDLE: Readonly<Record<UsedResource, number>> = { cpu: 0.001, memory: 1_048_576 };
const NANO = 1e9;

/**
 * What the containers of hollow pods use, worked out from their profiles for the moment that is asked about: nothing is kept, and no timer runs. A
 * container never uses more than its limit. `chance`: what expressions draw.
 */
export function createHollowUsage(view: ObjectView, chance: () => number): UsageOf {
  const kwok = new KwokUsage(view, chance);
  return (pod, now_ms) => {
    const { spec, status } = pod;
    if (status?.phase !== "Running") return [];
    const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
    const running = new Set(statuses.filter(({ state }) => state?.running !== undefined).map(({ name }) => name));
    const used = (container: Container, resource: UsedResource): number => {
      const { requests, limits } = container.resources ?? {};
      const request = valueIn(requests?.[resource]);
      const said = (annotation: string): number | undefined => {
        const profile = profileOf(pod, container.name, annotation);
        return profile === undefined ? undefined : valueAt(profile, view, pod, container.name, resource, request, now_ms);
      };
      const value = said(OWN[resource]) ?? kwok.used(pod, container, resource, now_ms) ?? said(KWOK[resource]);
      const idle = request === undefined ? IDLE[resource] : request * DEFAULT_SHARE;
      return Math.min(value ?? idle, valueIn(limits?.[resource]) ?? Number.POSITIVE_INFINITY);
    };
    return [...spec.containers, ...(spec.initContainers ?? [])]
      .filter(({ name }) => running.has(name))
      .map((container) => ({
        name: container.name,
        cpu_nanocores: Math.round(used(container, "cpu") * NANO),
        memory_bytes: Math.round(used(container, "memory")),
      }));
  };
}

/** Cores or bytes; undefined where the profile says nothing of this moment, or is a share of nothing. */
function valueAt(
  profile: UsageProfile,
  view: ObjectView,
  pod: Pod,
  container: string,
  resource: UsedResource,
  request: number | undefined,
  now_ms: number,
): number | undefined {
  const amountOf = (amount: Amount): number | undefined =>
    amount.of === "nothing" ? amount.value : request === undefined ? undefined : request * amount.share;
  switch (profile.form) {
    case "constant":
      return amountOf(profile.amount);
    case "sine": {
      const least = amountOf(profile.least);
      const most = amountOf(profile.most);
      return least === undefined || most === undefined ? undefined : least + (most - least) * sineShare(profile, now_ms);
    }
    case "replay": {
      const amount = recorded(view, pod, container, resource, profile, now_ms);
      return amount === undefined ? undefined : amountOf(amount);
    }
  }
}

function recorded(
  view: ObjectView,
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

/** The profile of the container, or else of the pod; undefined when neither is one. */
function profileOf({ metadata }: Pod, container: string, annotation: string): UsageProfile | undefined {
  const { annotations } = metadata;
  if (annotations === undefined) return undefined;
  for (const text of [annotations[`${annotation}.${container}`], annotations[annotation]]) {
    const profile = text === undefined ? undefined : parseProfile(text);
    if (profile !== undefined) return profile;
  }
  return undefined;
}

function valueIn(quantity: string | undefined): number | undefined {
  return quantity === undefined ? undefined : Number(parseQuantity(quantity).nano) / NANO;
}
