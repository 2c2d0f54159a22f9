import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { BootFailure } from "../boot/failure.ts";

/** A kubeconfig that cannot be used; the message names the file and what is wrong. */
export class KubeconfigFailure extends BootFailure {}

/** How a Kubernetes API server, or a webhook, is reached, taken from a kubeconfig's current context. PEM where a certificate or key. */
export interface ApiAccess {
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** The path of the server's URL, `/` for most. */
  readonly path: string;
  /** Undefined: the machine's own authorities. */
  readonly authority: string | undefined;
  readonly serverName: string | undefined;
  readonly insecure: boolean;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly token: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the access that `path` gives by its current context. Client certificates and tokens are known; plug-ins are not. Throws KubeconfigFailure. */
export function readKubeconfig(path: string): ApiAccess {
  let config: Fields;
  try {
    config = fields(parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new KubeconfigFailure(`cannot read the kubeconfig ${path} (${(error as Error).message.split("\n")[0]})`);
  }
  const context = named(config, "contexts", "context", config["current-context"], path);
  const cluster = named(config, "clusters", "cluster", context.cluster, path);
  // A webhook may be told nothing of who asks.
  const user = text(context.user) === undefined ? {} : named(config, "users", "user", context.user, path);
  const server = text(cluster.server) ?? "";
  if (!URL.canParse(server)) throw new KubeconfigFailure(`the kubeconfig ${path} names no server that is a URL`);
  if (user.exec !== undefined || user["auth-provider"] !== undefined) {
    throw new KubeconfigFailure(`the user in ${path} logs in by a plug-in, which is not run here; use a client certificate or a token`);
  }
  const content = (from: Fields, name: string): string | undefined => {
    const data = text(from[`${name}-data`]);
    if (data !== undefined) return Buffer.from(data, "base64").toString();
    const file = text(from[name]);
    return file === undefined ? undefined : readFile(resolve(dirname(path), file));
  };
  const tokenFile = text(user.tokenFile);
  return {
    origin: new URL(server).origin,
    path: new URL(server).pathname,
    authority: content(cluster, "certificate-authority"),
    serverName: text(cluster["tls-server-name"]),
    insecure: cluster["insecure-skip-tls-verify"] === true,
    clientCertificate: content(user, "client-certificate"),
    clientKey: content(user, "client-key"),
    token: text(user.token) ?? (tokenFile === undefined ? undefined : readFile(resolve(dirname(path), tokenFile)).trim()),
  };
}

/** From one of a kubeconfig's lists, what stands under a name. */
function named(config: Fields, list: string, member: string, name: unknown, path: string): Fields {
  const entries = Array.isArray(config[list]) ? config[list].map(fields) : [];
  const found = entries.find((entry) => entry.name === name);
  if (found === undefined) throw new KubeconfigFailure(`the kubeconfig ${path} has no ${member} named ${String(name)}`);
  return fields(found[member]);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new KubeconfigFailure(`cannot read ${path}, which the kubeconfig names (${(error as NodeJS.ErrnoException).code})`);
  }
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
