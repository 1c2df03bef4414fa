import { homing } from "../command.ts";
import type { Offer } from "../states.ts";
import type { Story } from "../story.ts";
import type { Tale, Teller } from "./teller.ts";

/** What a state offers, as what to type. */
export function commandOf({ text }: Teller, offer: Offer, story: Story): Tale["offers"] {
  const { trace, item, waits, first, lastGood, event, adapter } = story;
  const command = (line: string) => [{ label: offer.label.replace(/…$/, ""), text: line }];
  switch (offer.to) {
    case "copy":
      return command(text(offer.text));
    case "assign_all":
      return waits ? command(`${homing("assign", adapter ?? "", `${waits.kind}:${waits.value}`)} --workspace <name or id>`) : [];
    case "assign_one":
      return command(`${homing("assign", "--callback", trace.id, "--index", String(item?.index ?? 0))} --workspace <name or id>`);
    case "first":
      return first ? command(homing("trace", first.id)) : [];
    case "last_good":
      return lastGood ? command(homing("trace", lastGood.id)) : [];
    case "replay":
      return command(homing("replay", trace.id, "--dry-run"));
    case "message":
      return typeof event?.data.message_id === "string" ? command(homing("trace", event.data.message_id)) : [];
    case "binding": {
      const [binding] = trace.learned;
      return binding ? command(homing("bind", "--list", adapter ?? "", `${binding.kind}:${binding.value}`)) : [];
    }
    case "endpoint":
      return item?.endpoints[0] ? command(homing("trace", item.endpoints[0].endpoint_id)) : [];
  }
}
