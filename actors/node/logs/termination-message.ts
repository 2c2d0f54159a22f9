import { readFileSync } from "node:fs";
import { lastOf } from "./read-log.ts";

/** Source: kubelet's MaxContainerTerminationMessageLength, ...LogLength and ...LogLines. */
const MESSAGE_BYTES_MAX = 4_096;
const MESSAGE_LOG_BYTES = 2_048;
const MESSAGE_LOG_LINES = 80;

/** What a container that has exited has left to be said of it: in its file, else, where that is wanted of one that failed, the end of its log. */
export async function terminationMessage(file: string, log: string, exitCode: number, fallsBackToLog: boolean): Promise<string> {
  let message = "";
  try {
    message = readFileSync(file).subarray(-MESSAGE_BYTES_MAX).toString();
  } catch {
    // It has left none.
  }
  if (message !== "" || !fallsBackToLog || exitCode === 0) return message;
  return lastOf(log, MESSAGE_LOG_LINES, MESSAGE_LOG_BYTES).catch(() => "");
}
