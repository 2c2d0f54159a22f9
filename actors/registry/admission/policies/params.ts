/** The objects by which a binding gives its policy parameters. Source: apiserver's plugin/policy/generic/policy_dispatcher.go, CollectParams. */
import type { ParamRef, ValidatingAdmissionPolicy } from "../../../kinds/generated/types.ts";
import { apiVersionOf, asServed, type Kind, keyFor, resourceOf } from "../../../kinds/kind.ts";
import type { KindTable } from "../../../kinds/kinds.ts";
import { matchesLabels, selectorOf } from "../../../kinds/machinery/label-selector.ts";
import type { KubeObject } from "../../../kinds/object.ts";
import { decodeObject } from "../../../kinds/text.ts";
import type { Entry } from "../../../store/view.ts";
import type { AdmissionRequest, AdmissionWorld } from "../admission.ts";
import { placeOf } from "../matching.ts";

/** A policy, or what it is used with, that is not put together right; what becomes of it the failure policy says. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

type ParamKind = NonNullable<NonNullable<ValidatingAdmissionPolicy["spec"]>["paramKind"]>;

/** One evaluation for each; null where the expressions see no parameters. Throws ConfigurationError. */
export async function paramsFor(
  paramKind: ParamKind | undefined,
  ref: ParamRef | undefined,
  request: AdmissionRequest,
  kinds: Pick<KindTable, "byApiVersion">,
  world: AdmissionWorld,
): Promise<readonly (KubeObject | null)[]> {
  if (paramKind === undefined || ref === undefined) return [null];
  const { apiVersion = "", kind: name = "" } = paramKind;
  const kind = kinds.byApiVersion(apiVersion, name);
  if (kind === undefined) throw new ConfigurationError(`failed to find resource referenced by paramKind: '${apiVersion}, Kind=${name}'`);
  const found = await entriesOf(kind, ref, request, world);
  if (found.length === 0 && ref.parameterNotFoundAction === "Deny") {
    throw new ConfigurationError("no params found for policy binding with `Deny` parameterNotFoundAction");
  }
  return found.map(({ text, revision }) => ({
    ...asServed(kind, decodeObject(text, revision)),
    kind: kind.kind,
    apiVersion: apiVersionOf(kind),
  }));
}

async function entriesOf(kind: Kind, ref: ParamRef, request: AdmissionRequest, world: AdmissionWorld): Promise<readonly Entry[]> {
  const { name, namespace: given, selector } = ref;
  let namespace: string | undefined;
  if (kind.namespaced) {
    namespace = given || placeOf(request) || undefined;
    if (namespace === undefined) {
      throw new ConfigurationError("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
    }
  } else if (given) throw new ConfigurationError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
  if (name) {
    const entry = await world.find(keyFor(kind, namespace, name));
    return entry === undefined ? [] : [entry];
  }
  const wanted = selectorOf(selector ?? {});
  return world.view.list(resourceOf(kind), namespace).filter((entry) => matchesLabels(wanted, world.view.decode(entry).metadata.labels));
}
