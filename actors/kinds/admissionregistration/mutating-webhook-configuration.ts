import { defineKind } from "../define-kind.ts";
import type { MutatingWebhookConfiguration } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsSubdomain } from "../names.ts";
import { ageOf } from "../table.ts";
import { defaultWebhook, validateConfiguration, WEBHOOK_COLUMNS } from "./webhooks.ts";

export const MutatingWebhookConfigurationKind: Kind<MutatingWebhookConfiguration> = defineKind<MutatingWebhookConfiguration>({
  group: "admissionregistration.k8s.io",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  categories: ["api-extensions"],
  namespaced: false,
  updatesNameRevision: true,
  tracksGeneration: true,
  generationChanges: (next, current) => !semanticEqual(next.webhooks, current.webhooks),
  applyDefaults: ({ webhooks = [] }) => {
    for (const webhook of webhooks) {
      defaultWebhook(webhook);
      webhook.reinvocationPolicy ??= "Never";
    }
  },
  updateChecks: ["whole"],
  anyFinalizer: true,
  nameRule: dnsSubdomain,
  validate: validateConfiguration,
  columns: WEBHOOK_COLUMNS,
  cells: (object, now_ms) => [object.metadata.name, object.webhooks?.length ?? 0, ageOf(object, now_ms)],
});
