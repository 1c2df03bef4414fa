import { Credentials } from "../../src/inbound/credentials.ts";
import { type CallbackPath, pathIndex, readPath } from "../../src/inbound/path.ts";
import { type Verification, verify } from "../../src/inbound/verify.ts";
import { type MasterKeys, PathTokens, Vault } from "../../src/keys.ts";
import type { Adapter } from "../../src/registry.ts";
import type { Fixture, Signer } from "../support/fixtures.ts";

/** An adapter under test, and what its folder says of it. */
export type Subject = {
  adapter: Adapter;
  fixtures: Fixture[];
  /** With whose secret the fixtures were signed. */
  signer: Signer;
  /** The same scheme under another secret. */
  stranger: Signer;
  /** What must come out of a fixture: the `.json` beside it. */
  answer(fixture: Fixture): string;
  /** How many mutated bodies it reads, and which: 1,000 unless told, always the same. */
  runs?: number;
  seed?: number;
  /** Left out but where the proving itself is planted with a defect. */
  verify?: typeof verify;
};

/** One promise of CONTRACT §3–§5 that every adapter keeps. It holds where there are no problems; each names fixture and place. */
export type Check = { name: string; problems(): Iterable<string> };

/** What differs from the fixture as it was sent. */
export type Change = { body?: Uint8Array; headers?: Record<string, string>; path?: string; url?: string };

const MASTER: MasterKeys = [Buffer.alloc(32, 7)];
export const GATEWAY = "https://gateway.example";

/** The way in, as a subject's callbacks meet it: the gateway's own verification with these platform secrets, all in memory. */
export class Door {
  readonly tokens = new PathTokens(MASTER);
  readonly #subject: Subject;
  readonly #find: ReturnType<typeof pathIndex>;
  readonly #credentials: Credentials;
  readonly #paths = new Map<string, CallbackPath>();

  constructor(subject: Subject, secrets: string[]) {
    const registry = new Map([[subject.adapter.name, subject.adapter]]);
    this.#subject = subject;
    this.#find = pathIndex(registry);
    this.#credentials = new Credentials(
      registry,
      new Vault(MASTER),
      this.tokens,
      new Map(secrets.length > 0 ? [[subject.adapter.name, secrets]] : []),
    );
  }

  token(workspace: string): string {
    return this.tokens.make(this.#subject.adapter.name, workspace, 0);
  }

  /** Judges the fixture, or a changed copy of it, at the moment when it came. @throws where its path leads elsewhere. */
  judge(fixture: Fixture, change: Change = {}): Verification {
    const where = change.path ?? fixture.path;
    const request = {
      body: change.body ?? fixture.body,
      headers: change.headers ?? fixture.headers,
      // Fixtures are signed before anybody knows their tokens.
      url: change.url ?? GATEWAY + where,
    };
    return (this.#subject.verify ?? verify)(this.#path(where), request, this.#credentials, fixture.now.getTime());
  }

  #path(where: string): CallbackPath {
    const known = this.#paths.get(where);
    if (known) return known;
    const filled = where.replace(/([^/]+)\/\{token\}$/, (_, workspace: string) => `${workspace}/${this.token(workspace)}`);
    const path = readPath(filled, this.#find);
    if (!path) throw new Error(`the path ${where} leads to no adapter`);
    this.#paths.set(where, path);
    return path;
  }
}

/** `ok`, or the code of the refusal. */
export function word(verification: Verification): string {
  return verification.ok ? "ok" : verification.code;
}

/** Runs a check over every fixture; a throw is a problem like another. */
export function* overFixtures(subject: Subject, check: (fixture: Fixture) => Iterable<string>): Iterable<string> {
  for (const fixture of subject.fixtures) {
    try {
      for (const problem of check(fixture)) yield `${fixture.name}: ${problem}`;
    } catch (error) {
      yield `${fixture.name}: threw ${error}`;
    }
  }
}

/** The names of the headers that prove a call: those that the signer makes. */
export function provingHeaders({ adapter, signer }: Subject, { body, path, now }: Fixture): string[] {
  const { verify: proof } = adapter.provider;
  return proof.signs ? Object.keys(signer.sign({ body, url: GATEWAY + path, now })) : [proof.tokenHeader, "x-callback-token"];
}

/** Headers without some of them. */
export function without(headers: Record<string, string>, names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

/** Every text that differs from this one by one character: another in its place, the other case, one less, one twice. */
export function* oneCharacterOff(text: string): Iterable<string> {
  for (const [index, char] of [...text].entries()) {
    const [before, after] = [text.slice(0, index), text.slice(index + 1)];
    yield before + (char === "0" ? "1" : "0") + after;
    if (/[a-z]/i.test(char)) yield before + (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase()) + after;
    yield before + after;
    // A separator that comes twice makes an empty entry, which changes nothing.
    if (/[a-z0-9]/i.test(char)) yield before + char + char + after;
  }
}
