import { cashfree } from "./libraries/cashfree.ts";
import { razorpay } from "./libraries/razorpay.ts";
import { sendgrid } from "./libraries/sendgrid.ts";
import { shopify } from "./libraries/shopify.ts";
import { square } from "./libraries/square.ts";
import { standardwebhooks, svix } from "./libraries/standard-webhooks.ts";
import { stripe } from "./libraries/stripe.ts";
import type { Library } from "./support/call.ts";

/** What providers publish for their customers to verify callbacks with: code that is not ours. */
export const libraries: Library[] = [stripe, svix, standardwebhooks, razorpay, cashfree, square, shopify, sendgrid];

/** Adapters that sign, and why no such code verifies them here. */
export const withoutLibrary = new Map([
  ["example", "made up"],
  ["shipping/aftership", "AfterShip publishes none"],
  ["shipping/easypost", "@easypost/api is no dependency"],
]);
