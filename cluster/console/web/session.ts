/** Where the token lies while the tab is open. It is gone with the tab, and no other site can read it. */
const KEPT = "troupe.token";
const REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const UNAUTHORIZED = 401;

/** Who somebody is, as the API itself says. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The answers to a token: whose it is, or why it is nobody's. */
export type SignedIn = { readonly user: User } | { readonly refused: string };

/**
 * The signed-in user. The console is an ordinary client of the API: it has a bearer token, sends it with each request, and can do what that user may. There
 * is no cookie, so no other page can act through a browser that is signed in here.
 */
export class Session extends EventTarget {
  #token: string | undefined;
  #user: User | undefined;
  #why: string | undefined;

  get token(): string | undefined {
    return this.#token;
  }

  /** Undefined when nobody is signed in. */
  get user(): User | undefined {
    return this.#user;
  }

  /** Why nobody is signed in any more, where it was not their own will. */
  get why(): string | undefined {
    return this.#why;
  }

  /**
   * Takes the token that `troupe console` has put into the fragment, which browsers send to nobody, and takes it out of the address before anything else
   * happens; else the one of this tab. Resolves with why it is not good, if so.
   */
  async restore(): Promise<string | undefined> {
    const fragment = new URLSearchParams(location.hash.slice(1)).get("token");
    if (fragment !== null) history.replaceState(history.state, "", location.pathname + location.search);
    const token = fragment ?? sessionStorage.getItem(KEPT);
    if (token === null) return undefined;
    const answer = await this.signIn(token);
    return "refused" in answer ? answer.refused : undefined;
  }

  /** Asks the API whose token this is, and is that user from now on. Rejects where the API cannot be reached. */
  async signIn(token: string): Promise<SignedIn> {
    // What no header can carry is no token.
    if (!/^[\x21-\x7e]+$/.test(token)) return { refused: "That is no token: it has spaces or characters that no token has." };
    const answer = await fetch(REVIEW, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }),
    });
    if (answer.status === UNAUTHORIZED) {
      this.end();
      return { refused: "The API does not know this token. It may have ended." };
    }
    const body = await answer.json();
    if (!answer.ok) return { refused: body.message ?? `The API answered ${answer.status}.` };
    const { username, groups = [] } = body.status.userInfo as { username: string; groups?: string[] };
    this.#why = undefined;
    this.#token = token;
    this.#user = { name: username, groups };
    sessionStorage.setItem(KEPT, token);
    this.dispatchEvent(new Event("change"));
    return { user: this.#user };
  }

  /** Forgets the token, and tells everybody. */
  end(why?: string): void {
    this.#why = why;
    sessionStorage.removeItem(KEPT);
    const was = this.#token;
    this.#token = undefined;
    this.#user = undefined;
    if (was !== undefined) this.dispatchEvent(new Event("change"));
  }
}
