import { html, nothing, type TemplateResult } from "lit-html";
import { ApiError, type KubeList } from "../../api.ts";
import type { ViewContext } from "../../view.ts";
import { ask } from "../dialog.ts";
import { notice } from "../notice.ts";
import type { PodObject } from "../subject.ts";
import { type Action, deedOn, merge, pathOf } from "./action.ts";

const RETRY_MS = 2_000;
const NOT_FOUND = 404;
/** A budget does not allow it now. */
const TOO_MANY = 429;
const MIRROR = "kubernetes.io/config.mirror";
/** Evictions under way at once. */
const AT_ONCE = 8;
const POD_LINES_MAX = 100;

/** What becomes of a pod of the node. */
interface Fate {
  readonly pod: PodObject;
  /** Why it stays; undefined: it goes. */
  readonly stays: string | undefined;
  /** What has to be said yes to first. */
  readonly needs: "alone" | "scratch" | undefined;
  state: "waits" | "leaves" | "gone";
  /** What its budget says. */
  holds: string | undefined;
}

/** Cordons, and evicts one pod after another as their budgets allow, like `kubectl drain`. */
export const DRAIN: Action = {
  id: "drain",
  title: "Drain",
  key: "d",
  isDanger: true,
  applies: ({ type }) => type.id === "nodes",
  deed: () => ({ verb: "create", resource: "pods", subresource: "eviction" }),
  async run(subject, context) {
    const { name } = subject.object.metadata;
    const { api, signal } = context;
    if (!(await api.may(deedOn(subject, "patch")))) return notice(`You may not cordon ${name}, which comes before it is drained.`);
    const { items } = await api.get<KubeList<PodObject>>(`/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${name}`)}`, {
      signal,
    });
    const fates = items.map(fateOf);
    const agreed = { alone: false, scratch: false };
    let isUnderWay = false;
    const goes = ({ stays, needs }: Fate): boolean => stays === undefined && (needs === undefined || agreed[needs]);
    const isAgreed = (): boolean => fates.every((fate) => fate.stays !== undefined || goes(fate));
    const agree = (to: "alone" | "scratch", words: string): TemplateResult | typeof nothing => {
      const count = fates.filter(({ stays, needs }) => stays === undefined && needs === to).length;
      if (count === 0) return nothing;
      const changed = ({ target }: Event): void => {
        agreed[to] = (target as HTMLInputElement).checked;
        asked.redraw();
      };
      return html`<label class="check"><input type="checkbox" @change=${changed} ?disabled=${isUnderWay} /><span>${count} ${words}</span></label>`;
    };
    const asked = ask(
      {
        title: `Drain ${name}`,
        isDanger: true,
        confirm: "Drain",
        body: () => html`
          <p>It takes no new pods, and its pods are evicted as their disruption budgets allow.</p>
          ${agree("alone", "with no controller: nothing makes them again")} ${agree("scratch", "with an emptyDir: what is in it is lost")}
          ${fateLines(fates)}
        `,
        isReady: isAgreed,
        async act() {
          isUnderWay = true;
          const dialog = new AbortController();
          void asked.done.then(() => dialog.abort());
          const until = AbortSignal.any([signal, dialog.signal]);
          try {
            await merge(context, pathOf(subject), { spec: { unschedulable: true } });
            await evictAll(fates.filter(goes), { ...context, signal: until }, asked.redraw);
          } finally {
            isUnderWay = false;
          }
        },
      },
      signal,
    );
    if (await asked.done) notice(`${name} is drained.`);
  },
};

function fateOf(pod: PodObject): Fate {
  const { annotations = {}, ownerReferences = [] } = pod.metadata;
  const owner = ownerReferences.find(({ controller }) => controller === true);
  const hasEnded = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
  const stays =
    annotations[MIRROR] !== undefined ? "is the node's own" : owner?.kind === "DaemonSet" && !hasEnded ? "is of a DaemonSet" : undefined;
  const hasScratch = pod.spec.volumes?.some(({ emptyDir }) => emptyDir !== undefined) === true;
  return {
    pod,
    stays,
    needs: hasEnded ? undefined : owner === undefined ? "alone" : hasScratch ? "scratch" : undefined,
    state: "waits",
    holds: undefined,
  };
}

async function evictAll(fates: readonly Fate[], context: ViewContext, redraw: () => void): Promise<void> {
  const waiting = [...fates];
  const worker = async (): Promise<void> => {
    for (let fate = waiting.shift(); fate !== undefined; fate = waiting.shift()) await evict(fate, context, redraw);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Resolves when the pod is gone. */
async function evict(fate: Fate, { api, signal }: ViewContext, redraw: () => void): Promise<void> {
  const { name, namespace, uid } = fate.pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  const here = `/api/v1/namespaces/${namespace}/pods?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace }, deleteOptions: { preconditions: { uid } } };
  for (let isEvicted = false; ; ) {
    signal.throwIfAborted();
    try {
      if (!isEvicted) {
        await api.send("POST", `${path}/eviction`, eviction, { signal });
        isEvicted = true;
        fate.state = "leaves";
        fate.holds = undefined;
      } else if ((await api.get<KubeList<PodObject>>(here, { signal })).items[0]?.metadata.uid !== uid) break;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status.code === NOT_FOUND) break;
      if (error.status.code !== TOO_MANY) throw error;
      fate.holds = error.message;
    }
    redraw();
    await new Promise((resolve) => setTimeout(resolve, isEvicted ? RETRY_MS / 4 : RETRY_MS));
  }
  fate.state = "gone";
  redraw();
}

function fateLines(fates: readonly Fate[]): TemplateResult {
  const going = fates.filter(({ stays }) => stays === undefined);
  const gone = going.filter(({ state }) => state === "gone").length;
  return html`
    <p class="num" role="status">${gone} of ${going.length} gone, ${fates.length - going.length} stay.</p>
    <ul class="what-goes">
      ${fates.slice(0, POD_LINES_MAX).map(
        ({ pod: { metadata }, stays, state, holds }) => html`
          <li>
            <span class="clip">${metadata.namespace}/${metadata.name}</span>
            <span class="muted">${stays ?? (state === "waits" ? (holds ?? "") : state)}</span>
          </li>
        `,
      )}
    </ul>
  `;
}
