import { describe, expect, test } from "vitest";
import { retarget } from "../../../cluster/setup/debian-package.mjs";

const TRIXIE = { suite: "trixie", components: "main" };

const STANZAS = `Types: deb
URIs: http://mirror.example/debian
# The updates come from the same place.
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;

describe("an entry of the machine's release, turned to a newer one", () => {
  test.each([
    ["one line", "deb http://mirror.example/debian bookworm main\n", "deb http://mirror.example/debian trixie main\n"],
    [
      "one line with options",
      "# comment\ndeb-src http://mirror.example/debian bookworm main\ndeb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian bookworm main contrib\n",
      "deb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian trixie main\n",
    ],
    ["security only", "deb http://mirror.example/debian-security bookworm-security main\n", undefined],
    ["another release", "deb http://mirror.example/debian bullseye main\n", undefined],
    ["commented out", "# deb http://mirror.example/debian bookworm main\n", undefined],
    [
      "stanzas",
      STANZAS,
      "Types: deb\nSuites: trixie\nComponents: main\nURIs: http://mirror.example/debian\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
    ],
    ["a stanza that is off", STANZAS.replace("Types: deb\n", "Types: deb\nEnabled: no\n"), undefined],
    ["a stanza of sources", STANZAS.replace("Types: deb\n", "Types: deb-src\n"), undefined],
    ["nothing", "", undefined],
  ])("%s", (_what, text, expected) => {
    expect(retarget(text, "bookworm", TRIXIE)?.text).toBe(expected);
  });

  test("a key that stands in the stanza stays in it", () => {
    const key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----";
    const text = retarget(
      `Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n${key}\n`,
      "bookworm",
      TRIXIE,
    )?.text;
    expect(text).toContain(key);
  });
});
