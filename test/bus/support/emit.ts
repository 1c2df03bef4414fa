import type { Chance } from "../../proof/support/extent.ts";
import { bodyOf, type Report, report } from "../../proof/support/reports.ts";
import type { TestGateway } from "../../support/gateway.ts";

/** Some are busy, some are not. */
export const workspaces = Array.from(
  { length: 40 },
  (_, index) => `6f1d2c3b-4a59-4e68-8d77-${(index * 977).toString(16).padStart(12, "0")}`,
);
const statuses: Report["status"][] = ["accepted", "delivered", "opened", "hard_bounce"];

/** Batches of reports, of workspaces in any order, that make that many events; `name` keeps them apart from others'. */
export function* batches(name: string, count: number, dice: Chance): Generator<Report[]> {
  for (let made = 0; made < count; ) {
    const size = Math.min(count - made, 1 + dice.below(60));
    yield Array.from({ length: size }, () => {
      made += 1;
      const workspace = workspaces[Math.floor(workspaces.length * dice.next() ** 2)] as string;
      return {
        ...report(`${name}-${made}`, dice.pick(statuses), made, "none"),
        meta: { homing_workspace_id: workspace, campaign_id: "spring" },
      };
    });
  }
}

/** Registers the workspaces. */
export async function register(api: TestGateway["api"]): Promise<void> {
  for (const id of workspaces) await api("PUT", `/v1/workspaces/${id}`, { name: id });
}

/** Emits that many events, through callbacks. */
export async function emit(homing: TestGateway, name: string, count: number, dice: Chance): Promise<void> {
  for (const reports of batches(name, count, dice)) {
    const { body } = await homing.callback("example", bodyOf(reports));
    if (body.events !== reports.length) throw new Error(`not emitted: ${JSON.stringify(body)}`);
  }
}

/** Resolves when the condition holds; looks often, where looking costs nothing. @throws after a minute. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, everyMs = 10): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it did not come to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
