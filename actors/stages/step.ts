/** What a stage does to an object when its time has come, step by step. Pure. Source: kwok's pkg/utils/lifecycle/next.go, finalizers.go. */
import { parse } from "yaml";
import type { KubeObject } from "../kinds/object.ts";
import type { Patch } from "../registry/registry.ts";
import type { Fields } from "./fields.ts";
import { TemplateError } from "./template/lex.ts";
import { type Template, type TemplateFunctions, template } from "./template/template.ts";

/** What is to be done at the API. `user`: in whose name, where that is not the node's. */
export type StageAction =
  | { readonly type: "event"; readonly severity: "Normal" | "Warning"; readonly reason: string; readonly message: string }
  | { readonly type: "patch"; readonly patch: Patch; readonly subresource: string; readonly user: string | undefined }
  | { readonly type: "delete" }
  | {
      readonly type: "apply";
      readonly object: KubeObject;
      readonly how: "apply" | "merge" | "strategic";
      readonly subresource: string;
      readonly user: string | undefined;
    };

/** The actions of one step on an object as it is now. Throws TemplateError. */
export type Step = (object: KubeObject, functions: TemplateFunctions) => readonly StageAction[];

const PATCH_TYPES = ["json", "merge", "strategic"] as const;
const APPLY_TYPES = ["apply", "merge", "strategic"] as const;
const SEVERITIES = ["Normal", "Warning"] as const;

interface StepReader {
  /** The functions that templates may use. */
  readonly functions: readonly string[];
  /** How patches are merged that do not say it: strategically where kwok knows the type. */
  readonly merge: "merge" | "strategic";
}

/** `spec.steps`; where there are none, what `spec.next` says in its older form. */
export function stepsOf(spec: Fields, reader: StepReader): readonly Step[] {
  const steps = spec.objects("steps");
  const next = spec.object("next");
  if (steps.length > 0) return steps.flatMap((step) => stepOf(step.only("patch", "event", "finalizers", "delete", "apply"), reader));
  return next === undefined ? [] : stepsOfNext(next, reader);
}

function stepOf(fields: Fields, reader: StepReader): readonly Step[] {
  const patch = fields.object("patch");
  const apply = fields.object("apply");
  return [
    ...eventStep(fields.object("event")),
    ...finalizersStep(fields.object("finalizers")),
    ...(fields.flag("delete") ? [DELETE] : []),
    ...(patch === undefined ? [] : [patchStep(patch, reader)]),
    ...(apply === undefined ? [] : [applyStep(apply, reader)]),
  ];
}

function stepsOfNext(next: Fields, reader: StepReader): readonly Step[] {
  next.only("event", "finalizers", "delete", "patches", "statusTemplate", "statusSubresource", "statusPatchAs");
  const patches = next.objects("patches").map((patch) => patchStep(patch, reader));
  const user = next.object("statusPatchAs")?.only("username").required("username");
  const status = templateOf(next, "statusTemplate", reader);
  const subresource = next.text("statusSubresource") ?? "status";
  const statusStep: Step[] = status === undefined ? [] : [mergeStep(status, "status", subresource, reader.merge, user)];
  return [
    ...eventStep(next.object("event")),
    ...finalizersStep(next.object("finalizers")),
    ...(patches.length > 0 ? patches : statusStep),
    ...(next.flag("delete") ? [DELETE] : []),
  ];
}

const DELETE: Step = () => [{ type: "delete" }];

function eventStep(fields: Fields | undefined): readonly Step[] {
  if (fields === undefined) return [];
  fields.only("type", "reason", "message");
  const severity = fields.oneOf("type", SEVERITIES) ?? "Normal";
  const action: StageAction = { type: "event", severity, reason: fields.text("reason") ?? "", message: fields.text("message") ?? "" };
  return [() => [action]];
}

function finalizersStep(fields: Fields | undefined): readonly Step[] {
  if (fields === undefined) return [];
  fields.only("add", "remove", "empty");
  const values = (name: string): readonly string[] => fields.objects(name).map((item) => item.only("value").required("value"));
  const [add, remove, empty] = [values("add"), values("remove"), fields.flag("empty")];
  return [
    ({ metadata }) => {
      const before = metadata.finalizers ?? [];
      const kept = empty ? [] : before.filter((each) => !remove.includes(each));
      const after = [...kept, ...add.filter((each) => !kept.includes(each))];
      if (after.length === before.length && after.every((each, index) => each === before[index])) return [];
      const patch: Patch = { type: "merge", body: { metadata: { finalizers: after.length === 0 ? null : after } } };
      return [{ type: "patch", patch, subresource: "", user: undefined }];
    },
  ];
}

function patchStep(fields: Fields, reader: StepReader): Step {
  fields.only("subresource", "root", "template", "type", "impersonation");
  const text = templateOf(fields, "template", reader) ?? NOTHING;
  const root = fields.text("root") ?? "";
  const type = fields.oneOf("type", PATCH_TYPES) ?? reader.merge;
  const subresource = fields.text("subresource") ?? "";
  const user = userOf(fields);
  if (type !== "json") return mergeStep(text, root, subresource, type, user);
  return (object, functions) => {
    const operations = document(text, object, functions);
    if (!Array.isArray(operations)) throw new TemplateError("a JSON patch should be a list of operations");
    const body =
      root === "" ? operations : operations.map((each: object) => ({ ...each, path: `/${root}${(each as { path?: string }).path ?? ""}` }));
    return [{ type: "patch", patch: { type, body }, subresource, user }];
  };
}

function mergeStep(text: Template, root: string, subresource: string, type: "merge" | "strategic", user: string | undefined): Step {
  return (object, functions) => {
    const rendered = document(text, object, functions) ?? {};
    return [{ type: "patch", patch: { type, body: root === "" ? rendered : { [root]: rendered } }, subresource, user }];
  };
}

function applyStep(fields: Fields, reader: StepReader): Step {
  fields.only("template", "subresource", "type", "impersonation");
  const text = templateOf(fields, "template", reader) ?? NOTHING;
  const how = fields.oneOf("type", APPLY_TYPES) ?? "apply";
  const subresource = fields.text("subresource") ?? "";
  const user = userOf(fields);
  return (object, functions) => {
    const rendered = document(text, object, functions) as KubeObject | undefined;
    const { apiVersion, kind, metadata } = rendered ?? {};
    if (rendered === undefined || apiVersion === undefined || kind === undefined || metadata?.name === undefined)
      throw new TemplateError("what is applied should have apiVersion, kind and metadata.name");
    return [{ type: "apply", object: rendered, how, subresource, user }];
  };
}

const NOTHING: Template = { render: () => "" };

function userOf(fields: Fields): string | undefined {
  return fields.object("impersonation")?.only("username").required("username");
}

function templateOf(fields: Fields, name: string, { functions }: StepReader): Template | undefined {
  const text = fields.text(name);
  return text === undefined ? undefined : fields.understood(name, () => template(text, functions));
}

/** The YAML that a template renders. */
function document(text: Template, object: KubeObject, functions: TemplateFunctions): unknown {
  const rendered = text.render(object, functions);
  try {
    return parse(rendered) ?? undefined;
  } catch (error) {
    throw new TemplateError(`what it renders is no YAML: ${(error as Error).message.split("\n")[0]}`);
  }
}
