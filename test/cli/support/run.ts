import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { API_TOKEN } from "../../support/gateway.ts";
import { until } from "../../support/until.ts";

const BIN = join(import.meta.dirname, "../../../bin/homing.js");

export type Told = { code: number | null; stdout: string; stderr: string };

/** A command as people type it, under way. */
export type Running = { child: ChildProcess; told: Told; ended: Promise<Told>; printed(text: string): Promise<unknown> };

/** Starts `homing …` in a process of its own; `settings` instead of this gateway's address and token. */
export function start(args: string[], settings: Record<string, string>, input = ""): Running {
  const child = spawn(process.execPath, [BIN, ...args], { env: { PATH: process.env.PATH, DATA_DIR: "/nowhere", ...settings } });
  const told: Told = { code: null, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (told.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (told.stderr += text));
  child.stdin.end(input);
  const ended = new Promise<Told>((resolve) => child.once("close", (code) => resolve(Object.assign(told, { code }))));
  const printed = (text: string) =>
    until(
      () => `${told.stdout}${told.stderr}`,
      (all) => all.includes(text),
    );
  return { child, told, ended, printed };
}

/** Runs `homing …` against a gateway to its end. */
export function homing(url: string, args: string[], { input = "", token = API_TOKEN } = {}): Promise<Told> {
  return start(args, { HOMING_URL: url, HOMING_TOKEN: token }, input).ended;
}
