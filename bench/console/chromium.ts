import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { BenchFailure } from "../failure.ts";

/** Finds Debian's Chromium, or fetches it: the tests' own, which a clone has and a package has not. */
const FETCHER = join(import.meta.dirname, "..", "..", "test", "clients", "fetch-chromium.mjs");
const ROOT_UID = 0;

interface Fetched {
  readonly program: string;
  readonly libraries: readonly string[];
  readonly fonts?: string;
}

/** Starts a Chromium without a screen. Throws BenchFailure where there is none. */
export async function startChromium(): Promise<Browser> {
  const { stdout } = await promisify(execFile)(process.execPath, [FETCHER]).catch((error: { readonly stderr?: string }) => {
    throw new BenchFailure(`there is no Chromium to measure with: ${error.stderr?.trim() ?? String(error)}`);
  });
  const { program, libraries, fonts } = JSON.parse(stdout) as Fetched;
  const own = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return chromium.launch({
    executablePath: program,
    headless: true,
    env: {
      ...Object.fromEntries(own),
      ...(libraries.length === 0 ? {} : { LD_LIBRARY_PATH: libraries.join(":") }),
      ...(fonts === undefined ? {} : { FONTCONFIG_FILE: fonts }),
    },
    args: ["--disable-background-networking", "--disable-component-update", "--no-proxy-server"].concat(
      process.getuid?.() === ROOT_UID ? ["--no-sandbox"] : [],
    ),
  });
}
