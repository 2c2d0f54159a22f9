import { anything, ConfigurationError, flag, list, mapOf, need, object, oneOf, text, whole } from "../../kinds/configuration/fields.ts";
import { type ExtenderConfiguration, readExtender } from "./extender-configuration.ts";
import { ARGS, type PluginArgs } from "./plugin-args.ts";
import { type PluginChoice, readPlugins } from "./plugin-sets.ts";

/** One scheduler by name. */
export interface ProfileConfiguration {
  readonly schedulerName: string;
  readonly plugins: PluginChoice;
  readonly args: PluginArgs;
}

/** How to schedule; plain data that crosses threads. */
export interface SchedulerConfiguration {
  readonly profiles: readonly ProfileConfiguration[];
  readonly extenders: readonly ExtenderConfiguration[];
  readonly backoffFirst_ms: number;
  readonly backoffMax_ms: number;
}

const DEFAULT_NAME = "default-scheduler";
const EVERY_PLUGIN: PluginChoice = { filtersOff: [], weights: {}, preempts: true };
const SECONDS_MAX = 1_000_000;

/** What there is without a file. */
export const DEFAULT_CONFIGURATION: SchedulerConfiguration = {
  profiles: [{ schedulerName: DEFAULT_NAME, plugins: EVERY_PLUGIN, args: {} }],
  extenders: [],
  backoffFirst_ms: 1_000,
  backoffMax_ms: 10_000,
};

const profile = object({
  schedulerName: text,
  plugins: anything,
  pluginConfig: list(object({ name: text, args: anything })),
  percentageOfNodesToScore: whole(0, 100),
});

/** Fields that say how kube-scheduler runs as a program. They are read, so that its files do, and mean nothing here. */
const OF_THE_PROGRAM = {
  parallelism: whole(1, SECONDS_MAX),
  leaderElection: object({
    leaderElect: flag,
    leaseDuration: text,
    renewDeadline: text,
    retryPeriod: text,
    resourceLock: text,
    resourceName: text,
    resourceNamespace: text,
  }),
  clientConnection: object({ kubeconfig: text, acceptContentTypes: text, contentType: text, qps: anything, burst: anything }),
  enableProfiling: flag,
  enableContentionProfiling: flag,
  percentageOfNodesToScore: whole(0, 100),
  delayCacheUntilActive: flag,
  featureGates: mapOf(flag),
};

const configuration = object({
  ...OF_THE_PROGRAM,
  apiVersion: oneOf("kubescheduler.config.k8s.io/v1"),
  kind: oneOf("KubeSchedulerConfiguration"),
  podInitialBackoffSeconds: whole(1, SECONDS_MAX),
  podMaxBackoffSeconds: whole(1, SECONDS_MAX),
  profiles: list(profile),
  extenders: list(readExtender),
});

/**
 * Reads a KubeSchedulerConfiguration of kube-scheduler, parsed from its file. Throws ConfigurationError, which names the field. Every node is
 * considered for every pod, so percentageOfNodesToScore changes nothing.
 */
export function readConfiguration(value: unknown): SchedulerConfiguration {
  const read = configuration(value, "");
  need(read.apiVersion, "apiVersion");
  need(read.kind, "kind");
  const { podInitialBackoffSeconds: first = 1, podMaxBackoffSeconds: most = 10 } = read;
  if (most < first) throw new ConfigurationError("podMaxBackoffSeconds", "must be greater than or equal to podInitialBackoffSeconds");
  const { profiles = [{}], extenders = [] } = read;
  const seen = new Set<string>();
  const named = (profiles.length === 0 ? [{}] : profiles).map((each, index): ProfileConfiguration => {
    const path = `profiles[${index}]`;
    const schedulerName = need(each.schedulerName ?? (profiles.length <= 1 ? DEFAULT_NAME : undefined), `${path}.schedulerName`);
    if (seen.has(schedulerName)) throw new ConfigurationError(`${path}.schedulerName`, `${schedulerName} is the name of another profile`);
    seen.add(schedulerName);
    return {
      schedulerName,
      plugins: each.plugins === undefined ? EVERY_PLUGIN : readPlugins(each.plugins, `${path}.plugins`),
      args: argsOf(each.pluginConfig ?? [], `${path}.pluginConfig`),
    };
  });
  if (extenders.filter(({ bindVerb }) => bindVerb !== "").length > 1) {
    throw new ConfigurationError("extenders", "only one extender can implement bind");
  }
  return { profiles: named, extenders, backoffFirst_ms: first * 1_000, backoffMax_ms: most * 1_000 };
}

function argsOf(configs: readonly { readonly name?: string; readonly args?: unknown }[], path: string): PluginArgs {
  const seen = new Set<string>();
  const all: PluginArgs[] = configs.map(({ name, args }, index) => {
    const at = `${path}[${index}]`;
    const plugin = need(name, `${at}.name`);
    if (seen.has(plugin)) throw new ConfigurationError(at, `repeated config for plugin ${plugin}`);
    seen.add(plugin);
    const read = Object.hasOwn(ARGS, plugin) ? ARGS[plugin] : undefined;
    if (read === undefined)
      throw new ConfigurationError(`${at}.name`, `plugin ${plugin} takes no arguments; ${Object.keys(ARGS).join(", ")} do`);
    return read(args ?? {}, `${at}.args`);
  });
  return Object.assign({}, ...all) as PluginArgs;
}
