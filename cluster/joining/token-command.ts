import type { Secret } from "../../actors/kinds/generated/types.ts";
import type { Said } from "../command-line/output.ts";
import { accessOf, asUser } from "./command-session.ts";
import type { TokenCommand } from "./flags.ts";
import { joinLine } from "./init.ts";
import type { Session } from "./session.ts";
import { SECRETS_PATH, secretName, secretOf, tokenText } from "./token.ts";

/** `troupe token`. Throws BootFailure. */
export async function runToken(kubeconfig: string, command: TokenCommand): Promise<Said> {
  const access = accessOf(kubeconfig);
  return asUser(access, async (session) => {
    switch (command.do) {
      case "create": {
        const { token, ttl_ms, description, groups, printJoin } = command;
        const expires_ms = ttl_ms === 0 ? undefined : Date.now() + ttl_ms;
        await session.call("POST", SECRETS_PATH, secretOf(token, { expires_ms, description, groups }));
        const [text, join] = [tokenText(token), joinLine(access.origin, token, access.authority ?? "")];
        const expires = expires_ms === undefined ? null : new Date(expires_ms).toISOString();
        return { answer: { token: text, expires, groups, join }, lines: [printJoin ? join : text] };
      }
      case "list":
        return listed(await tokens(session));
      case "delete":
        for (const id of command.ids) await session.call("DELETE", `${SECRETS_PATH}/${secretName({ id })}`);
        return { answer: { deleted: command.ids }, lines: command.ids.map((id) => `bootstrap token "${id}" deleted`) };
    }
  });
}

/** A token as it is shown. Who may read it may use it, so it is shown whole, as kubeadm does. */
interface Listed {
  readonly token: string;
  readonly expires: string | undefined;
  readonly usages: readonly string[];
  readonly description: string;
  readonly groups: readonly string[];
}

const USAGE = "usage-bootstrap-";

async function tokens(session: Session): Promise<readonly Listed[]> {
  const query = new URLSearchParams({ fieldSelector: "type=bootstrap.kubernetes.io/token" });
  const { items } = await session.call<{ readonly items: readonly Secret[] }>("GET", `${SECRETS_PATH}?${query}`);
  return items.map(({ data = {} }) => {
    const of = (name: string): string => Buffer.from(data[name] ?? "", "base64").toString();
    return {
      token: `${of("token-id")}.${of("token-secret")}`,
      expires: of("expiration") || undefined,
      usages: Object.keys(data)
        .filter((name) => name.startsWith(USAGE) && of(name) === "true")
        .map((name) => name.slice(USAGE.length)),
      description: of("description"),
      groups: of("auth-extra-groups")
        .split(",")
        .filter((group) => group !== ""),
    };
  });
}

function listed(all: readonly Listed[]): Said {
  const rows = all.map(({ token, expires, usages, description, groups }) => [
    token,
    expires ?? "<never>",
    usages.join(","),
    description || "<none>",
    groups.join(","),
  ]);
  return { answer: all, lines: table([["TOKEN", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"], ...rows]) };
}

/** Columns as wide as what is in them. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd(),
  );
}
