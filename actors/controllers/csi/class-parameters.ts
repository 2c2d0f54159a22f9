/** What a storage class says to Kubernetes of its volumes among what it says to its driver. Pure. Source: external-provisioner's controller. */
import type { PersistentVolumeClaim, SecretReference } from "../../kinds/generated/types.ts";

const PREFIX = "csi.storage.k8s.io/";
/** Which secrets, by what a class calls them. */
const SECRETS = {
  provisioner: "provisioner-secret",
  controllerPublish: "controller-publish-secret",
  nodeStage: "node-stage-secret",
  nodePublish: "node-publish-secret",
  controllerExpand: "controller-expand-secret",
  nodeExpand: "node-expand-secret",
} as const;

export interface ClassParameters {
  readonly fsType: string;
  readonly secrets: Readonly<Partial<Record<keyof typeof SECRETS, SecretReference>>>;
  /** For the driver. */
  readonly rest: Readonly<Record<string, string>>;
}

/** Throws an Error in the words of external-provisioner. `volume` is the name that the volume is to have. */
export function classParameters(
  parameters: Readonly<Record<string, string>>,
  volume: string,
  claim: PersistentVolumeClaim,
): ClassParameters {
  const own = new Map(Object.entries(parameters).filter(([key]) => key.startsWith(PREFIX)));
  const take = (name: string): string | undefined => {
    const value = own.get(`${PREFIX}${name}`);
    own.delete(`${PREFIX}${name}`);
    return value;
  };
  const fsType = take("fstype") ?? "";
  const secrets: Partial<Record<keyof typeof SECRETS, SecretReference>> = {};
  for (const [what, key] of Object.entries(SECRETS) as [keyof typeof SECRETS, string][]) {
    const [name, namespace] = [take(`${key}-name`), take(`${key}-namespace`)];
    if (name === undefined && namespace === undefined) continue;
    if (name === undefined || namespace === undefined)
      throw new Error(`only one of ${PREFIX}${key}-name and ${PREFIX}${key}-namespace is specified, both must be`);
    secrets[what] = {
      name: resolved(name, variablesOf(volume, claim, true)),
      namespace: resolved(namespace, variablesOf(volume, claim, false)),
    };
  }
  const [unknown] = own.keys();
  if (unknown !== undefined) throw new Error(`found unknown parameter key ${JSON.stringify(unknown)} with reserved namespace ${PREFIX}`);
  return { fsType, secrets, rest: parametersForDriver(parameters) };
}

/** Without what is said to Kubernetes. */
export function parametersForDriver(parameters: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(parameters).filter(([key]) => !key.startsWith(PREFIX)));
}

/** A namespace is not for who makes claims to choose, but for its own. */
function variablesOf(volume: string, { metadata }: PersistentVolumeClaim, ofName: boolean): ReadonlyMap<string, string> {
  const { name, namespace = "", annotations = {} } = metadata;
  const own = ofName
    ? [["pvc.name", name], ...Object.entries(annotations).map(([key, value]) => [`pvc.annotations['${key}']`, value])]
    : [];
  return new Map([["pv.name", volume], ["pvc.namespace", namespace], ...own] as [string, string][]);
}

function resolved(template: string, variables: ReadonlyMap<string, string>): string {
  return template.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = variables.get(name);
    if (value === undefined)
      throw new Error(`error resolving value ${JSON.stringify(template)}: invalid tokens: [${JSON.stringify(name)}]`);
    return value;
  });
}
