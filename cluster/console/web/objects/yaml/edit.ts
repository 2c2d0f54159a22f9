import { html, nothing, render, type TemplateResult } from "lit-html";
import { stringify } from "yaml";
import { ApiError } from "../../api.ts";
import { deedOn, FIELD_MANAGER, pathOf } from "../actions/action.ts";
import { type Change, changesBetween, concernTheSame } from "../changes.ts";
import { ask } from "../dialog.ts";
import { notice } from "../notice.ts";
import type { ResourceType } from "../resource-types.ts";
import type { AnyObject, Panel, Subject } from "../subject.ts";
import { changeList } from "./change-list.ts";
import { Editor } from "./editor.ts";
import { faultsOf } from "./faults.ts";
import { type Manifest, parseManifests } from "./manifest.ts";
import { withChanges } from "./merge.ts";

const YAML = "application/yaml";
const CONFLICT = 409;

/**
 * An object as YAML, to be edited. What is to be saved goes to the server for a dry run first: what it refuses is shown at its field, what it would make of it
 * is shown as the changes. If the object changes meanwhile, what has changed is shown, and the changes can be made to it as it is now.
 */
export async function open(panel: Panel): Promise<void> {
  const { context, root, signal, type, object, changed } = panel;
  const place = document.createElement("div");
  const subject = (): Subject => ({ type, object: object() });
  /** As it was when the editing began. */
  let base = object();
  let isDirty = false;
  let isBusy = false;
  let mayEdit = false;
  const editor = new Editor(place, `${type.kind} ${base.metadata.name} as YAML`, () => {
    isDirty = editor.text !== textOf(type, base);
    draw();
  });
  editor.isReadOnly = true;
  root.classList.add("yaml-part");

  const begin = (): void => {
    base = object();
    editor.text = textOf(type, base);
    editor.show([]);
    isDirty = false;
    draw();
  };
  const meanwhile = (): readonly Change[] =>
    base.metadata.resourceVersion === object().metadata.resourceVersion
      ? []
      : changesBetween(editable(type, base), editable(type, object()));
  const changesMade = (): readonly Change[] => {
    const parsed = parseManifests(editor.text);
    return "faults" in parsed ? [] : changesBetween(editable(type, base), parsed.manifests[0]?.value);
  };
  const manifest = (): Manifest | undefined => {
    const parsed = parseManifests(editor.text);
    const faults =
      "faults" in parsed ? parsed.faults : parsed.manifests.length === 1 ? [] : [{ message: "Here is one object.", line: undefined }];
    editor.show(faults);
    return "manifests" in parsed && faults.length === 0 ? parsed.manifests[0] : undefined;
  };
  /** Makes the same changes to the object as it is now. */
  const onto = (): void => {
    const mine = manifest();
    if (mine === undefined) return;
    const changes = changesBetween(editable(type, base), mine.value);
    base = object();
    editor.text = stringify(withChanges(editable(type, base), changes), PRINTED);
    isDirty = true;
    draw();
  };
  const put = (dryRun: boolean): Promise<AnyObject> => {
    const query = new URLSearchParams({ fieldValidation: "Strict", fieldManager: FIELD_MANAGER, ...(dryRun ? { dryRun: "All" } : {}) });
    return context.api.send<AnyObject>("PUT", `${pathOf(subject())}?${query}`, editor.text, { contentType: YAML });
  };
  const save = async (): Promise<void> => {
    const mine = manifest();
    if (mine === undefined || isBusy) return;
    isBusy = true;
    draw();
    let becomes: AnyObject | undefined;
    try {
      becomes = await put(true);
    } catch (error) {
      const isConflict = error instanceof ApiError && error.status.code === CONFLICT;
      editor.show(isConflict ? [{ message: "The object has changed meanwhile; see above.", line: undefined }] : faultsOf(error, mine));
    }
    isBusy = false;
    draw();
    if (becomes === undefined || signal.aborted) return;
    const changes = changesBetween(editable(type, base), editable(type, becomes));
    const { done } = ask(
      { title: `Save ${base.metadata.name}`, body: () => changeList(changes), confirm: "Save", act: async () => void (await put(false)) },
      signal,
    );
    if (!(await done)) return;
    notice(`${base.metadata.name} is saved.`);
    isDirty = false;
    // Else it is on the way, and is shown when it comes.
    if (object().metadata.resourceVersion !== base.metadata.resourceVersion) begin();
    draw();
  };
  const template = (): TemplateResult => html`
    ${isDirty && meanwhile().length > 0 ? changedMeanwhile(meanwhile(), clashes(changesMade(), meanwhile()), onto, begin) : nothing}
    <div class="toolbar part-bar">
      ${mayEdit ? html`<button type="button" class="button primary" ?disabled=${!isDirty || isBusy} @click=${save}>Review and save</button>` : html`<span class="muted">You may look at this, and not change it.</span>`}
      ${isDirty ? html`<button type="button" class="button" @click=${begin}>Discard changes</button>` : nothing}
      ${isBusy ? html`<span class="spinner"></span>` : nothing}
    </div>
    ${place}
  `;
  const draw = (): void => {
    if (!signal.aborted) render(template(), root);
  };
  changed(() => {
    // Nobody is in the middle of something: it is shown as it is.
    if (isDirty) draw();
    else begin();
  });
  begin();
  mayEdit = type.verbs.has("update") && (await context.api.may(deedOn(subject(), "update")));
  editor.isReadOnly = !mayEdit;
  context.keys.bind("e", "Edit", () => editor.focus(), signal);
  draw();
}

const PRINTED = { lineWidth: 0, aliasDuplicateObjects: false } as const;

/** What people edit: without who wrote which field, which nobody reads, and without the status where that is written apart. */
function editable(type: ResourceType, object: AnyObject): AnyObject {
  const { managedFields: _, ...metadata } = object.metadata;
  const { status: __, ...others } = object;
  return { ...(type.subresources.has("status") ? others : object), metadata };
}

function textOf(type: ResourceType, object: AnyObject): string {
  return stringify(editable(type, object), PRINTED);
}

/** Of what has changed meanwhile, what has been changed here, too. */
function clashes(mine: readonly Change[], theirs: readonly Change[]): readonly Change[] {
  return theirs.filter((their) => their.path.join() !== "metadata,resourceVersion" && mine.some((my) => concernTheSame(their, my)));
}

function changedMeanwhile(changes: readonly Change[], clashes: readonly Change[], onto: () => void, begin: () => void): TemplateResult {
  return html`
    <section class="note meanwhile" role="status">
      <h2>The object has changed meanwhile</h2>
      ${changeList(changes)}
      ${clashes.length === 0 ? nothing : html`<p class="bad-words">You have changed ${clashes.length === 1 ? "one of these" : `${clashes.length} of these`}, too: yours would go over it.</p>`}
      <div class="toolbar">
        <button type="button" class="button" @click=${onto}>Make my changes to it as it is now</button>
        <button type="button" class="button" @click=${begin}>Start over from it</button>
      </div>
    </section>
  `;
}
