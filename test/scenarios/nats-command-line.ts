import { execFileSync } from "node:child_process";
import { headers, type Msg, type NatsConnection } from "nats";

/** How long natscli waits for answers. */
const ANSWERS_WAIT_MS = 5_000;

/** What natscli would print, as it came. */
export interface Printed {
  readonly line: string;
  readonly messages: readonly Msg[];
}

/**
 * What the lines of a block that say `n …` have natscli do, by the requests that it makes of them. Source: nats-io/natscli, cli/micro_command.go, request_command.go
 * and sub_command.go. Subscriptions are there until the connection ends.
 */
export async function asByCommandLine(block: string, connection: NatsConnection): Promise<Printed[]> {
  const printed: Printed[] = [];
  for (const line of block.split("\n").filter((each) => each.startsWith("n "))) {
    const messages: Msg[] = [];
    printed.push({ line, messages });
    const words = wordsOf(line);
    switch (words[0]) {
      case "micro":
        messages.push(...(await services(words, connection)));
        break;
      case "sub":
        connection.subscribe(words[1] ?? "", { callback: (_error, message) => messages.push(message) });
        await noticed(connection);
        break;
      case "req":
        messages.push(await request(words, connection));
        break;
      default:
        throw new Error(`${line}: nobody knows what it does`);
    }
  }
  return printed;
}

/** As after the moment until somebody types the next line: a question for what happened since is not answered before all is published that anybody listens to. */
async function noticed(connection: NatsConnection): Promise<void> {
  await request(["req", "troupe.api.watch.core.pods.default._", "", "-H", "resourceVersion: 1"], connection);
}

async function services([, what = "", name]: readonly string[], connection: NatsConnection): Promise<Msg[]> {
  const verb = { ls: "PING", info: "INFO", stats: "STATS" }[what];
  if (verb === undefined) throw new Error(`micro ${what}: nobody knows what it does`);
  const messages: Msg[] = [];
  const answers = await connection.requestMany(`$SRV.${verb}${name === undefined ? "" : `.${name}`}`, "", {
    strategy: "count" as never,
    maxMessages: 1,
    maxWait: ANSWERS_WAIT_MS,
  });
  for await (const message of answers) messages.push(message);
  return messages;
}

function request([, subject = "", body = "", ...flags]: readonly string[], connection: NatsConnection): Promise<Msg> {
  const said = headers();
  for (let at = 0; at < flags.length; at += 2) {
    const header = flags[at + 1] ?? "";
    if (flags[at] !== "-H") throw new Error(`${flags[at]}: nobody knows what it does`);
    said.append(header.slice(0, header.indexOf(":")), header.slice(header.indexOf(":") + 1).trim());
  }
  return connection.request(subject, body, { headers: said, timeout: ANSWERS_WAIT_MS });
}

/** As a shell reads them. */
function wordsOf(line: string): string[] {
  const text = execFileSync("bash", ["-c", `n() { printf '%s\\0' "$@"; }\n${line.replace(/&\s*$/, "")}`], { encoding: "utf8" });
  return text.split("\0").slice(0, -1);
}
