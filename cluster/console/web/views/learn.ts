import { html, nothing, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { follow } from "../follow.ts";
import { count } from "../format.ts";
import { stateMark } from "../objects/cell.ts";
import { ask } from "../objects/dialog.ts";
import { type Attempt, type Badge, type Challenge, escaped, inOrder, LEARN_API, type Learner, TIERS } from "../objects/learn.ts";
import { notice } from "../objects/notice.ts";
import { objectAddress, resourceType } from "../objects/resource-types.ts";
import { empty, loading, problem } from "../states.ts";
import { drawing, type ViewContext } from "../view.ts";

const REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const LEARNERS_SHOWN = 20;

/** Challenges, how far one is with each, and who has most points. */
export async function open(context: ViewContext): Promise<void> {
  const { api, connection, signal, query, note } = context;
  let user = "";
  let isMissing = false;
  let failure: unknown;
  let challenges: readonly Challenge[] | undefined;
  let attempts: readonly Attempt[] = [];
  let learners: readonly Learner[] = [];
  let badges: readonly Badge[] = [];
  let chosen = query.get("challenge") ?? undefined;
  let hints = 0;

  const attemptOf = (name: string): Attempt | undefined =>
    attempts.findLast(({ spec, metadata }) => spec.challenge === name && metadata.deletionTimestamp === undefined);
  const me = (): Learner | undefined => learners.find(({ spec }) => spec.user === user);
  const isSolved = (name: string): boolean => me()?.status?.solved.some(({ challenge }) => challenge === name) === true;
  const choose = (name: string): void => {
    chosen = name;
    hints = 0;
    query.set("challenge", name);
    note(query);
    draw();
  };
  const start = async ({ metadata: { name } }: Challenge): Promise<void> => {
    const attempt = {
      apiVersion: "learn.troupe.dev/v1",
      kind: "Attempt",
      metadata: { generateName: `${name}-` },
      spec: { challenge: name, user },
    };
    await api.send("POST", `${LEARN_API}/attempts`, attempt).catch((error: Error) => notice(error.message));
  };
  const reset = async ({ spec }: Challenge, { metadata }: Attempt): Promise<void> => {
    const { done } = ask(
      {
        title: `Take ${spec.title} back`,
        body: () => html`<p>Its namespace goes, with all that is in it. Points that were earned stay.</p>`,
        confirm: "Take it back",
        isDanger: true,
        act: async () => void (await api.send("DELETE", `${LEARN_API}/attempts/${metadata.name}`)),
      },
      signal,
    );
    if (await done) notice(`${spec.title} is taken back.`);
  };

  const template = (): TemplateResult => {
    if (failure !== undefined) return html`<h1>Learn</h1>${problem(failure)}`;
    if (isMissing)
      return html`<h1>Learn</h1>${empty("No challenges yet", html`An administrator brings them with <code>npm run troupe -- learn install</code>.`)}`;
    if (challenges === undefined) return html`<h1>Learn</h1>${loading("challenges")}`;
    const current =
      challenges.find(({ metadata }) => metadata.name === chosen) ??
      challenges.find(({ metadata }) => !isSolved(metadata.name)) ??
      challenges[0];
    const { points = 0, solved = [], badges: earned = [] } = me()?.status ?? {};
    return html`
      <header class="page-head">
        <h1>Learn</h1>
        <span class="muted num">${count(points)} points, ${solved.length} of ${challenges.length} solved</span>
        <span class="toolbar">${badges.filter(({ metadata }) => earned.includes(metadata.name)).map(({ spec }) => html`<span class="badge" title=${spec.text}>${spec.title}</span>`)}</span>
      </header>
      <div class="learn">
        <nav aria-label="Challenges">${TIERS.map((tier) =>
          tierOf(
            tier,
            (challenges ?? []).filter(({ spec }) => spec.tier === tier),
            current,
          ),
        )}</nav>
        <div class="learn-main">${current === undefined ? empty("No challenges") : lesson(current, attemptOf(current.metadata.name))} ${board()}</div>
      </div>
    `;
  };
  const tierOf = (tier: string, all: readonly Challenge[], current: Challenge | undefined): TemplateResult | typeof nothing =>
    all.length === 0
      ? nothing
      : html`
          <h2 class="tier">${tier}</h2>
          <ul>
            ${all.map(
              (each) => html`
                <li>
                  <button type="button" class="lesson" aria-current=${each === current ? "true" : nothing} @click=${() => choose(each.metadata.name)}>
                    <span class="lesson-title clip">${each.spec.title}</span>${markOf(each.metadata.name)}<span class="num">${each.spec.points}</span>
                  </button>
                </li>
              `,
            )}
          </ul>
        `;
  const markOf = (name: string): TemplateResult | typeof nothing => {
    if (isSolved(name)) return stateMark("solved", "good");
    const phase = attemptOf(name)?.status?.phase;
    return phase === undefined ? nothing : stateMark(phase === "Active" ? "begun" : phase, phase === "Failed" ? "bad" : "warn");
  };
  const lesson = (challenge: Challenge, attempt: Attempt | undefined): TemplateResult => {
    const { spec } = challenge;
    const all = spec.hints ?? [];
    const namespace = attempt?.status?.namespace;
    const inPlace = (text: string): string => (namespace === undefined ? text : text.replaceAll("$(namespace)", namespace));
    return html`
      <section class="card lesson-card">
        <h2>${spec.title} <span class="muted num">${spec.points} points</span></h2>
        <p class="lesson-text">${inPlace(spec.text)}</p>
        ${namespace === undefined ? nothing : html`<p>It is played in <a href=${hrefOf(objectAddress("namespaces", undefined, namespace))}><code>${namespace}</code></a>.</p>`}
        ${attempt?.status?.message === undefined ? nothing : html`<p class="muted">${attempt.status.message}</p>`}
        <ul class="checks" aria-label="Checks" aria-live="polite">
          ${(attempt?.status?.checks ?? []).map(
            ({ says, holds, heldAt, message }) =>
              html`<li>${stateMark(holds || heldAt !== undefined ? "holds" : "not yet", holds || heldAt !== undefined ? "good" : "plain")} <span>${says}</span> ${message === undefined ? nothing : html`<span class="muted">${message}</span>`}</li>`,
          )}
        </ul>
        ${all.slice(0, hints).map((hint) => html`<p class="note">${inPlace(hint)}</p>`)}
        <div class="toolbar">
          ${attempt === undefined ? html`<button type="button" class="button primary" @click=${() => start(challenge)}>Begin</button>` : html`<button type="button" class="button danger" @click=${() => reset(challenge, attempt)}>Take it back</button>`}
          ${
            hints < all.length
              ? html`
                  <button
                    type="button"
                    class="button"
                    @click=${() => {
                      hints += 1;
                      draw();
                    }}
                  >
                    Hint ${hints + 1} of ${all.length}
                  </button>
                `
              : nothing
          }
        </div>
      </section>
    `;
  };
  const board = (): TemplateResult | typeof nothing => {
    const ranked = [...learners].sort((a, b) => (b.status?.points ?? 0) - (a.status?.points ?? 0) || (a.spec.user < b.spec.user ? -1 : 1));
    if (ranked.length === 0) return nothing;
    return html`
      <section>
        <h2>Leaderboard</h2>
        <table class="table">
          <thead>
            <tr><th scope="col">Who</th><th scope="col" class="right">Solved</th><th scope="col" class="right">Badges</th><th scope="col" class="right">Points</th></tr>
          </thead>
          <tbody>
            ${ranked.slice(0, LEARNERS_SHOWN).map(
              ({ spec, status }) => html`
                <tr>
                  <td>${spec.user}${spec.user === user ? html` <span class="badge good">you</span>` : nothing}</td>
                  <td class="right">${status?.solved.length ?? 0}</td>
                  <td class="right">${status?.badges.length ?? 0}</td>
                  <td class="right">${status?.points ?? 0}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </section>
    `;
  };
  const draw = drawing(context, template);
  const failed = (error: unknown): void => {
    failure = error;
    draw();
  };
  const followed = <T extends Challenge | Attempt | Learner | Badge>(
    resource: string,
    take: (objects: readonly T[]) => void,
    fieldSelector?: string,
  ): void =>
    void follow<T>({
      api,
      connection,
      signal,
      path: `${LEARN_API}/${resource}`,
      ...(fieldSelector === undefined ? {} : { query: { fieldSelector } }),
      failed,
      changed: ({ objects }) => {
        take([...objects.values()]);
        draw();
      },
    });

  isMissing = (await resourceType(api, "challenges.learn.troupe.dev")) === undefined;
  draw();
  if (isMissing) return;
  const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const { status } = await api.send<{ status: { userInfo: { username: string } } }>("POST", REVIEW, review);
  user = status.userInfo.username;
  followed<Challenge>("challenges", (all) => {
    challenges = inOrder(all);
  });
  followed<Attempt>(
    "attempts",
    (all) => {
      attempts = [...all].sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
    },
    `spec.user=${escaped(user)}`,
  );
  followed<Learner>("learners", (all) => {
    learners = all;
  });
  followed<Badge>("badges", (all) => {
    badges = all;
  });
}
