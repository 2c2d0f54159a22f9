import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DataDirectory } from "../boot/data-directory.ts";
import { BootFailure } from "../boot/failure.ts";
import type { Said } from "../command-line/output.ts";
import { advertisedBy, lifeOf, openClusterCertificates } from "../pki/certificates.ts";
import { readCertificate } from "../pki/key-pair-file.ts";
import type { CertsFlags } from "./flags.ts";
import { renewNode } from "./join.ts";
import { MemberFiles } from "./member-files.ts";
import { table } from "./token-command.ts";

const DAY_MS = 24 * 3_600_000;

/** `troupe certs`. Throws BootFailure. */
export async function runCerts({ do: what, data }: Pick<CertsFlags, "do" | "data">): Promise<Said> {
  if (!existsSync(join(data, "pki")))
    throw new BootFailure(`there are no certificates in ${data}; name the data directory with --data DIR`);
  if (what === "check") return check(data);
  if (MemberFiles.isMember(data)) {
    const files = new MemberFiles(data);
    const { to_ms } = lifeOf([await renewNode(files, files.membership)]);
    return renewed(`the certificate of the node ${files.membership.node}`, to_ms);
  }
  const directory = join(data, "pki");
  const { life } = await openClusterCertificates(directory, { places: undefined, advertised: advertisedBy(directory), renewed: true });
  const holder = DataDirectory.holder(data);
  const running =
    holder === undefined ? "the next start writes the kubeconfig" : `stop the Troupe with pid ${holder} and start it again to use them`;
  return renewed("all certificates but the authorities'", life.to_ms, running);
}

function renewed(what: string, to_ms: number, then?: string): Said {
  const expires = new Date(to_ms).toISOString();
  return { answer: { renewed: what, expires, then }, lines: [`renewed ${what}, until ${expires}${then === undefined ? "" : `; ${then}`}`] };
}

interface Checked {
  readonly certificate: string;
  readonly expires: string;
  readonly days: number;
  readonly authority: boolean;
}

function check(data: string): Said {
  const now_ms = Date.now();
  const files = ["pki", "pki/front-proxy"].flatMap((folder) => {
    const directory = join(data, folder);
    return existsSync(directory) ? readdirSync(directory).map((name) => join(folder, name)) : [];
  });
  const all = files
    .filter((name) => name.endsWith(".pem"))
    .map((name): Checked => {
      const certificate = readCertificate(join(data, name));
      const to_ms = certificate.validToDate.getTime();
      return {
        certificate: name.slice("pki/".length, -".pem".length),
        expires: new Date(to_ms).toISOString(),
        days: Math.floor((to_ms - now_ms) / DAY_MS),
        authority: certificate.ca,
      };
    })
    .sort((a, b) => Number(a.authority) - Number(b.authority) || (a.certificate < b.certificate ? -1 : 1));
  const rows = all.map(({ certificate, expires, days, authority }) => [
    certificate,
    expires,
    days < 0 ? "ended" : `${days}d`,
    authority ? "authority" : "",
  ]);
  return { answer: all, lines: table([["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", ""], ...rows]) };
}
