import type { Pod } from "../../kinds/generated/types.ts";
import { type Kind, partsOf, resourceOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { labelsOf } from "../../kinds/metadata-text.ts";
import {
  groupOf,
  leastMembers,
  POD_GROUP_VERSION,
  POD_GROUPS,
  type PodGroup,
  type PodGroupStatus,
} from "../../kinds/scheduling/pod-group.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Entry, IndexDefinition, View } from "../../store/view.ts";
import { regarding, updateStatus, warning } from "../actions.ts";
import { type Action, type Controller, type HearOfCustom, NO_KEYS, NOTHING, type Watch } from "../controller.ts";

/** Members of a group start and end together, more or less. */
const PACE_MS = 50;
/** A group that began so long after it was made, and of which nothing runs, is left as it is: its pods may have been swept away. */
const GIVEN_UP_MS = 48 * 3_600_000;

/** The pods of each group. */
const MEMBERS: IndexDefinition = {
  name: "pods of groups",
  resource: "pods",
  values: ({ metadata }) => memberOf(groupOf(metadata)),
  valuesOfText: (entry) => memberOf(groupOfEntry(entry)),
};

const WATCHES: readonly Watch[] = [
  { resource: POD_GROUPS, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) },
  {
    resource: "pods",
    keys: ({ now, before }) => {
      const group = groupOfEntry(now ?? before);
      const earlier = groupOfEntry(before);
      return [...new Set([...memberOf(group), ...memberOf(earlier)])].map((name) => `${POD_GROUPS}/${name}`);
    },
  },
];

function groupOfEntry(entry: Entry | undefined): string | undefined {
  return entry === undefined ? undefined : groupOf({ namespace: partsOf(entry.key).namespace ?? "", labels: labelsOf(entry.text) });
}

function memberOf(group: string | undefined): readonly string[] {
  return group === undefined ? NO_KEYS : [group];
}

/**
 * Says in each PodGroup how far its members are. Where nobody has defined PodGroups no pod is looked at. Source: scheduler-plugins'
 * podgroup_controller; when the group was begun with, its coscheduling plugin.
 */
export function podGroupController(hearOfCustom: HearOfCustom | undefined): Controller {
  let known: Kind | undefined;
  return {
    name: "pod-group",
    component: "PodGroupController",
    pace_ms: PACE_MS,
    watches: [],
    ...(hearOfCustom === undefined
      ? {}
      : {
          more: (watch) =>
            hearOfCustom((kind) => {
              if (resourceOf(kind) !== POD_GROUPS || kind.version !== POD_GROUP_VERSION) return;
              const isFirst = known === undefined;
              known = kind;
              if (isFirst) for (const each of WATCHES) watch(each, [MEMBERS]);
            }),
        }),
    reconcile: (view, key, now_ms) => {
      const group = view.get<PodGroup>(key);
      if (group === undefined || known?.subresources.some(({ name }) => name === "status") !== true) return NOTHING;
      return reconcile(known, group, membersOf(view, key), now_ms);
    },
  };
}

function membersOf(view: View, key: string): readonly Pod[] {
  const name = key.slice(POD_GROUPS.length + 1);
  const pods = view.byIndex(MEMBERS.name, name).map((entry) => view.decode<Pod>(entry));
  return pods.filter(({ metadata }) => groupOf(metadata) === name);
}

function reconcile(kind: Kind, group: PodGroup, pods: readonly Pod[], now_ms: number): readonly Action[] {
  const { phase, running = 0, scheduleStartTime } = group.status ?? {};
  if (phase === "Finished" || phase === "Failed") return NOTHING;
  const waited_ms = Date.parse(scheduleStartTime ?? "") - Date.parse(group.metadata.creationTimestamp ?? "");
  if ((phase === "Scheduling" || phase === "Pending") && running === 0 && waited_ms > GIVEN_UP_MS) {
    return [{ do: "event", note: warning(regarding(kind, group), "Timeout", "schedule time longer than 48 hours") }];
  }
  const status = nextStatus(group, pods, now_ms);
  return semanticEqual(status, group.status) ? NOTHING : [updateStatus(kind, group, status)];
}

/** One step at a time: each is seen, and the next follows from it. */
function nextStatus(group: PodGroup, pods: readonly Pod[], now_ms: number): PodGroupStatus {
  const before = group.status ?? {};
  const wanted = leastMembers(group);
  if (before.phase === undefined) return { ...before, phase: "Pending" };
  if (before.phase === "Pending") {
    if (pods.length < wanted) return before;
    const occupiedBy = ownersOf(pods[0]);
    return {
      ...before,
      phase: "Scheduling",
      ...(occupiedBy === "" ? {} : { occupiedBy }),
      scheduleStartTime: before.scheduleStartTime ?? timestamp(now_ms),
    };
  }
  const inPhase = (phase: string): number => pods.filter(({ status }) => status?.phase === phase).length;
  const running = inPhase("Running");
  const succeeded = inPhase("Succeeded");
  const failed = inPhase("Failed");
  const counted = { ...before, scheduled: pods.filter(({ spec }) => spec.nodeName).length, running, succeeded, failed };
  return { ...counted, phase: phaseOf(pods.length, running, succeeded, failed, wanted) };
}

function phaseOf(pods: number, running: number, succeeded: number, failed: number, wanted: number): PodGroupStatus["phase"] & string {
  if (succeeded >= wanted) return "Finished";
  if (failed > 0 && failed + running + succeeded >= wanted) return "Failed";
  if (pods < wanted) return "Pending";
  return succeeded + running >= wanted ? "Running" : "Scheduling";
}

/** As `<namespace>/<name>` of each. */
function ownersOf(pod: Pod | undefined): string {
  const owners = pod?.metadata.ownerReferences ?? [];
  return owners
    .map(({ name }) => `${pod?.metadata.namespace}/${name}`)
    .sort()
    .join(",");
}
