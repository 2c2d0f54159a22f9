import type { Panel, Subject, Workload } from "./subject.ts";
import { selectorText } from "./subject.ts";

/** A part of an object's view. */
export interface Part {
  readonly id: string;
  readonly title: string;
  readonly applies: (subject: Subject) => boolean;
  readonly load: () => Promise<{ readonly open: (panel: Panel) => void | Promise<void> }>;
}

const SCHEDULED = "PodScheduled";
const WITH_REVISIONS: ReadonlySet<string> = new Set(["deployments.apps", "statefulsets.apps", "daemonsets.apps"]);
const WITH_DATA: ReadonlySet<string> = new Set(["configmaps", "secrets"]);

function isPod({ type }: Subject): boolean {
  return type.id === "pods";
}

function isUnbound({ object }: Subject): boolean {
  return (
    object.spec?.nodeName === undefined ||
    object.status?.conditions?.some(({ type, status }) => type === SCHEDULED && status === "False") === true
  );
}

/** All parts, in the order of their tabs. The first that applies is the one that is opened. */
export const PARTS: readonly Part[] = [
  { id: "data", title: "Data", applies: ({ type }) => WITH_DATA.has(type.id), load: () => import("./data.ts") },
  { id: "why", title: "Why pending?", applies: (subject) => isPod(subject) && isUnbound(subject), load: () => import("./pod/why.ts") },
  { id: "overview", title: "Overview", applies: () => true, load: () => import("./overview.ts") },
  { id: "logs", title: "Logs", applies: isPod, load: () => import("./pod/logs.ts") },
  { id: "terminal", title: "Terminal", applies: isPod, load: () => import("./pod/terminal.ts") },
  { id: "jobs", title: "Jobs", applies: ({ type }) => type.id === "cronjobs.batch", load: () => import("./related-jobs.ts") },
  { id: "pods", title: "Pods", applies: hasPods, load: () => import("./related-pods.ts") },
  { id: "revisions", title: "Revisions", applies: ({ type }) => WITH_REVISIONS.has(type.id), load: () => import("./revisions.ts") },
  { id: "quotas", title: "Quotas", applies: ({ type }) => type.id === "namespaces", load: () => import("./quotas.ts") },
  { id: "events", title: "Events", applies: () => true, load: () => import("./object-events.ts") },
  { id: "yaml", title: "YAML", applies: () => true, load: () => import("./yaml/edit.ts") },
];

function hasPods({ type, object }: Subject): boolean {
  if (type.id === "nodes") return true;
  if (type.id === "services") return object.spec?.selector !== undefined;
  return (object as Workload).spec?.template !== undefined && selectorText((object as Workload).spec.selector) !== undefined;
}
