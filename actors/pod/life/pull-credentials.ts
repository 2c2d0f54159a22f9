/**
 * What a pod shows registries for its images: its pull secrets, in the form of Docker's configuration. Pure but for the view. Source: kubelet's MakeDockerKeyring, and the
 * credentialprovider's keyring.go (Kubernetes 1.34).
 */
import type { Pod, Secret } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import type { RegistryCredentials } from "../../node/container-runtime.ts";
import type { View } from "../../store/view.ts";

export interface PullCredentials {
  readonly credentials: readonly RegistryCredentials[];
  /** Secrets that the pod names and that are not there. */
  readonly missing: readonly string[];
}

interface Told {
  readonly username?: string;
  readonly password?: string;
  /** `username:password`, in base64. */
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

const HUB = "docker.io";
/** What Docker's own registry is also called. */
const HUB_ALIASES: readonly string[] = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];
const NONE: PullCredentials = { credentials: [], missing: [] };

/** Of the secrets that the pod names, those that are for the registry of the image, the most particular first. */
export function pullCredentials(view: Pick<View, "get">, { metadata, spec }: Pod, image: string): PullCredentials {
  const { imagePullSecrets = [] } = spec;
  if (imagePullSecrets.length === 0) return NONE;
  const missing: string[] = [];
  const told: { readonly registry: string; readonly credentials: RegistryCredentials }[] = [];
  for (const { name = "" } of imagePullSecrets) {
    const secret = view.get<Secret>(keyFor({ group: "", plural: "secrets" }, metadata.namespace, name));
    if (secret === undefined) missing.push(name);
    else told.push(...credentialsIn(secret));
  }
  const repository = repositoryOf(image);
  const matching = told.filter(({ registry }) => isFor(registry, repository)).sort((a, b) => (a.registry < b.registry ? 1 : -1));
  return { credentials: matching.map(({ credentials }) => credentials), missing };
}

/** `docker.io/library/busybox` of `busybox:1`. */
function repositoryOf(image: string): string {
  const name = image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  const [first = "", ...rest] = name.split("/");
  if (rest.length === 0) return `${HUB}/library/${first}`;
  return /[.:]|^localhost$/.test(first) ? name : `${HUB}/${name}`;
}

function* credentialsIn({ data = {} }: Secret): Generator<{ readonly registry: string; readonly credentials: RegistryCredentials }> {
  const { ".dockerconfigjson": config, ".dockercfg": former } = data;
  const auths = config === undefined ? parsed(former) : (parsed(config).auths ?? {});
  for (const [server, value] of Object.entries(auths)) {
    const { username = "", password = "", auth = "", identitytoken = "", registrytoken = "" } = value as Told;
    const [user = "", ...secret] = Buffer.from(auth, "base64").toString().split(":");
    yield {
      registry: registryOf(server),
      credentials: {
        username: auth === "" ? username : user,
        password: auth === "" ? password : secret.join(":"),
        serverAddress: server,
        identityToken: identitytoken,
        registryToken: registrytoken,
      },
    };
  }
}

/** What cannot be read says nothing. */
function parsed(base64: string | undefined): { readonly auths?: object } {
  try {
    return (JSON.parse(Buffer.from(base64 ?? "", "base64").toString()) as object | null) ?? {};
  } catch {
    return {};
  }
}

/** Without its scheme, and without what Docker's API puts behind it. */
function registryOf(server: string): string {
  const plain = server.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");
  const [host = "", ...path] = plain.split("/");
  return [HUB_ALIASES.includes(host) ? HUB : host, ...path].join("/");
}

/** Whether it is the registry of a repository: the same host, in which each part may be a pattern, and the same path as far as it has one. */
function isFor(registry: string, repository: string): boolean {
  const [host = "", ...path] = registry.split("/");
  const [itsHost = "", ...itsPath] = repository.split("/");
  const [parts, itsParts] = [host.split("."), itsHost.split(".")];
  if (parts.length !== itsParts.length || !parts.every((part, index) => globbed(part).test(itsParts[index] ?? ""))) return false;
  return itsPath.join("/").startsWith(path.join("/"));
}

function globbed(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}
