import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { until } from "../../cluster/chaos/until.ts";

const PAUSE_IMAGE = "example.com/pause:1";
/** As Troupe's nodes have it, with the usual --pod-cidr. */
const PODS = "10.244.0.0/18";
const run = promisify(execFile);

export interface ContainerdWanted {
  /** Directories with containerd, ctr and runc, as in PATH. */
  readonly bin: string;
  /** Of CNI. */
  readonly plugins: string;
  /** What goes before a command so that it runs in the network that pods are to be in. */
  readonly within: readonly string[];
}

/** A containerd of a test's own: its directories, its socket and its network are nobody else's. */
export class Containerd {
  readonly #wanted: ContainerdWanted;
  readonly #directory: string = mkdtempSync(join(tmpdir(), "troupe-containerd-"));
  #process: ChildProcess | undefined;

  private constructor(wanted: ContainerdWanted) {
    this.#wanted = wanted;
    const network = join(this.#directory, "net.d");
    mkdirSync(network);
    writeFileSync(join(network, "10-test.conflist"), JSON.stringify(bridge(join(this.#directory, "addresses"))));
    writeFileSync(this.#config, configuration(this.#directory, network, wanted.plugins));
  }

  static async start(wanted: ContainerdWanted): Promise<Containerd> {
    const containerd = new Containerd(wanted);
    await containerd.start();
    return containerd;
  }

  get socket(): string {
    return join(this.#directory, "containerd.sock");
  }

  get log(): string {
    return readFileSync(join(this.#directory, "log"), "utf8");
  }

  /** Also after it was killed; resolves when it answers. */
  async start(): Promise<void> {
    const { bin, within } = this.#wanted;
    const log = openSync(join(this.#directory, "log"), "a");
    const [program = "", ...words] = [...within, "containerd", "--config", this.#config];
    const process = spawn(program, words, { stdio: ["ignore", log, log], env: pathWith(bin) });
    this.#process = process;
    await until("containerd", async () => {
      if (process.exitCode !== null) throw new Error(`containerd has ended: ${this.log}`);
      return this.ctr("version").then(
        () => true,
        () => false,
      );
    });
  }

  /** What it has begun goes on. */
  async kill9(): Promise<void> {
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    process.kill("SIGKILL");
    await once(process, "exit");
  }

  /** Takes an image in from an OCI layout. */
  async load(layout: string): Promise<void> {
    const archive = join(this.#directory, "image.tar");
    await run("tar", ["-C", layout, "-cf", archive, "."]);
    await this.ctr("--namespace", "k8s.io", "images", "import", archive);
  }

  async ctr(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("ctr", ["--address", this.socket, ...args], { env: pathWith(this.#wanted.bin) });
    return stdout;
  }

  /** Containers that it has of pods, whatever their state; their sandboxes too. */
  async containers(): Promise<readonly string[]> {
    return (await this.ctr("--namespace", "k8s.io", "containers", "list", "--quiet")).split("\n").filter((id) => id !== "");
  }

  /** Ends whatever it has begun, and itself. */
  async end(): Promise<void> {
    if (this.#process?.exitCode !== null || this.#process.signalCode !== null) await this.start().catch(() => {});
    for (const id of await this.containers().catch(() => [])) {
      await this.ctr("--namespace", "k8s.io", "tasks", "delete", "--force", id).catch(() => {});
      await this.ctr("--namespace", "k8s.io", "containers", "delete", id).catch(() => {});
    }
    await this.kill9();
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    const points = mounts.map((line) => line.split(" ")[4] ?? "").filter((point) => point.startsWith(`${this.#directory}/`));
    for (const point of points.reverse()) await run("umount", [point]).catch(() => {});
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #config(): string {
    return join(this.#directory, "config.toml");
  }
}

export { PAUSE_IMAGE };

function pathWith(bin: string): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [bin, process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter) };
}

function bridge(addresses: string): object {
  const ipam = { type: "host-local", dataDir: addresses, ranges: [[{ subnet: PODS }]], routes: [{ dst: "0.0.0.0/0" }] };
  return { cniVersion: "0.4.0", name: "test", plugins: [{ type: "bridge", bridge: "cni0", isGateway: true, hairpinMode: true, ipam }] };
}

function configuration(directory: string, network: string, plugins: string): string {
  const cri = '[plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = ${JSON.stringify(join(directory, "root"))}
state = ${JSON.stringify(join(directory, "state"))}
[grpc]
  address = ${JSON.stringify(join(directory, "containerd.sock"))}
[plugins."io.containerd.internal.v1.opt"]
  path = ${JSON.stringify(join(directory, "opt"))}
${cri}]
  sandbox_image = ${JSON.stringify(PAUSE_IMAGE)}
  # The test may have no more rights than a container has.
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  ${cri}.cni]
    bin_dir = ${JSON.stringify(plugins)}
    conf_dir = ${JSON.stringify(network)}
  ${cri}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;
}
