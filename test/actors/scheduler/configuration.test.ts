import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIGURATION, readConfiguration } from "../../../actors/scheduler/configuration/configuration.ts";

const HEAD = { apiVersion: "kubescheduler.config.k8s.io/v1", kind: "KubeSchedulerConfiguration" };
const profile = (pluginConfig: readonly object[], plugins: object = {}) => ({ ...HEAD, profiles: [{ pluginConfig, plugins }] });
const args = (name: string, given: object) => readConfiguration(profile([{ name, args: given }])).profiles[0]?.args;

describe("a KubeSchedulerConfiguration", () => {
  it("is the default where it says nothing", () => {
    expect(readConfiguration(HEAD)).toEqual(DEFAULT_CONFIGURATION);
    const ofTheProgram = { leaderElection: { leaderElect: false }, clientConnection: { kubeconfig: "/x", qps: 100 }, parallelism: 4 };
    expect(readConfiguration({ ...HEAD, ...ofTheProgram, percentageOfNodesToScore: 50 })).toEqual(DEFAULT_CONFIGURATION);
  });

  it.each([
    [{ kind: "KubeSchedulerConfiguration" }, "apiVersion: must be set"],
    [{ ...HEAD, apiVersion: "kubescheduler.config.k8s.io/v1beta3" }, "apiVersion: must be one of kubescheduler.config.k8s.io/v1,"],
    [{ ...HEAD, podMaxBackoff: 3 }, "podMaxBackoff: unknown field"],
    [{ ...HEAD, podInitialBackoffSeconds: 11 }, "podMaxBackoffSeconds: must be greater than or equal to podInitialBackoffSeconds"],
    [{ ...HEAD, profiles: [{}, {}] }, "profiles[0].schedulerName: must be set"],
    [
      { ...HEAD, profiles: [{ schedulerName: "a" }, { schedulerName: "a" }] },
      "profiles[1].schedulerName: a is the name of another profile",
    ],
    [profile([], { score: { enable: [] } }), "profiles[0].plugins.score.enable: unknown field"],
    [
      profile([], { score: { disabled: [{ name: "NodeResourceFit" }] } }),
      "profiles[0].plugins.score.disabled[0].name: there is no plugin NodeResourceFit",
    ],
    [profile([{ name: "NodeName", args: {} }]), "profiles[0].pluginConfig[0].name: plugin NodeName takes no arguments"],
    [
      profile([{ name: "InterPodAffinity", args: { hardPodAffinityWeight: 101 } }]),
      "profiles[0].pluginConfig[0].args.hardPodAffinityWeight: must be a whole number from 0 to 100",
    ],
    [
      profile([{ name: "NodeResourcesFit", args: { scoringStrategy: { type: "RequestedToCapacityRatio" } } }]),
      "profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio.shape: at least one point must be specified",
    ],
    [
      profile([{ name: "NodeAffinity", args: { addedAffinity: { requiredDuringScheduling: {} } } }]),
      "profiles[0].pluginConfig[0].args.addedAffinity.requiredDuringScheduling: unknown field",
    ],
    [
      profile([{ name: "PodTopologySpread", args: { defaultConstraints: [{ topologyKey: "z", maxSkew: 1 }] } }]),
      "profiles[0].pluginConfig[0].args.defaultingType: when .defaultConstraints are specified, must be List",
    ],
    [
      profile([{ name: "DefaultPreemption", args: { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 } }]),
      "minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be zero",
    ],
    [{ ...HEAD, extenders: [{ filterVerb: "filter" }] }, "extenders[0].urlPrefix: must be set"],
    [{ ...HEAD, extenders: [{ urlPrefix: "http://a", prioritizeVerb: "p" }] }, "extenders[0].weight: must have a positive weight"],
    [{ ...HEAD, extenders: [{ urlPrefix: "http://a", httpTimeout: "soon" }] }, "extenders[0].httpTimeout: soon is not a duration"],
  ])("%j is refused: %s", (given, message) => {
    expect(() => readConfiguration(given)).toThrow(message);
  });

  it("turns plugins off and on, at one point or at all", () => {
    const { plugins } = readConfiguration(
      profile([], {
        multiPoint: { disabled: [{ name: "ImageLocality" }, { name: "NodePorts" }], enabled: [{ name: "TaintToleration", weight: 5 }] },
        filter: { disabled: [{ name: "VolumeZone" }] },
        score: { disabled: [{ name: "*" }], enabled: [{ name: "NodeResourcesFit", weight: 7 }, { name: "NodeAffinity" }] },
        postFilter: { disabled: [{ name: "DefaultPreemption" }] },
      }),
    ).profiles[0] as { plugins: object };
    expect(plugins).toEqual({
      filtersOff: ["NodePorts", "VolumeZone", "ImageLocality"],
      weights: {
        // What is turned off at one point stays off there. Source: expandMultiPointPlugins.
        TaintToleration: 0,
        NodeAffinity: 1,
        NodeResourcesFit: 7,
        NodeResourcesBalancedAllocation: 0,
        PodTopologySpread: 0,
        InterPodAffinity: 0,
        ImageLocality: 0,
      },
      preempts: false,
    });
  });

  it("reads what plugins are told", () => {
    expect(
      args("NodeResourcesFit", { scoringStrategy: { type: "MostAllocated", resources: [{ name: "nvidia.com/gpu", weight: 3 }] } }),
    ).toEqual({
      fit: { strategy: "MostAllocated", resources: [{ name: "nvidia.com/gpu", weight: 3 }], shape: [] },
    });
    expect(args("NodeResourcesBalancedAllocation", { resources: [{ name: "cpu" }, { name: "gpu", weight: 1 }] })).toEqual({
      balanced: ["cpu", "gpu"],
    });
    expect(args("DefaultPreemption", { minCandidateNodesAbsolute: 1 })).toEqual({ candidates: { percent: 10, least: 1 } });
    expect(
      args("PodTopologySpread", {
        defaultingType: "List",
        defaultConstraints: [{ topologyKey: "rack", maxSkew: 2, whenUnsatisfiable: "DoNotSchedule" }],
      }),
    ).toEqual({ defaultConstraints: [{ topologyKey: "rack", maxSkew: 2, isHard: true }] });
  });

  it("reads what is not to be checked", () => {
    const unchecked = { ignoredResources: ["a/b"], ignoredResourceGroups: ["c"] };
    expect(args("NodeResourcesFit", unchecked)).toEqual({ unchecked: { resources: ["a/b"], groups: ["c"] } });
  });

  it("reads extenders", () => {
    const extender = { urlPrefix: "http://127.0.0.1:8888/scheduler/", filterVerb: "filter", prioritizeVerb: "prioritize", weight: 2 };
    const resources = { managedResources: [{ name: "a/b", ignoredByScheduler: true }], httpTimeout: "1.5s", ignorable: true };
    expect(readConfiguration({ ...HEAD, extenders: [{ ...extender, ...resources }] }).extenders[0]).toMatchObject({
      urlPrefix: "http://127.0.0.1:8888/scheduler",
      timeout_ms: 1_500,
      managedResources: ["a/b"],
      ignoredResources: ["a/b"],
      ignorable: true,
      bindVerb: "",
    });
  });
});
