import type { Ingress, IngressClass } from "../../kinds/generated/types.ts";
import { INGRESS_CLASS_ANNOTATION } from "../../kinds/networking/ingress-validation.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { defaultClass } from "./default-class.ts";

const DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class";

/** An ingress that says nothing of its class gets the default one, if there is one. Source: plugin/pkg/admission/network/defaultingressclass. */
export const DefaultIngressClass: AdmissionPlugin = {
  name: "DefaultIngressClass",
  mutate({ operation, resource, object }, world) {
    if (operation !== "create" || resource !== "ingresses.networking.k8s.io") return;
    const ingress = object as Ingress;
    if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.[INGRESS_CLASS_ANNOTATION] !== undefined) return;
    const chosen = defaultClass<IngressClass>(
      world,
      "ingressclasses.networking.k8s.io",
      ({ metadata }) => metadata.annotations?.[DEFAULT_ANNOTATION] === "true",
    );
    if (chosen !== undefined && ingress.spec !== undefined) ingress.spec.ingressClassName = chosen.metadata.name;
  },
};
