/** A Message-ID (`smtp-id`) that SendGrid made begins with the id that its send call answered; one that the sender chose does not. */
const OWN = /^<?([^@<>\s]{1,200})@[\w-]{0,40}ismtpd[\w.-]{0,100}>?$/i;

/** SendGrid's id of the message that has this Message-ID; null where SendGrid did not make it. */
export function ownId(messageId: string | null): string | null {
  return OWN.exec(messageId?.trim() ?? "")?.[1] ?? null;
}
