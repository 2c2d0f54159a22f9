import { readFileSync } from "node:fs";
import { Agent, request } from "undici";
import type { AskExtender, ExtenderConfiguration } from "../../actors/mod.ts";

/** Asks extenders over HTTP, with a pool of connections for each. */
export function askExtenders(): { readonly ask: AskExtender; close(): Promise<void> } {
  const agents = new Map<ExtenderConfiguration, Agent>();
  const agentOf = (extender: ExtenderConfiguration): Agent => {
    const known = agents.get(extender);
    if (known !== undefined) return known;
    const { tls, timeout_ms } = extender;
    const connect = {
      rejectUnauthorized: !tls.insecure,
      ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
      ...(tls.caFile === undefined ? {} : { ca: readFileSync(tls.caFile) }),
      ...(tls.certFile === undefined ? {} : { cert: readFileSync(tls.certFile) }),
      ...(tls.keyFile === undefined ? {} : { key: readFileSync(tls.keyFile) }),
    };
    const agent = new Agent({ connect, headersTimeout: timeout_ms, bodyTimeout: timeout_ms });
    agents.set(extender, agent);
    return agent;
  };
  return {
    ask: async (extender, verb, body) => {
      const answer = await request(`${extender.urlPrefix}/${verb}`, {
        method: "POST",
        dispatcher: agentOf(extender),
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${verb} answered ${answer.statusCode}: ${text.slice(0, 200)}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}
