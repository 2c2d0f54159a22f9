import { spawn } from "node:child_process";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit code, with this on its standard input, which does not end if it is null. */
export function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv, stdin: string | null = ""): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => {});
    if (stdin !== null) child.stdin.end(stdin);
  });
}
