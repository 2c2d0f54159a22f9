import { internalError } from "../../../kinds/errors.ts";
import type { Kind } from "../../../kinds/kind.ts";
import { JsonPatchError, jsonPatch } from "../../../kinds/machinery/json-patch.ts";
import { ShapeError } from "../../../kinds/machinery/shape.ts";
import type { KubeObject } from "../../../kinds/object.ts";
import type { AdmissionPlugin, AdmissionRequest, AdmissionWorld, Reinvocation } from "../admission.ts";
import type { DynamicAdmission } from "../dynamic.ts";
import { servedForm, storedForm } from "../served-form.ts";
import { ask, failsOpen } from "./ask.ts";
import { concerns, type Hook, Hooks } from "./hooks.ts";
import { WebhookFailure } from "./webhook-client.ts";

const RESOURCE = "mutatingwebhookconfigurations.admissionregistration.k8s.io";

function firstTime(): Reinvocation {
  return { again: false, wanted: false, called: new Set(), due: new Set(), left: "" };
}

/** What the others have changed since concerns those that want to know. */
function recall({ called, due }: Reinvocation): void {
  for (const uid of called) due.add(uid);
  called.clear();
}

/** Puts what a webhook wants into the request; says whether that is anything new. Throws when it makes no object any more. */
function patchRequest({ webhook }: Hook, kind: Kind, patch: readonly unknown[], request: AdmissionRequest): boolean {
  if (request.operation === "delete") {
    const why = `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`;
    throw internalError(why);
  }
  const before = JSON.stringify(servedForm(request, kind, request.object));
  let next: KubeObject;
  try {
    next = storedForm(request, kind, jsonPatch(JSON.parse(before), patch));
  } catch (error) {
    if (error instanceof JsonPatchError || error instanceof ShapeError) throw internalError(error.message);
    throw error;
  }
  if (JSON.stringify(servedForm(request, kind, next)) === before) return false;
  request.object = next;
  return true;
}

/**
 * Asks the mutating webhooks one after the other, each about what those before it have made of the object. Source: apiserver's
 * plugin/webhook/mutating/dispatcher.go.
 */
export function mutatingWebhooks({ client, kindsOf, expressions }: DynamicAdmission): AdmissionPlugin {
  let hooks: Hooks | undefined;
  const configured = (): readonly Hook[] => hooks?.all ?? [];

  const call = async (hook: Hook, request: AdmissionRequest, round: Reinvocation, world: AdmissionWorld): Promise<void> => {
    const kind = await concerns(hook, request, kindsOf, expressions, world);
    if (kind === undefined || (round.again && !round.due.has(hook.uid))) return;
    try {
      const { patch = [] } = await ask(hook, kind, true, request, client, world);
      if (patch.length > 0 && patchRequest(hook, kind, patch, request)) {
        recall(round);
        round.wanted = true;
      }
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      if (!failsOpen(hook)) throw internalError(error.message);
      request.options.annotate?.(`failed-open.mutating.webhook.admission.k8s.io/${hook.uid}`, error.message);
    }
    if ("reinvocationPolicy" in hook.webhook && hook.webhook.reinvocationPolicy === "IfNeeded") round.called.add(hook.uid);
  };

  const callAll = async (all: readonly Hook[], request: AdmissionRequest, world: AdmissionWorld): Promise<void> => {
    request.reinvocation ??= firstTime();
    const round = request.reinvocation;
    if (round.again && JSON.stringify(request.object) !== round.left) recall(round);
    for (const hook of all) await call(hook, request, round, world);
    round.left = JSON.stringify(request.object);
  };

  return {
    name: "MutatingAdmissionWebhook",
    busy: () => configured().length > 0,
    prepare({ view }) {
      hooks = new Hooks(view, RESOURCE);
    },
    mutate(request, world) {
      const all = configured();
      return all.length === 0 ? undefined : callAll(all, request, world);
    },
  };
}
