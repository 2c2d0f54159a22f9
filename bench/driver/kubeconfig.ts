import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { BenchFailure } from "../failure.ts";

/** How a Kubernetes API server is reached, taken from a kubeconfig's current context. PEM where a certificate or key. */
export interface ApiAccess {
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** Undefined: the machine's own authorities. */
  readonly authority: string | undefined;
  readonly serverName: string | undefined;
  readonly insecure: boolean;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly token: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the access that `path` gives by its current context. Client certificates and tokens are known; plug-ins are not. Throws BenchFailure. */
export function readKubeconfig(path: string): ApiAccess {
  let config: Fields;
  try {
    config = fields(parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new BenchFailure(
      `cannot read the kubeconfig ${path} (${(error as Error).message.split("\n")[0]}); name another with --kubeconfig FILE`,
    );
  }
  const context = named(config, "contexts", "context", config["current-context"], path);
  const cluster = named(config, "clusters", "cluster", context.cluster, path);
  const user = named(config, "users", "user", context.user, path);
  const server = text(cluster.server) ?? "";
  if (!URL.canParse(server)) throw new BenchFailure(`the kubeconfig ${path} names no server that is a URL; put it right or name another`);
  if (user.exec !== undefined || user["auth-provider"] !== undefined) {
    throw new BenchFailure(`the user in ${path} logs in by a plug-in, which the driver does not run; use a client certificate or a token`);
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
  if (found === undefined)
    throw new BenchFailure(`the kubeconfig ${path} has no ${member} named ${String(name)}; put it right or name another`);
  return fields(found[member]);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new BenchFailure(
      `cannot read ${path}, which the kubeconfig names (${(error as NodeJS.ErrnoException).code}); put the kubeconfig right`,
    );
  }
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
