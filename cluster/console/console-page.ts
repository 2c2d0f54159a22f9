import { createHash } from "node:crypto";

export const CONSOLE_TYPE = "text/html; charset=utf-8";

/** The page at `/console/`, and the headers that it has to come with. */
export interface ConsolePage {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** How often the page asks how the server is. */
const POLL_MS = 2_000;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem }
h1 small { font-weight: normal; font-size: 1rem; opacity: .7 }
pre { padding: .75rem 1rem; border: 1px solid #8886; border-radius: .4rem; overflow-x: auto }
[data-state="well"] { border-left: .4rem solid #2a7 }
[data-state="ill"] { border-left: .4rem solid #c33 }
`;

const SCRIPT = `
const box = document.getElementById("health");
async function look() {
  try {
    const answer = await fetch("/readyz?verbose", { cache: "no-store" });
    box.textContent = await answer.text();
    box.dataset.state = answer.ok ? "well" : "ill";
  } catch {
    box.textContent = "The server does not answer.";
    box.dataset.state = "ill";
  }
  setTimeout(look, ${POLL_MS});
}
look();
`;

/**
 * A page for people who open the address in a browser: what this is, how it is, and how to get in. Everybody may see it, so it holds
 * nothing but what `/version` and `/readyz` say. It loads nothing, and its policy lets it load nothing.
 */
export function consolePage(version: string, kubernetesVersion: string): ConsolePage {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Troupe</title>
<style>${STYLE}</style>
<h1>Troupe <small>${escaped(version)}, Kubernetes API ${escaped(kubernetesVersion)}</small></h1>
<p>This is the API server of a Troupe cluster. It is driven with kubectl, or with any other client of Kubernetes.</p>
<h2>How it is</h2>
<pre id="health">Asking /readyz?verbose needs JavaScript.</pre>
<h2>How to get in</h2>
<p>The ready line of <code>npm start</code> names a kubeconfig file; by default it is <code>.troupe/kubeconfig</code> in the directory of Troupe:</p>
<pre>export KUBECONFIG=$PWD/.troupe/kubeconfig
kubectl get nodes
kubectl get pods --all-namespaces
kubectl create deployment web --image=nginx --replicas=10</pre>
<p>Whoever can read that file is an administrator of the cluster.</p>
<script>${SCRIPT}</script>
</html>
`;
  const policy = [
    "default-src 'none'",
    "connect-src 'self'",
    `style-src ${sourceOf(STYLE)}`,
    `script-src ${sourceOf(SCRIPT)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    html,
    headers: {
      "Content-Security-Policy": policy.join("; "),
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "no-cache",
    },
  };
}

/** An inline script or style, as a content security policy allows exactly that one. */
function sourceOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
