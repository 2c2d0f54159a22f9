import { html } from "lit-html";
import { ask } from "../dialog.ts";
import { notice } from "../notice.ts";
import type { Subject, Workload } from "../subject.ts";
import { type Action, deedOn, merge, pathOf } from "./action.ts";

/** What `kubectl rollout restart` changes, too: a template that says when is another one. */
const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";
const RESTARTED: ReadonlySet<string> = new Set(["deployments.apps", "statefulsets.apps", "daemonsets.apps"]);
const SUSPENDED: ReadonlySet<string> = new Set(["cronjobs.batch", "jobs.batch"]);

export const RESTART: Action = {
  id: "restart",
  title: "Restart",
  key: "r",
  applies: ({ type }) => RESTARTED.has(type.id),
  deed: (subject) => deedOn(subject, "patch"),
  async run(subject, context) {
    const { name } = subject.object.metadata;
    const restart = { spec: { template: { metadata: { annotations: { [RESTARTED_AT]: new Date().toISOString() } } } } };
    const { done } = ask(
      {
        title: `Restart ${name}`,
        body: () => html`<p>All its pods are replaced, one after another as its strategy has it.</p>`,
        confirm: "Restart",
        act: () => merge(context, pathOf(subject), restart),
      },
      context.signal,
    );
    if (await done) notice(`${name} is being restarted.`);
  },
};

export const PAUSE: Action = switched("pause", "Pause rollout", "deployments.apps", "paused", true);
export const UNPAUSE: Action = switched("unpause", "Resume rollout", "deployments.apps", "paused", false);
export const SUSPEND: Action = switched("suspend", "Suspend", SUSPENDED, "suspend", true);
export const RESUME: Action = switched("resume", "Resume", SUSPENDED, "suspend", false);

/** A field of the spec that is on or off; done at once, as the other one undoes it. */
function switched(id: string, title: string, kinds: string | ReadonlySet<string>, field: "paused" | "suspend", to: boolean): Action {
  const concerns = ({ type }: Subject): boolean => (typeof kinds === "string" ? kinds === type.id : kinds.has(type.id));
  return {
    id,
    title,
    applies: (subject) =>
      concerns(subject) && ((subject.object as Workload).spec[field] ?? false) !== to && !hasEnded(subject.object as Workload),
    deed: (subject) => deedOn(subject, "patch"),
    async run(subject, context) {
      await merge(context, pathOf(subject), { spec: { [field]: to } });
      notice(`${subject.object.metadata.name}: ${title.toLowerCase()}.`);
    },
  };
}

function hasEnded({ status }: Workload): boolean {
  return status?.conditions?.some(({ type, status }) => (type === "Complete" || type === "Failed") && status === "True") === true;
}

interface CronJob extends Workload {
  readonly spec: Workload["spec"] & { readonly jobTemplate: { readonly metadata?: object; readonly spec: object } };
}

/** A CronJob's job, now. */
export const TRIGGER: Action = {
  id: "trigger",
  title: "Run now",
  applies: ({ type }) => type.id === "cronjobs.batch",
  deed: ({ object }) => ({ verb: "create", group: "batch", resource: "jobs", namespace: object.metadata.namespace ?? "" }),
  async run({ object }, context) {
    const { name, namespace, uid } = object.metadata;
    const { jobTemplate } = (object as CronJob).spec;
    const job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        generateName: `${name}-manual-`,
        annotations: { "cronjob.kubernetes.io/instantiate": "manual" },
        ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name, uid, controller: true }],
      },
      spec: jobTemplate.spec,
    };
    const made = await context.api.send<Workload>("POST", `/apis/batch/v1/namespaces/${namespace}/jobs`, job);
    notice(`Job ${made.metadata.name} is made.`);
  },
};
