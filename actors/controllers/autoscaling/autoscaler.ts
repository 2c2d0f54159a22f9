import { HorizontalPodAutoscalerKind } from "../../kinds/autoscaling/horizontal-pod-autoscaler.ts";
import type { Pod, V2HorizontalPodAutoscaler } from "../../kinds/generated/types.ts";
import type { Kind } from "../../kinds/kind.ts";
import { partsOf, resourceOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { matchesLabels, parseLabelSelector, type Selector, SelectorError } from "../../kinds/machinery/label-selector.ts";
import type { Entry, View } from "../../store/view.ts";
import { anyKind, normal, regarding, scale, updateStatus, warning } from "../actions.ts";
import { type Action, type Controller, type HearOfCustom, NOTHING } from "../controller.ts";
import { factsOf } from "../pods/pod-facts.ts";
import { asksMetrics, decide, type Rescale, type Selecting, type Target } from "./decision.ts";
import type { History } from "./history.ts";
import type { MetricsSource } from "./metrics-source.ts";
import { type Reading, readMetrics } from "./readings.ts";
import { type ScaleTarget, ScaleTargets } from "./scale-targets.ts";

const AUTOSCALERS = resourceOf(HorizontalPodAutoscalerKind);
/** Source: --horizontal-pod-autoscaler-sync-period. */
export const SYNC_PERIOD_MS = 15_000;
const CLEAR: Selecting = { clear: true };

/** What is remembered of an autoscaler from round to round, as long as this controller lives. */
interface Remembered {
  readonly history?: History | undefined;
  /** The pods that it had the last time. */
  readonly selector?: Selector | undefined;
  /** What was tried last, in case that it fails. */
  readonly tried?: Rescale | undefined;
}

/** An autoscaler and what it scales, as the view shows them. */
interface Found {
  readonly autoscaler: V2HorizontalPodAutoscaler;
  readonly scaled: ScaleTarget | undefined;
  readonly target: Target;
  readonly pods: readonly Entry[];
}

/**
 * Scales what autoscalers name by its metrics, once a period. Each round first asks for metrics, which takes its time, and then decides, which does not:
 * `readMetrics`, then `decide`. Source: pkg/controller/podautoscaler.
 */
export function autoscalerController(
  source: MetricsSource,
  kinds: readonly Kind[],
  hearOfCustom?: HearOfCustom,
  period_ms: number = SYNC_PERIOD_MS,
): Controller {
  const later: Action = { do: "requeue", after_ms: period_ms };
  const targets = new ScaleTargets(kinds);
  const remembered = new Map<string, Remembered>();
  const find = (view: View, key: string): Found | undefined => {
    const autoscaler = view.get<V2HorizontalPodAutoscaler>(key);
    if (autoscaler === undefined) return undefined;
    const { namespace } = partsOf(key);
    const scaled = targets.find(view, namespace, autoscaler.spec.scaleTargetRef);
    if (typeof scaled === "string") return { autoscaler, scaled: undefined, target: { unknown: scaled }, pods: [] };
    const { spec, status } = scaled.scale;
    const sizes = { specReplicas: spec?.replicas ?? 0, statusReplicas: status?.replicas ?? 0 };
    const within = { ...sizes, selecting: CLEAR };
    if (!asksMetrics(autoscaler, within)) return { autoscaler, scaled, target: within, pods: [] };
    const { selecting, pods } = select(view, key, status?.selector ?? "", remembered);
    return { autoscaler, scaled, target: { ...sizes, selecting }, pods };
  };
  const conclude = (view: View, key: string, found: Found, readings: readonly Reading[], now_ms: number): readonly Action[] => {
    const { autoscaler, scaled, target, pods } = found;
    const known = remembered.get(key);
    const decoded = pods.map((entry) => view.decode<Pod>(entry));
    const decision = decide({ autoscaler, target, pods: decoded, readings, history: known?.history, now_ms });
    const { status, said, history, rescale } = decision;
    remembered.set(key, { ...known, history, tried: rescale });
    const about = regarding(HorizontalPodAutoscalerKind, autoscaler);
    const events = said.map(([type, reason, message]): Action => ({ do: "event", note: { about, type, reason, message } }));
    const told = semanticEqual(status, autoscaler.status) ? [] : [updateStatus(HorizontalPodAutoscalerKind, autoscaler, status)];
    if (rescale === undefined || scaled === undefined) return [...events, ...told];
    const size = `New size: ${rescale.replicas}; reason: ${rescale.why}`;
    const notes = {
      done: normal(about, "SuccessfulRescale", size),
      refused: warning(about, "FailedRescale", `${size}; error: {error}`),
    };
    return [...events, { do: "inOrder", steps: [scale(scaled.kind, scaled.object, rescale.replicas, notes), ...told] }];
  };
  return {
    name: "horizontal-pod-autoscaler",
    component: "horizontal-pod-autoscaler",
    kind: anyKind(HorizontalPodAutoscalerKind),
    pace_ms: period_ms,
    retry_ms: period_ms,
    watches: [{ resource: AUTOSCALERS, keys: ({ now, before }) => [(now ?? before)?.key ?? ""] }],
    ...(hearOfCustom === undefined ? {} : { more: () => hearOfCustom((kind) => targets.add(kind)) }),
    reconcile(view, key, now_ms) {
      if (view.entry(key) === undefined) {
        remembered.delete(key);
        return NOTHING;
      }
      // As in Kubernetes nothing is decided before a period has passed: pods that were made together with their autoscaler are measured by then.
      if (!remembered.has(key)) {
        remembered.set(key, {});
        return [later];
      }
      const found = find(view, key);
      if (found === undefined) return NOTHING;
      const { autoscaler, target, scaled } = found;
      if (!asksMetrics(autoscaler, target)) return [later, ...conclude(view, key, found, [], now_ms)];
      const { metrics = [] } = autoscaler.spec;
      const work = async (): Promise<readonly Action[]> => {
        const readings = await readMetrics(source, partsOf(key).namespace, scaled?.scale.status?.selector ?? "", metrics);
        const then = find(view, key);
        // What was asked for is what is wanted still, or it is asked for again.
        return then === undefined || !semanticEqual(then.autoscaler.spec, autoscaler.spec)
          ? NOTHING
          : conclude(view, key, then, readings, now_ms);
      };
      return [later, { do: "work", work }];
    },
    refused(view, key, _now_ms, refusals) {
      const refusal = refusals.find(({ write }) => write.do === "scale");
      const autoscaler = view.get<V2HorizontalPodAutoscaler>(key);
      const known = remembered.get(key);
      if (refusal === undefined || autoscaler === undefined || known?.tried === undefined) return NOTHING;
      const { failed, historyIfFailed } = known.tried;
      remembered.set(key, { ...known, history: historyIfFailed, tried: undefined });
      return [updateStatus(HorizontalPodAutoscalerKind, autoscaler, failed(refusal.error.message))];
    },
  };
}

/** The pods of an autoscaler's target, unless others have a say about them. Source: validateAndParseSelector. */
function select(
  view: View,
  key: string,
  text: string,
  remembered: Map<string, Remembered>,
): { readonly selecting: Selecting; readonly pods: readonly Entry[] } {
  if (text === "") {
    const condition = ["InvalidSelector", "the HPA target's scale is missing a selector"] as const;
    return { selecting: { clear: false, event: ["SelectorRequired", "selector is required"], condition }, pods: [] };
  }
  let selector: Selector;
  try {
    selector = parseLabelSelector(text);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    return unclear("InvalidSelector", `couldn't convert selector into a corresponding internal selector object: ${error.message}`);
  }
  remembered.set(key, { ...remembered.get(key), selector });
  const { namespace } = partsOf(key);
  // Facts are kept: hundreds of autoscalers in a namespace look at the labels of the same pods.
  const labels = (entry: Entry): Readonly<Record<string, string>> => factsOf(view, entry).labels;
  const pods = view.list("pods", namespace).filter((entry) => matchesLabels(selector, labels(entry)));
  const rivals = [...remembered].filter(
    ([other, { selector: theirs }]) =>
      theirs !== undefined && partsOf(other).namespace === namespace && pods.some((pod) => matchesLabels(theirs, labels(pod))),
  );
  if (rivals.length <= 1) return { selecting: CLEAR, pods };
  const names = rivals.map(([other]) => `{${partsOf(other).name} ${namespace}}`).sort();
  return unclear("AmbiguousSelector", `pods by selector ${text} are controlled by multiple HPAs: [${names.join(" ")}]`);
}

function unclear(reason: string, message: string): { readonly selecting: Selecting; readonly pods: readonly Entry[] } {
  return { selecting: { clear: false, event: [reason, message], condition: [reason, message] }, pods: [] };
}
