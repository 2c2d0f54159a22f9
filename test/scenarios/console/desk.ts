import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { Troupe } from "../troupe.ts";
import { openTab, type Tab } from "./browser.ts";

export interface Given {
  readonly browser: Browser;
  readonly troupe: Troupe;
  /** Of an administrator. */
  readonly token: string;
}

/** Where somebody works with the console: a tab in which the administrator is signed in, and kubectl beside it. */
export class Desk {
  readonly #given: () => Given;
  #tab: Tab | undefined;

  constructor(given: () => Given) {
    this.#given = given;
  }

  get given(): Given {
    return this.#given();
  }

  get page(): Page {
    if (this.#tab === undefined) throw new Error("the tab is not open yet");
    return this.#tab.page;
  }

  async sit(path: string): Promise<void> {
    const { browser, troupe, token } = this.given;
    this.#tab = await openTab(browser);
    await this.page.goto(`${troupe.console}${path}#token=${token}`);
    // Keys mean nothing before there is something to see.
    await this.page.getByRole("navigation").first().waitFor();
  }

  async rise(): Promise<void> {
    // What the server refuses is told by the browser, too.
    expect(this.#tab?.complaints.filter((text) => !/status of (403|409|422)/.test(text))).toEqual([]);
    await this.#tab?.context.close();
  }

  open = (path: string): Promise<unknown> => this.page.goto(`${this.given.troupe.console}${path}`);

  get = (...args: readonly string[]): Promise<string> => this.given.troupe.kubectl.ok(["get", ...args]);

  field = (path: string, ...object: readonly string[]): Promise<string> => this.get(...object, "-o", `jsonpath={${path}}`);

  told = (words: RegExp | string): Promise<void> => this.page.locator(".notices").getByText(words).first().waitFor();
}

/** What one person does follows on what they did before. */
export const inOrder: { readonly concurrent: false } = { concurrent: false };

/** Tests of somebody at a desk. People work at once, since they wait more than they work. */
export function describeDesk(title: string, path: string, given: () => Given, tests: (desk: Desk) => void): void {
  describe.concurrent(title, () => {
    const desk = new Desk(given);
    beforeAll(() => desk.sit(path));
    afterAll(() => desk.rise());
    tests(desk);
  });
}
