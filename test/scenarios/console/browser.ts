import axe from "axe-core";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { type FetchedChromium, fetchedChromium } from "../../clients/fetched-chromium.ts";

const ROOT_UID = 0;

/** Starts a Chromium without a screen; says why there is none, on machines that cannot have it. */
export async function startBrowser(): Promise<Browser | string> {
  const fetched = await fetchedChromium();
  if (typeof fetched === "string") return fetched;
  return chromium.launch({
    executablePath: fetched.program,
    headless: true,
    env: environmentOf(fetched),
    args: [
      "--disable-background-networking",
      "--disable-component-update",
      "--no-proxy-server",
      ...(process.getuid?.() === ROOT_UID ? ["--no-sandbox"] : []),
    ],
  });
}

function environmentOf({ libraries, fonts }: FetchedChromium): Record<string, string> {
  const own = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  return {
    ...own,
    ...(libraries.length === 0 ? {} : { LD_LIBRARY_PATH: libraries.join(":") }),
    ...(fonts === undefined ? {} : { FONTCONFIG_FILE: fonts }),
  };
}

/** A tab that remembers what it complained of. */
export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the browser's log and of scripts, and requests to elsewhere. */
  readonly complaints: string[];
}

/** Opens a tab of its own profile. */
export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack ?? error)));
  page.on("request", (request) => {
    if (!["127.0.0.1", "localhost"].includes(new URL(request.url()).hostname)) complaints.push(`a request to ${request.url()}`);
  });
  return { page, context, complaints };
}

/** Holds what is on the page to what axe finds serious, by all of its rules unless some are named. */
export async function expectAccessible(page: Page, rules?: readonly string[]): Promise<void> {
  // As the debugger runs it: the page's own policy lets in no script from elsewhere.
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axe.source);
  const faults = await page.evaluate(
    async (only) => {
      const { axe } = globalThis as unknown as {
        axe: { run(how: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
      };
      // Nothing on the page is from elsewhere, so there is nothing to load before; of what is well nobody reads.
      const { violations } = await axe.run({
        preload: false,
        resultTypes: ["violations"],
        ...(only === undefined ? {} : { runOnly: only }),
      });
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("  ")}`);
    },
    rules as string[] | undefined,
  );
  expect(faults, `what axe finds on ${page.url()}`).toEqual([]);
}
