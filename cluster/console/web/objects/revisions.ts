import { html, nothing, render, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { follow } from "../follow.ts";
import { age } from "../format.ts";
import { empty, loading, problem } from "../states.ts";
import { deedOn, FIELD_MANAGER, pathOf } from "./actions/action.ts";
import { readiness, stateMark } from "./cell.ts";
import { type Change, changesBetween } from "./changes.ts";
import { ask } from "./dialog.ts";
import { notice } from "./notice.ts";
import { objectAddress } from "./resource-types.ts";
import type { AnyObject, Panel, Subject, Workload } from "./subject.ts";
import { changeList } from "./yaml/change-list.ts";

const REVISION = "deployment.kubernetes.io/revision";
const CAUSE = "kubernetes.io/change-cause";
const HASH = "pod-template-hash";
const JSON_PATCH = "application/json-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";

/** What a workload was at some time. */
interface Revision {
  readonly number: number;
  readonly name: string;
  readonly id: string;
  readonly namespace: string;
  readonly created: string;
  readonly cause: string | undefined;
  /** The template of its pods. */
  readonly template: unknown;
  readonly pods: { readonly ready: number; readonly wanted: number } | undefined;
}

interface ControllerRevision extends AnyObject {
  readonly revision: number;
  readonly data?: { readonly spec?: { readonly template?: object } };
}

/** The revisions of a workload, the newest first; each older one can be gone back to. */
export async function open(panel: Panel): Promise<void> {
  const { context, root, signal, type, object, changed } = panel;
  const isDeployment = type.id === "deployments.apps";
  let revisions: readonly Revision[] | undefined;
  let mayRollBack = false;
  const draw = (): void => {
    if (signal.aborted) return;
    if (revisions === undefined) render(loading("revisions"), root);
    else if (revisions.length === 0) render(empty("No revisions yet"), root);
    else render(table(revisions, mayRollBack ? back : undefined), root);
  };
  const back = (to: Revision, now: Revision): void =>
    void rollBack({ type, object: object() }, to, changesBetween(now.template, to.template), panel);
  changed(draw);
  draw();
  void follow<AnyObject>({
    api: context.api,
    connection: context.connection,
    signal,
    path: `/apis/apps/v1/namespaces/${object().metadata.namespace}/${isDeployment ? "replicasets" : "controllerrevisions"}`,
    changed: ({ objects }) => {
      const mine = [...objects.values()].filter(({ metadata }) =>
        metadata.ownerReferences?.some(({ uid }) => uid === object().metadata.uid),
      );
      revisions = mine.map(isDeployment ? ofReplicaSet : ofControllerRevision).sort((a, b) => b.number - a.number);
      draw();
    },
    failed: (error) => void render(problem(error), root),
  });
  mayRollBack = await context.api.may(deedOn({ type, object: object() }, "patch"));
  draw();
}

function ofReplicaSet(object: AnyObject): Revision {
  const { annotations = {} } = object.metadata;
  const { template, replicas = 0 } = (object as Workload).spec;
  const { [HASH]: _, ...labels } = template?.metadata?.labels ?? {};
  return {
    ...identityOf("replicasets.apps", object),
    number: Number(annotations[REVISION] ?? 0),
    cause: annotations[CAUSE],
    template: { ...template, metadata: { ...template?.metadata, labels } },
    pods: { ready: Number(object.status?.readyReplicas ?? 0), wanted: replicas },
  };
}

function ofControllerRevision(object: AnyObject): Revision {
  const { revision, data } = object as ControllerRevision;
  return {
    ...identityOf("controllerrevisions.apps", object),
    number: revision,
    cause: object.metadata.annotations?.[CAUSE],
    template: data?.spec?.template,
    pods: undefined,
  };
}

function identityOf(id: string, { metadata }: AnyObject): Pick<Revision, "id" | "name" | "namespace" | "created"> {
  return { id, name: metadata.name, namespace: metadata.namespace ?? "", created: metadata.creationTimestamp };
}

/** Puts the template of an earlier revision in, as `kubectl rollout undo` does; it becomes the newest revision. */
async function rollBack(subject: Subject, to: Revision, changes: readonly Change[], { context, signal }: Panel): Promise<void> {
  const { name } = subject.object.metadata;
  const isDeployment = subject.type.id === "deployments.apps";
  const { done } = ask(
    {
      title: `Roll ${name} back to revision ${to.number}`,
      body: () => html`<p>This changes the template of its pods:</p>${changeList(changes)}`,
      confirm: "Roll back",
      async act() {
        const path = `${pathOf(subject)}?fieldManager=${FIELD_MANAGER}`;
        if (isDeployment)
          await context.api.send("PATCH", path, [{ op: "replace", path: "/spec/template", value: to.template }], {
            contentType: JSON_PATCH,
          });
        else {
          const template = { ...(to.template as object), $patch: "replace" };
          await context.api.send("PATCH", path, { spec: { template } }, { contentType: STRATEGIC });
        }
      },
    },
    signal,
  );
  if (await done) notice(`${name} goes back to revision ${to.number}.`);
}

function table(revisions: readonly Revision[], back: ((to: Revision, now: Revision) => void) | undefined): TemplateResult {
  const now = revisions[0] as Revision;
  return html`
    <table class="table">
      <thead>
        <tr><th scope="col" class="right">Revision</th><th scope="col">Object</th><th scope="col">Images</th><th scope="col">Pods</th><th scope="col">Cause</th><th scope="col">Age</th><th></th></tr>
      </thead>
      <tbody>
        ${revisions.map(
          (revision) => html`
            <tr>
              <td class="right">${revision.number}</td>
              <td><a href=${hrefOf(objectAddress(revision.id, revision.namespace, revision.name))}>${revision.name}</a></td>
              <td>${imagesOf(revision).map((image) => html`<div><code>${image}</code></div>`)}</td>
              <td>${revision.pods === undefined ? "" : readiness(revision.pods.ready, revision.pods.wanted)}</td>
              <td class="words">${revision.cause ?? ""}</td>
              <td class="num">${age(revision.created, Date.now())}</td>
              <td class="right">
                ${
                  revision === now
                    ? stateMark("Current", "good")
                    : back === undefined
                      ? nothing
                      : html`<button type="button" class="button" @click=${() => back(revision, now)}>Roll back <span class="hidden-text">to ${revision.number}</span></button>`
                }
              </td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}

function imagesOf({ template }: Revision): readonly string[] {
  const { containers = [] } = (template as Workload["spec"]["template"])?.spec ?? { containers: [] };
  return containers.map(({ image = "" }) => image);
}
