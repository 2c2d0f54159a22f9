import { internalError } from "../../../kinds/errors.ts";
import type { AdmissionPlugin, AdmissionRequest, AdmissionWorld } from "../admission.ts";
import type { DynamicAdmission } from "../dynamic.ts";
import { ask, failsOpen } from "./ask.ts";
import { concerns, type Hook, Hooks } from "./hooks.ts";
import { WebhookFailure } from "./webhook-client.ts";

const RESOURCE = "validatingwebhookconfigurations.admissionregistration.k8s.io";

/**
 * Asks the validating webhooks, all at the same time; the refusal of the first in order is the answer. Source: apiserver's
 * plugin/webhook/validating/dispatcher.go.
 */
export function validatingWebhooks({ client, kindsOf, expressions }: DynamicAdmission): AdmissionPlugin {
  let hooks: Hooks | undefined;
  const configured = (): readonly Hook[] => hooks?.all ?? [];
  const call = async (hook: Hook, request: AdmissionRequest, world: AdmissionWorld): Promise<void> => {
    const kind = await concerns(hook, request, kindsOf, expressions, world);
    if (kind === undefined) return;
    try {
      await ask(hook, kind, false, request, client, world);
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      if (failsOpen(hook)) request.options.annotate?.(`failed-open.validating.webhook.admission.k8s.io/${hook.uid}`, error.message);
      else throw internalError(error.message);
    }
  };
  return {
    name: "ValidatingAdmissionWebhook",
    busy: () => configured().length > 0,
    prepare({ view }) {
      hooks = new Hooks(view, RESOURCE);
    },
    validate(request, world) {
      const all = configured();
      return all.length === 0 ? undefined : askAll(all.map((hook) => call(hook, request, world)));
    },
  };
}

async function askAll(calls: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(calls)) if (outcome.status === "rejected") throw outcome.reason;
}
