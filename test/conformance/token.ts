import { ACME, BETA, type Fixture } from "../support/fixtures.ts";
import { type Check, Door, GATEWAY, oneCharacterOff, provingHeaders, type Subject, without, word } from "./subject.ts";

const LONG_TOKEN = "static-token-of-one-account-0001";

/** What a token in the URL proves; where nothing is signed, what any token does. None of it depends on the body: one fixture is enough. */
export function tokenChecks(subject: Subject): Check[] {
  const { provider, name } = subject.adapter;
  const { verify: proof } = provider;
  const [fixture] = subject.fixtures;
  if (!fixture) return [];
  const door = new Door(subject, [subject.signer.secret]);
  const base = `/callbacks/${name}/${ACME}`;
  const at = (path: string) => door.judge(fixture, { path, headers: headersFor(subject, fixture, path) });
  const right = door.token(ACME);

  const checks: Check[] = [
    {
      name: "lets the right token in the URL vouch for its workspace",
      *problems() {
        const verification = at(`${base}/${right}`);
        if (!verification.ok || !verification.vouchesForPath) yield word(verification);
      },
    },
    {
      name: "refuses a token in the URL in which any character was changed",
      *problems() {
        for (const token of [...oneCharacterOff(right), right.slice(0, 16), right + right]) {
          const said = word(at(`${base}/${token}`));
          if (said !== "token_mismatch") yield `${said} with ${token}`;
        }
      },
    },
    {
      name: "refuses the token of another workspace, another adapter, another generation",
      *problems() {
        const others = {
          "another workspace": door.token(BETA),
          "the platform": door.token("_"),
          "another adapter": door.tokens.make("another", ACME, 0),
          "another generation": door.tokens.make(name, ACME, 1),
        };
        for (const [whose, token] of Object.entries(others)) {
          const said = word(at(`${base}/${token}`));
          if (said !== "token_mismatch") yield `${said} with the token of ${whose}`;
        }
      },
    },
  ];
  if (proof.signs) {
    checks.push({
      name: "takes a workspace in the URL without its token for a hint, never for proof",
      *problems() {
        const verification = at(base);
        if (!verification.ok) yield word(verification);
        else if (verification.vouchesForPath && !provider.signsUrl) yield "vouched for";
      },
    });
    return checks;
  }

  const guarded = new Door(subject, [LONG_TOKEN]);
  const bare = without(fixture.headers, provingHeaders(subject, fixture));
  const withStatic = (header: string, token: string) =>
    word(guarded.judge(fixture, { path: base, headers: { ...bare, [header]: token } }));
  return [
    ...checks,
    {
      name: "refuses a call without any token",
      *problems() {
        for (const path of [base, `/callbacks/${name}`]) {
          const said = word(door.judge(fixture, { path, headers: bare }));
          if (said !== "token_missing") yield `${said} at ${path}`;
        }
      },
    },
    {
      name: "accepts a static token in its provider's header and in x-callback-token, and no other",
      *problems() {
        for (const header of [proof.tokenHeader, "x-callback-token"]) {
          const said = withStatic(header, LONG_TOKEN);
          if (said !== "ok") yield `${said} in ${header}`;
          for (const token of [...oneCharacterOff(LONG_TOKEN), LONG_TOKEN.slice(0, 16), subject.stranger.secret]) {
            if (withStatic(header, token) !== "token_mismatch") yield `accepted ${token} in ${header}`;
          }
        }
        if (withStatic("x-some-other-header", LONG_TOKEN) !== "token_missing") yield "accepted in some other header";
      },
    },
    {
      name: "refuses a wrong token in the URL beside a right static one",
      *problems() {
        const headers = { ...bare, [proof.tokenHeader]: LONG_TOKEN };
        const said = word(guarded.judge(fixture, { path: `${base}/${door.token(BETA)}`, headers }));
        if (said !== "token_mismatch") yield said;
      },
    },
  ];
}

/** The fixture's headers; signed anew for this path where the provider signs, bare where only a token vouches. */
function headersFor(subject: Subject, fixture: Fixture, path: string): Record<string, string> {
  const { body, now } = fixture;
  if (subject.adapter.provider.verify.signs)
    return { ...fixture.headers, ...subject.signer.sign({ body, url: GATEWAY + path, now }) };
  return without(fixture.headers, provingHeaders(subject, fixture));
}
