import type { FitScoring } from "../../../scheduler-core/mod.ts";
import {
  anything,
  ConfigurationError,
  flag,
  list,
  need,
  object,
  oneOf,
  type Reader,
  text,
  whole,
} from "../../kinds/configuration/fields.ts";
import type { NodeAffinity } from "../../kinds/generated/types.ts";
import { type DefaultConstraint, SYSTEM_CONSTRAINTS } from "../default-spread.ts";
import type { Unchecked } from "../unchecked.ts";

/** What the plugins of a profile were told; plain data. Source of fields and limits: kubescheduler.config.k8s.io/v1 of Kubernetes 1.34. */
export interface PluginArgs {
  readonly fit?: {
    readonly strategy: FitScoring["strategy"];
    readonly resources: readonly ResourceWeight[];
    readonly shape: FitScoring["shape"];
  };
  /** What NodeResourcesFit does not check. */
  readonly unchecked?: Unchecked;
  readonly balanced?: readonly string[];
  readonly addedAffinity?: NodeAffinity;
  readonly hardPodAffinityWeight?: number;
  readonly ignorePreferredTermsOfExistingPods?: boolean;
  readonly defaultConstraints?: readonly DefaultConstraint[];
  readonly candidates?: { readonly percent: number; readonly least: number };
  readonly bindTimeout_s?: number;
}

export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** The shape's scores are from 0 to 10; a plugin's from 0 to 100. */
const SHAPE_SCORE_MAX = 10;
const PLUGIN_SCORES_PER_SHAPE_SCORE = 10;
const SECONDS_MAX = 1_000_000;
const NODES_MAX = 10_000_000;

const TYPE = { apiVersion: oneOf("kubescheduler.config.k8s.io/v1"), kind: text };
const resources = list(object({ name: text, weight: whole(0, 100) }));
const requirement = object({
  key: text,
  operator: oneOf("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
  values: list(text),
});
const nodeTerm = object({ matchExpressions: list(requirement), matchFields: list(requirement) });
const nodeAffinity = object({
  requiredDuringSchedulingIgnoredDuringExecution: object({ nodeSelectorTerms: list(nodeTerm) }),
  preferredDuringSchedulingIgnoredDuringExecution: list(object({ weight: whole(1, 100), preference: nodeTerm })),
});

const fit: Reader<PluginArgs> = (value, path) => {
  const args = object({
    ...TYPE,
    ignoredResources: list(text),
    ignoredResourceGroups: list(text),
    scoringStrategy: object({
      type: oneOf("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"),
      resources,
      requestedToCapacityRatio: object({ shape: list(object({ utilization: whole(0, 100), score: whole(0, SHAPE_SCORE_MAX) })) }),
    }),
  })(value, path);
  const { scoringStrategy: strategy, ignoredResources = [], ignoredResourceGroups: groups = [] } = args;
  groups.forEach((group, index) => {
    if (group.includes("/"))
      throw new ConfigurationError(`${path}.ignoredResourceGroups[${index}]`, "resource group name can't contain '/'");
  });
  const unchecked = ignoredResources.length + groups.length === 0 ? {} : { unchecked: { resources: ignoredResources, groups } };
  if (strategy === undefined) return unchecked;
  const at = `${path}.scoringStrategy`;
  const type = strategy.type ?? "LeastAllocated";
  const shape = strategy.requestedToCapacityRatio?.shape ?? [];
  if (type === "RequestedToCapacityRatio" && shape.length === 0) {
    throw new ConfigurationError(`${at}.requestedToCapacityRatio.shape`, "at least one point must be specified");
  }
  const points = shape.map(({ utilization = 0, score = 0 }) => ({ utilization, score: score * PLUGIN_SCORES_PER_SHAPE_SCORE }));
  points.forEach(({ utilization }, index) => {
    if (index === 0 || utilization > (points[index - 1]?.utilization ?? 0)) return;
    throw new ConfigurationError(
      `${at}.requestedToCapacityRatio.shape[${index}].utilization`,
      "utilization values must be sorted in increasing order",
    );
  });
  return { ...unchecked, fit: { strategy: type, resources: weighed(strategy.resources, `${at}.resources`), shape: points } };
};

const balanced: Reader<PluginArgs> = (value, path) => {
  const args = object({ ...TYPE, resources })(value, path);
  args.resources?.forEach(({ weight = 1 }, index) => {
    if (weight > 1) throw new ConfigurationError(`${path}.resources[${index}].weight`, "must be 1");
  });
  return args.resources === undefined ? {} : { balanced: weighed(args.resources, `${path}.resources`).map(({ name }) => name) };
};

function weighed(given: ReturnType<typeof resources> | undefined, path: string): ResourceWeight[] {
  if (given === undefined || given.length === 0)
    return [
      { name: "cpu", weight: 1 },
      { name: "memory", weight: 1 },
    ];
  return given.map(({ name, weight }, index) => ({ name: need(name, `${path}[${index}].name`), weight: weight || 1 }));
}

const affinity: Reader<PluginArgs> = (value, path) => {
  const { addedAffinity } = object({ ...TYPE, addedAffinity: nodeAffinity })(value, path);
  return addedAffinity === undefined ? {} : { addedAffinity: addedAffinity as NodeAffinity };
};

const podAffinity: Reader<PluginArgs> = (value, path) => {
  const args = object({ ...TYPE, hardPodAffinityWeight: whole(0, 100), ignorePreferredTermsOfExistingPods: flag })(value, path);
  return {
    ...(args.hardPodAffinityWeight === undefined ? {} : { hardPodAffinityWeight: args.hardPodAffinityWeight }),
    ...(args.ignorePreferredTermsOfExistingPods === undefined
      ? {}
      : { ignorePreferredTermsOfExistingPods: args.ignorePreferredTermsOfExistingPods }),
  };
};

const spread: Reader<PluginArgs> = (value, path) => {
  const constraint = object({
    topologyKey: text,
    maxSkew: whole(1, NODES_MAX),
    whenUnsatisfiable: oneOf("DoNotSchedule", "ScheduleAnyway"),
  });
  const args = object({ ...TYPE, defaultConstraints: list(constraint), defaultingType: oneOf("System", "List") })(value, path);
  const { defaultConstraints = [], defaultingType = "System" } = args;
  if (defaultingType === "System") {
    if (defaultConstraints.length === 0) return {};
    throw new ConfigurationError(`${path}.defaultingType`, "when .defaultConstraints are specified, must be List");
  }
  return {
    defaultConstraints: defaultConstraints.map((each, index) => {
      const at = `${path}.defaultConstraints[${index}]`;
      return {
        topologyKey: need(each.topologyKey, `${at}.topologyKey`),
        maxSkew: need(each.maxSkew, `${at}.maxSkew`),
        isHard: need(each.whenUnsatisfiable, `${at}.whenUnsatisfiable`) === "DoNotSchedule",
      };
    }),
  };
};

const preemption: Reader<PluginArgs> = (value, path) => {
  const args = object({ ...TYPE, minCandidateNodesPercentage: whole(0, 100), minCandidateNodesAbsolute: whole(0, NODES_MAX) })(value, path);
  const { minCandidateNodesPercentage: percent = 10, minCandidateNodesAbsolute: least = 100 } = args;
  if (percent === 0 && least === 0) {
    throw new ConfigurationError(path, "minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be zero");
  }
  return { candidates: { percent, least } };
};

const volumes: Reader<PluginArgs> = (value, path) => {
  const { bindTimeoutSeconds } = object({ ...TYPE, bindTimeoutSeconds: whole(0, SECONDS_MAX), shape: anything })(value, path);
  return bindTimeoutSeconds === undefined ? {} : { bindTimeout_s: bindTimeoutSeconds };
};

/** The plugins that can be told something. */
export const ARGS: Readonly<Record<string, Reader<PluginArgs>>> = {
  DefaultPreemption: preemption,
  InterPodAffinity: podAffinity,
  NodeAffinity: affinity,
  NodeResourcesBalancedAllocation: balanced,
  NodeResourcesFit: fit,
  PodTopologySpread: spread,
  VolumeBinding: volumes,
};

/** The constraints of pods without their own, where the profile names none. */
export function constraintsOf({ defaultConstraints }: PluginArgs): readonly DefaultConstraint[] {
  return defaultConstraints ?? SYSTEM_CONSTRAINTS;
}
