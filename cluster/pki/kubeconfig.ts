import type { KeyPair } from "./issuing.ts";
import { writePrivateFile } from "./key-pair-file.ts";

const NAME = "troupe";

/** What a kubeconfig brings together: where the API is, whom to trust there, and who one is. */
export interface KubeconfigContent {
  /** `https://host:port` */
  readonly server: string;
  /** The authority's certificate, PEM. */
  readonly authority: string;
  readonly user: KeyPair;
  /** What the file calls them; the administrator by default. */
  readonly userName?: string;
}

/**
 * The text of a kubeconfig with everything embedded, so that the file can be copied; its one context is `troupe`. Written out, since a URL and
 * base64 need no quoting and a YAML library takes a start longer to load than all of this.
 */
export function kubeconfigText({ server, authority, user, userName = `${NAME}-admin` }: KubeconfigContent): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: ${NAME}
    cluster:
      server: ${server}
      certificate-authority-data: ${base64(authority)}
users:
  - name: ${userName}
    user:
      client-certificate-data: ${base64(user.cert)}
      client-key-data: ${base64(user.key)}
contexts:
  - name: ${NAME}
    context:
      cluster: ${NAME}
      user: ${userName}
current-context: ${NAME}
`;
}

/** What everybody may know of a cluster, as a kubeconfig without a user. Source: kubeadm's cluster-info. */
export function kubeconfigOfCluster(server: string, authority: string): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: ""
    cluster:
      server: ${server}
      certificate-authority-data: ${base64(authority)}
contexts: []
users: []
current-context: ""
`;
}

/** Writes a kubeconfig for its owner's eyes only (0600), by atomic rename. Throws BootFailure. */
export function writeKubeconfig(path: string, content: KubeconfigContent): void {
  writePrivateFile(path, kubeconfigText(content));
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
