const words = (family: string, reason: string, list: string) =>
  list.split(" ").map((word) => [`${family}.${word}`, reason] as const);

/** Types that neither are an event of ours nor tell whose something is. */
export const uninteresting = new Map<string, string>([
  ["organization.deleted", "organization_deleted"], // late events still name it: what is bound stays bound
  ["organizationMembership.deleted", "membership_ended"], // nothing is unlearned
  ...words("organizationDomain", "organization_domain", "created deleted updated"),
  ...words("organizationInvitation", "invitation", "accepted created revoked"), // its metadata comes again in the membership
  ...words("permission", "instance_settings", "created deleted updated"),
  ...words("role", "instance_settings", "created deleted updated"),
  ...words("subscription", "subscription_container", "active created pastDue updated"), // its items tell
  ...words("subscriptionItem", "not_the_present_plan", "abandoned canceled created ended freeTrialEnding incomplete"),
  ...words("subscriptionItem", "not_the_present_plan", "pastDue upcoming updated"), // what is upcoming becomes active later
  ...words("waitlistEntry", "waitlist", "created updated"),
]);

/**
 * Ids in the examples that Clerk documents, and that its dashboard sends as "Send Example": the instance of nearly all, and what the
 * others are about.
 */
export const samples = new Set(["ins_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "user_29w83sxmDNGwOuEthce5gg56FcC", "ema_abcd"]);

/**
 * Fields that can carry a one-time code, or a link that signs somebody in; and what only backends may read. They are hidden wherever they
 * stand in a body.
 */
export const hidden = [
  ...["otp_code", "body", "body_plain", "subject", "message"], // of e-mails and text messages, whose texts repeat the code
  ...["magic_link", "action_url", "revoke_session_url"], // in the data of their templates
  "url", // of an invitation
  ...["external_verification_redirect_url", "nonce"], // of a sign-in that is under way
  ...["token", "ticket"], // not seen in any; none may ever show
  "private_metadata",
];
