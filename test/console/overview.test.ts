import { describe, expect, it } from "vitest";
import type { ProviderRow } from "../../src/attention/types.ts";
import { adapterName, chooseProvider } from "../../src/console/parts/adapters.ts";
import { type Group, groupLine } from "../../src/console/parts/groups.ts";
import { storyOf } from "../../src/console/parts/providers.ts";
import type { Gateway } from "../../src/gateway.ts";
import { registry } from "../../src/registry.ts";
import { type Zone, zoneOf } from "../../src/trace/zone.ts";

const seen = { zone: zoneOf("Asia/Kolkata") as Zone, now: Date.parse("2026-11-22T10:28:30Z") };

/** The last hour, as so many minutes of taken and refused ones each; silent before. */
function row(...parts: [minutes: number, taken: number, refused: number][]): ProviderRow {
  const told = parts.flatMap(([minutes, taken, refused]) => Array.from({ length: minutes }, () => ({ taken, refused })));
  const minutes = [...Array.from({ length: 60 - told.length }, () => ({ taken: 0, refused: 0 })), ...told];
  const sum = (of: "taken" | "refused") => minutes.reduce((all, one) => all + one[of], 0);
  return {
    ...{ adapter: "razorpay", minutes, waiting: 0, lastGoodAt: null, now: 0, matched: null, p99: null },
    outcomes: { accepted: sum("taken"), unmatched: 0, duplicate: 0, ignored: 0, failed: 0, refused: sum("refused") },
    lastHour: sum("taken") + sum("refused"),
  };
}

describe("a line of bars is named by its story", () => {
  it.each([
    ["all refused since", row([21, 9, 0], [39, 0, 9]), "about 9 a minute, all refused since 15:20"],
    ["refused from the beginning", row([60, 0, 2]), "about 2 a minute, all refused"],
    ["some refused", row([59, 4, 0], [1, 4, 2]), "about 4 a minute, 2 of them refused"],
    ["quiet since", row([14, 31, 0], [46, 0, 0]), "about 31 a minute, none since 15:12"],
    ["as usual", row([60, 214, 0]), "about 214 a minute"],
    ["few", row([1, 3, 0], [9, 0, 0]), "3 in the last hour"],
    ["none", row(), "none in the last hour"],
  ])("%s", (_, one, story) => {
    expect(storyOf("Razorpay", one, seen)).toBe(`Razorpay: ${story}`);
  });
});

describe("providers in lists and filters", async () => {
  const adapters = await registry();

  it("each has a name of its own: dialects that share one say which they are", () => {
    const names = [...adapters.keys()].map((adapter) => adapterName(adapters, adapter));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(adapterName(adapters, "sendgrid")).toBe("Twilio SendGrid");
    expect(adapterName(adapters, "sendgrid/inbound-parse")).toBe("Twilio SendGrid (Inbound Parse)");
  });

  it("what a link asks for stands in the choice, also where it is a whole family", async () => {
    expect(String(await chooseProvider(adapters, "msg91"))).toContain('<option value="msg91" selected>');
    expect(String(await chooseProvider(adapters, "stripe"))).not.toContain(">msg91<");
  });
});

describe("a page of groups", async () => {
  const adapters = await registry();

  it("stays under 100 KB, whenever its events came", async () => {
    const group: Group = {
      ...{ provider: "stripe", dialect: null, reference: `customer:${"x".repeat(60)}`, reason: "no_reference_bound" },
      ...{ oldest: "2026-11-22T08:00:00.000Z", newest: "2026-11-22T10:28:00.000Z", sample_callback_id: "cb_1", waiting: 20_000 },
      came: Array.from({ length: 60 }, (_, ago) => Array.from({ length: 100 + ((ago * 37) % 90) }, () => ago)).flat(),
    };
    const line = String(await groupLine(group, { registry: adapters } as unknown as Gateway, seen, null));
    expect(line).toContain('role="img" aria-label="');
    expect(50 * line.length).toBeLessThan(90_000);
  });
});
