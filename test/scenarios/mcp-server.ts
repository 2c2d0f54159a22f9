import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export interface ToolResult {
  readonly content: readonly { readonly text: string }[];
  readonly isError?: boolean;
}

/** A server of the Model Context Protocol on its standard input and output: JSON-RPC, one message a line. */
export class McpServer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  #asked = 0;
  #stderr = "";

  private constructor(binary: string, args: readonly string[]) {
    this.#child = spawn(binary, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr?.on("data", (chunk) => {
      this.#stderr += chunk;
    });
    const failed = (why: string): void => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${binary} ${why}:\n${this.#stderr}`));
      this.#waiting.clear();
    };
    this.#child.on("error", (error) => failed(error.message));
    this.#child.on("close", () => failed("ended"));
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      const reply = JSON.parse(line) as Reply;
      if (reply.id === undefined) return;
      this.#waiting.get(reply.id)?.resolve(reply);
      this.#waiting.delete(reply.id);
    });
  }

  static async start(binary: string, args: readonly string[]): Promise<McpServer> {
    const server = new McpServer(binary, args);
    const clientInfo = { name: "troupe-test", version: "1" };
    await server.#ask("initialize", { protocolVersion: "2024-11-05", capabilities: {}, clientInfo });
    server.#send({ method: "notifications/initialized" });
    return server;
  }

  async tools(): Promise<readonly string[]> {
    const { tools } = (await this.#ask("tools/list", {})) as { readonly tools: readonly { readonly name: string }[] };
    return tools.map(({ name }) => name);
  }

  /** The text that a tool answers with; `isError` where it says that it failed. */
  async call(name: string, args: object = {}): Promise<{ readonly text: string; readonly isError: boolean }> {
    const { content, isError = false } = (await this.#ask("tools/call", { name, arguments: args })) as ToolResult;
    return { text: content.map(({ text }) => text).join("\n"), isError };
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    await ended;
  }

  async #ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#asked;
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result;
  }

  #send(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }
}
