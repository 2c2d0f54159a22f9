import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How long a browser may take to read what it is given. */
const READ_MS = 5_000;

/**
 * Opens an address in the browser of whoever sits at the machine; does nothing where nobody does. The address is a secret, and command lines are not: everybody
 * on the machine can read them. So the browser is given the name of a file that only this user can read, which leads on to the address and is gone soon after.
 */
export async function openInBrowser(url: string): Promise<void> {
  const opener = openerOf(process.platform, process.env);
  if (opener === undefined || !process.stdout.isTTY) return;
  const directory = mkdtempSync(join(tmpdir(), "troupe-console-"));
  const file = join(directory, "console.html");
  try {
    writeFileSync(file, `<!doctype html><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${url}">\n`, {
      mode: 0o600,
    });
    const child = spawn(opener, [file], { stdio: "ignore", detached: true });
    child.on("error", () => {});
    child.unref();
    await new Promise((resolve) => setTimeout(resolve, READ_MS));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What opens files on this desktop; undefined without one. */
export function openerOf(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string | undefined {
  if (platform === "darwin") return "open";
  return env.DISPLAY || env.WAYLAND_DISPLAY ? "xdg-open" : undefined;
}
