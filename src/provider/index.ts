export { id, losslessJson, optionalText, text } from "./decode.ts";
export { type Attachment, type CallbackRequest, defineProvider, eachItem } from "./define.ts";
export {
  type DeliveryDraft,
  type FactDraft,
  failed,
  ignored,
  type Json,
  type JsonObject,
  type Metadata,
  type Outcome,
  type Reference,
  type State,
  type Status,
  unknownWord,
} from "./draft.ts";
export { charsetText, formData, headerParameter, mimeEntity, mimeParts, type Part } from "./multipart.ts";
export { ecdsa, hmac, type SignedRequest, standardWebhooks, timestampedHmac, tokenOnly } from "./signatures.ts";
export { isoTime, unixTime, zonedTime } from "./time.ts";
