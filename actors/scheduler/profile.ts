import type { Inventory, SchedulingProfile } from "../../scheduler-core/mod.ts";
import type { NodeAffinity } from "../kinds/generated/types.ts";
import type { ProfileConfiguration, SchedulerConfiguration } from "./configuration/configuration.ts";
import { constraintsOf } from "./configuration/plugin-args.ts";
import type { DefaultConstraint } from "./default-spread.ts";
import type { PeerContext } from "./peer-facts.ts";
import type { Unchecked } from "./unchecked.ts";

/** One scheduler by name, as a shard works with it. */
export interface Profile {
  readonly schedulerName: string;
  readonly plugins: SchedulingProfile;
  readonly addedAffinity: NodeAffinity | undefined;
  readonly podAffinity: PeerContext["affinity"];
  /** For pods without their own. */
  readonly defaultConstraints: readonly DefaultConstraint[];
  /** Only nodes with every topology key of the default constraints count; not for those that come with Kubernetes. */
  readonly defaultsNeedAllKeys: boolean;
  /** Undefined: it makes no room. */
  readonly preemption: { readonly percent: number; readonly least: number } | undefined;
  readonly bindTimeout_ms: number;
  /** Undefined: everything is checked. */
  readonly unchecked: Unchecked | undefined;
}

/** How long a pod waits for its volumes on the node chosen before it is decided anew. Source: VolumeBindingArgs.bindTimeoutSeconds. */
const BIND_TIMEOUT_MS = 600_000;
/** Source: DefaultPreemptionArgs. */
const CANDIDATES = { percent: 10, least: 100 };

/** The schedulers of a configuration by name, with the numbers that their resources have in this inventory. */
export function profilesOf({ profiles, extenders }: SchedulerConfiguration, inventory: Inventory): ReadonlyMap<string, Profile> {
  // What extenders look at in the scheduler's stead it looks at for no profile.
  const ignored = extenders.flatMap(({ ignoredResources }) => ignoredResources);
  return new Map(profiles.map((profile) => [profile.schedulerName, profileOf(profile, inventory, ignored)]));
}

function profileOf({ schedulerName, plugins, args }: ProfileConfiguration, inventory: Inventory, ignored: readonly string[]): Profile {
  const { fit, balanced, hardPodAffinityWeight: hardWeight, ignorePreferredTermsOfExistingPods: ignores } = args;
  const column = (name: string): number => inventory.columns.of(name);
  const scoring = {
    fit:
      fit === undefined
        ? undefined
        : {
            strategy: fit.strategy,
            shape: fit.shape,
            columns: Int32Array.from(fit.resources, ({ name }) => column(name)),
            weights: Int32Array.from(fit.resources, ({ weight }) => weight),
          },
    balanced: balanced === undefined ? undefined : Int32Array.from(balanced, column),
  };
  const isStandard = plugins.filtersOff.length === 0 && Object.keys(plugins.weights).length === 0;
  const isPlain = isStandard && fit === undefined && balanced === undefined && args.addedAffinity === undefined;
  const resources = [...ignored, ...(args.unchecked?.resources ?? [])];
  const groups = args.unchecked?.groups ?? [];
  return {
    schedulerName,
    unchecked: resources.length + groups.length === 0 ? undefined : { resources, groups },
    plugins: {
      // Pods of profiles that do not differ in their classes share them.
      key: isPlain ? "" : schedulerName,
      filtersOff: new Set(plugins.filtersOff),
      weights: plugins.weights,
      scoring: fit === undefined && balanced === undefined ? undefined : scoring,
    },
    addedAffinity: args.addedAffinity,
    podAffinity:
      hardWeight === undefined && ignores === undefined
        ? undefined
        : { hardWeight: hardWeight ?? 1, ignoresPreferencesOfOthers: ignores === true },
    defaultConstraints:
      plugins.filtersOff.includes("PodTopologySpread") && plugins.weights.PodTopologySpread === 0 ? [] : constraintsOf(args),
    defaultsNeedAllKeys: args.defaultConstraints !== undefined,
    preemption: plugins.preempts ? (args.candidates ?? CANDIDATES) : undefined,
    bindTimeout_ms: args.bindTimeout_s === undefined ? BIND_TIMEOUT_MS : args.bindTimeout_s * 1_000,
  };
}
