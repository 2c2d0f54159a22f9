import type { Api } from "../../api.ts";

/** The channels of Kubernetes' remote command protocol: the first byte of each frame. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const PROTOCOL = "v5.channel.k8s.io";

export interface ExecOptions {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly opened: () => void;
  readonly printed: (bytes: Uint8Array) => void;
  /** Called once, with why it has ended, as words. */
  readonly ended: (why: string) => void;
}

interface Ending {
  readonly status?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/** A command in a container with a terminal of its own, over a WebSocket. */
export class ExecStream {
  readonly #socket: WebSocket;
  #why: string | undefined;

  constructor(api: Api, { namespace, pod, container, command, opened, printed, ended }: ExecOptions) {
    const query = new URLSearchParams({ container, stdin: "1", stdout: "1", tty: "1" });
    for (const word of command) query.append("command", word);
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query}`;
    this.#socket = api.socket(path, [PROTOCOL]);
    this.#socket.binaryType = "arraybuffer";
    let isOpen = false;
    this.#socket.addEventListener("open", () => {
      isOpen = true;
      opened();
    });
    this.#socket.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer>) => {
      const frame = new Uint8Array(data);
      const bytes = frame.subarray(1);
      if (frame[0] === STDOUT || frame[0] === STDERR) printed(bytes);
      else if (frame[0] === ERROR) this.#why = wordsOf(new TextDecoder().decode(bytes));
    });
    this.#socket.addEventListener("close", ({ reason }) => {
      const words = this.#why ?? reason;
      if (isOpen || words !== "") ended(words || "The connection has ended.");
      else void whyRefused(api, path).then(ended);
    });
  }

  send(bytes: Uint8Array): void {
    this.#frame(STDIN, bytes);
  }

  resize(columns: number, rows: number): void {
    this.#frame(RESIZE, new TextEncoder().encode(JSON.stringify({ Width: columns, Height: rows })));
  }

  close(): void {
    this.#socket.close();
  }

  #frame(channel: number, bytes: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const frame = new Uint8Array(bytes.length + 1);
    frame[0] = channel;
    frame.set(bytes, 1);
    this.#socket.send(frame);
  }
}

/** A browser does not say with what words a WebSocket was refused; who asks without one hears them. */
async function whyRefused(api: Api, path: string): Promise<string> {
  const words = await api.text(path).then(
    () => "",
    (error: Error) => error.message,
  );
  return words === "" || /upgrade/i.test(words) ? "The server refused the terminal." : words;
}

function wordsOf(json: string): string {
  try {
    const { status, message, details } = JSON.parse(json) as Ending;
    if (status === "Success") return "The command has ended.";
    const code = details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
    return code === undefined ? (message ?? "The command could not be run.") : `The command has ended with exit code ${code}.`;
  } catch {
    return json;
  }
}
