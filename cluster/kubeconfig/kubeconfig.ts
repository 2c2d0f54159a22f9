import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { Document, parseDocument } from "yaml";
import { BootFailure } from "../boot/failure.ts";
import { requestCertificate } from "../joining/certificate.ts";
import { accessOf, asUser } from "../joining/command-session.ts";
import type { ApiAccess } from "../outbound/kubeconfig.ts";
import { writePrivateFile } from "../pki/key-pair-file.ts";
import type { KubeconfigFlags, Who } from "./flags.ts";
import { type Access, mergeInto } from "./merge.ts";

const NAME = "troupe";
/** The signer is a controller of the cluster, which signs at once. */
const SIGNING_MS = 30_000;

/** `troupe kubeconfig`: what to print, and what to say of it. Throws BootFailure. */
export async function runKubeconfig({ kubeconfig, who, name, namespace, to, format }: KubeconfigFlags): Promise<string> {
  const asker = accessOf(kubeconfig);
  const user = await userFields(asker, who);
  const cluster = {
    server: `${asker.origin}${asker.path === "/" ? "" : asker.path}`,
    ...(asker.serverName === undefined ? {} : { "tls-server-name": asker.serverName }),
    ...(asker.insecure ? { "insecure-skip-tls-verify": true } : {}),
    ...(asker.authority === undefined ? {} : { "certificate-authority-data": base64(asker.authority) }),
  };
  const access: Access = { context: name ?? contextOf(who), cluster, user, namespace };
  if (to === "merge") return merged(access);
  const document = new Document({ apiVersion: "v1", kind: "Config" });
  mergeInto(document, access);
  const text = format === "json" ? `${JSON.stringify(document.toJS())}\n` : document.toString({ lineWidth: 0 });
  if (to === "print") return text;
  writePrivateFile(to.file, text);
  return `${to.file}: context ${access.context}\n`;
}

function contextOf(who: Who): string {
  switch (who.is) {
    case "asker":
      return NAME;
    case "user":
      return `${NAME}-${who.user}`;
    case "account":
      return `${NAME}-${who.namespace}-${who.account}`;
    case "bearer":
      return `${NAME}-token`;
  }
}

/** By what the cluster knows them: the fields of a kubeconfig's user. */
async function userFields(asker: ApiAccess, who: Who): Promise<Access["user"]> {
  switch (who.is) {
    case "asker":
      return fieldsOf(asker.clientCertificate, asker.clientKey, asker.token);
    case "bearer":
      return { token: who.token };
    case "user": {
      const wish = { commonName: who.user, organizations: who.groups, life_ms: who.ttl_ms, patience_ms: SIGNING_MS, approve: true };
      const pair = await asUser(asker, (session) =>
        requestCertificate(session, { ...wish, signer: "kubernetes.io/kube-apiserver-client" }),
      );
      return fieldsOf(pair.cert, pair.key, undefined);
    }
    case "account": {
      const path = `/api/v1/namespaces/${who.namespace}/serviceaccounts/${who.account}/token`;
      const spec = { expirationSeconds: Math.floor(who.ttl_ms / 1_000) };
      const answer = await asUser(asker, (session) => session.call<{ status: { token: string } }>("POST", path, { spec }));
      return { token: answer.status.token };
    }
  }
}

function fieldsOf(certificate: string | undefined, key: string | undefined, token: string | undefined): Access["user"] {
  return {
    ...(certificate === undefined ? {} : { "client-certificate-data": base64(certificate) }),
    ...(key === undefined ? {} : { "client-key-data": base64(key) }),
    ...(token === undefined ? {} : { token }),
  };
}

/** Into the file that kubectl reads first; what was in it stays, and a copy of it beside it. */
function merged(access: Access): string {
  const path = process.env.KUBECONFIG?.split(delimiter).find((each) => each !== "") ?? join(homedir(), ".kube", "config");
  const before = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  const document = parseDocument(before ?? "apiVersion: v1\nkind: Config\n");
  if (document.errors.length > 0)
    throw new BootFailure(`${path} is no kubeconfig (${document.errors[0]?.message.split("\n")[0]}), so it was left alone`);
  mergeInto(document, access);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // One for each time: the copy of the first must not go.
  const copy = `${path}.before-troupe-${Date.now()}`;
  if (before !== undefined) writePrivateFile(copy, before);
  writePrivateFile(path, document.toString({ lineWidth: 0 }));
  return `${path}: context ${access.context}, which is the current one${before === undefined ? "" : `; as it was before: ${copy}`}\n`;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
