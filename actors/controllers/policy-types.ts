import { expressionWarnings, type ServedKinds } from "../kinds/admissionregistration/type-checking.ts";
import { ValidatingAdmissionPolicyKind } from "../kinds/admissionregistration/validating-admission-policy.ts";
import { CustomResourceDefinitionKind } from "../kinds/apiextensions/custom-resource-definition.ts";
import { customKinds, isEstablished } from "../kinds/custom/custom-kind.ts";
import type { CustomResourceDefinition, ValidatingAdmissionPolicy } from "../kinds/generated/types.ts";
import { apiVersionOf, type Kind, resourceOf } from "../kinds/kind.ts";
import type { View } from "../store/view.ts";
import { anyKind, updateStatus } from "./actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "./controller.ts";

const DEFINITIONS = resourceOf(CustomResourceDefinitionKind);

/** Says in the status of each policy what is wrong with the types in its expressions. Source: pkg/controller/validatingadmissionpolicystatus. */
export function policyTypesController(builtIn: readonly Kind[]): Controller {
  return {
    name: "validating-admission-policy-status",
    component: "validatingadmissionpolicy-status-controller",
    fieldManager: "validatingadmissionpolicy-status",
    kind: anyKind(ValidatingAdmissionPolicyKind),
    watches: [{ resource: resourceOf(ValidatingAdmissionPolicyKind), keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) }],
    reconcile: (view, key) => reconcile(view, key, builtIn),
  };
}

function reconcile(view: View, key: string, builtIn: readonly Kind[]): readonly Action[] {
  const policy = view.get<ValidatingAdmissionPolicy>(key);
  const generation = policy?.metadata.generation;
  if (policy === undefined || generation === undefined || (policy.status?.observedGeneration ?? 0) >= generation) return NOTHING;
  const found = expressionWarnings(policy, servedKinds(view, builtIn));
  const status: ValidatingAdmissionPolicy["status"] = {
    ...policy.status,
    observedGeneration: generation,
    typeChecking: found === undefined ? {} : { expressionWarnings: found },
  };
  return [updateStatus(ValidatingAdmissionPolicyKind, policy, status)];
}

function servedKinds(view: View, builtIn: readonly Kind[]): ServedKinds {
  let all: readonly Kind[] | undefined;
  const kinds = (): readonly Kind[] => {
    all ??= [...builtIn, ...definedKinds(view)];
    return all;
  };
  return {
    byPlural: (group, version, plural) =>
      kinds().find((kind) => kind.group === group && kind.version === version && kind.plural === plural),
    byApiVersion: (apiVersion, name) => kinds().find((kind) => kind.kind === name && apiVersionOf(kind) === apiVersion),
  };
}

function definedKinds(view: View): readonly Kind[] {
  return view
    .list(DEFINITIONS)
    .map((entry) => view.decode<CustomResourceDefinition>(entry))
    .filter(isEstablished)
    .flatMap((definition) => customKinds(definition));
}
