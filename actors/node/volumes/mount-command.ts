import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Clock } from "../../../runtime/mod.ts";

const run = promisify(execFile);
const ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
/** A server that does not answer holds an unmount up for ever, unless it is forced. Source: kubelet's unMountTimeout. */
const UNMOUNT_MS = 60_000;

interface Ended {
  readonly code?: number | string;
  readonly stderr?: string;
  readonly stdout?: string;
}

/** mount(8) and umount(8), which know how each type of file system wants to be mounted. */
export class MountCommand {
  readonly #clock: Clock;
  readonly #mount: string;
  readonly #umount: string;

  constructor(clock: Clock, programs: { readonly mount: string; readonly umount: string } = { mount: "mount", umount: "umount" }) {
    this.#clock = clock;
    this.#mount = programs.mount;
    this.#umount = programs.umount;
  }

  /** Throws an Error in kubelet's words. Source: doMount of k8s.io/mount-utils. */
  async mount(source: string, target: string, type: string, options: readonly string[]): Promise<void> {
    const args = ["-t", type, ...(options.length === 0 ? [] : ["-o", options.join(",")]), source, target];
    try {
      await run(this.#mount, args, { env: ENV });
    } catch (error) {
      const { code, stderr = "", stdout = "" } = error as Ended;
      const how = typeof code === "number" ? `exit status ${code}` : (error as Error).message;
      throw new Error(
        `mount failed: ${how}\nMounting command: mount\nMounting arguments: ${args.join(" ")}\nOutput: ${(stdout + stderr).trim()}\n`,
      );
    }
  }

  /** By force when it takes too long. Throws an Error in kubelet's words. */
  async unmount(target: string): Promise<void> {
    const late = new AbortController();
    const timer = this.#clock.after(UNMOUNT_MS, () => late.abort());
    try {
      await run(this.#umount, [target], { env: ENV, signal: late.signal });
    } catch (error) {
      if (late.signal.aborted) await run(this.#umount, ["-f", target], { env: ENV });
      else {
        const { code, stderr = "" } = error as Ended;
        throw new Error(`unmount failed: exit status ${code}\nUnmounting arguments: ${target}\nOutput: ${stderr.trim()}\n`);
      }
    } finally {
      timer.cancel();
    }
  }
}
