import { PLUGIN_WEIGHTS } from "../../../scheduler-core/mod.ts";
import { ConfigurationError, list, need, object, text, whole } from "../../kinds/configuration/fields.ts";

/** What a profile's `plugins` come to. */
export interface PluginChoice {
  readonly filtersOff: readonly string[];
  /** Of those plugins that score: those whose weight is not the default. */
  readonly weights: Readonly<Record<string, number>>;
  readonly preempts: boolean;
}

/** Plugins at points where there is nothing to choose: they are part of the scheduler. */
const OTHERS = ["SchedulingGates", "PrioritySort", "DefaultPreemption", "DefaultBinder", "DynamicResources"];
const EVERY = "*";
const WEIGHT_MAX = 1_000_000;

const pluginSet = object({
  enabled: list(object({ name: text, weight: whole(0, WEIGHT_MAX) })),
  disabled: list(object({ name: text, weight: whole(0, WEIGHT_MAX) })),
});
const POINTS = [
  ...["multiPoint", "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score"],
  ...["reserve", "permit", "preBind", "bind", "postBind"],
];
const plugins = object(Object.fromEntries(POINTS.map((point) => [point, pluginSet])));

type Sets = ReturnType<typeof plugins>;

/** Reads which plugins a profile has at which point: the default ones, without those disabled, with those enabled. Source: mergePlugins. */
export function readPlugins(value: unknown, path: string): PluginChoice {
  const sets = plugins(value, path);
  for (const point of POINTS) {
    const { enabled = [], disabled = [] } = sets[point] ?? {};
    for (const [index, { name }] of enabled.entries()) checkName(name, `${path}.${point}.enabled[${index}].name`, false);
    for (const [index, { name }] of disabled.entries()) checkName(name, `${path}.${point}.disabled[${index}].name`, true);
  }
  const weights: Record<string, number> = {};
  for (const [name, weight] of Object.entries(PLUGIN_WEIGHTS)) {
    if (weight === 0) continue;
    const chosen = weightOf(sets, name, weight);
    if (chosen !== weight) weights[name] = chosen;
  }
  return {
    filtersOff: Object.keys(PLUGIN_WEIGHTS).filter((name) => !isOn(sets, "filter", name)),
    weights,
    preempts: isOn(sets, "postFilter", "DefaultPreemption"),
  };
}

function checkName(name: string | undefined, path: string, isPattern: boolean): void {
  const given = need(name, path);
  if (isPattern && given === EVERY) return;
  if (Object.hasOwn(PLUGIN_WEIGHTS, given) || OTHERS.includes(given)) return;
  throw new ConfigurationError(path, `there is no plugin ${given}; there are ${[...Object.keys(PLUGIN_WEIGHTS), ...OTHERS].join(", ")}`);
}

function isOn(sets: Sets, point: string, name: string): boolean {
  return (
    enabledAt(sets, point, name) !== undefined ||
    (!isDisabled(sets, point, name) && (enabledAt(sets, "multiPoint", name) !== undefined || !isDisabled(sets, "multiPoint", name)))
  );
}

function weightOf(sets: Sets, name: string, standard: number): number {
  if (!isOn(sets, "score", name)) return 0;
  const chosen = enabledAt(sets, "score", name) ?? enabledAt(sets, "multiPoint", name);
  return chosen === undefined ? standard : (chosen.weight ?? 0) || 1;
}

function enabledAt(sets: Sets, point: string, name: string): { readonly weight?: number } | undefined {
  return sets[point]?.enabled?.find((each) => each.name === name);
}

function isDisabled(sets: Sets, point: string, name: string): boolean {
  return sets[point]?.disabled?.some((each) => each.name === name || each.name === EVERY) === true;
}
