/** Every refusal: its status and its sentence (CONTRACT §3, §6). A new one is a new row. */
const refusals = {
  provider_not_configured: [401, "We hold no secret for this provider yet, so nothing that it sends can be trusted."],
  signature_missing: [401, "The callback came without a signature."],
  signature_mismatch: [401, "The signature fits none of the secrets that we hold."],
  signature_expired: [401, "The signature is right, but older than this provider's are allowed to be."],
  signature_early: [401, "The signature is right, but dated in the future."],
  token_missing: [401, "The callback came without a token, and its provider signs nothing."],
  token_mismatch: [401, "The token is not one of ours."],
  unauthorized: [401, "A bearer token is needed: Authorization: Bearer <token>."],
  forbidden: [403, "This token may not do that."],
  not_found: [404, "There is nothing here."],
  method_not_allowed: [405, "Callbacks are POSTed."],
  conflict: [409, "It does not fit what is there."],
  preview_changed: [409, "It is no longer what the preview showed. Nothing was done."],
  choose_items: [409, "Several items of this callback wait. Name the ones that are meant."],
  still_rejected: [409, "It is refused today as it was then. Nothing was stored."],
  not_replayable: [409, "There is nothing in it that could be brought in."],
  url_refused: [409, "PUBLIC_URL holds a word that this provider refuses in a URL."],
  cursor_expired: [410, "The events after this cursor are past their retention."],
  body_too_large: [413, "The body is larger than is accepted here."],
  body_encoded: [415, "Compressed bodies are not accepted: send it without Content-Encoding."],
  invalid: [422, "Some fields are not as they should be."],
  internal: [500, "Something went wrong on our side."],
  overloaded: [503, "Too much is waiting already. Nothing was stored; please call again."],
  database_unavailable: [503, "The database cannot be written now. Nothing was stored; please call again."],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof refusals;

/** An expected refusal. `message` is public; `cause` is ours. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  /** What is wrong, by field. */
  readonly fields: Record<string, string> | undefined;

  constructor(code: ErrorCode, options: { message?: string; fields?: Record<string, string>; cause?: unknown } = {}) {
    super(options.message ?? refusals[code][1], { cause: options.cause });
    this.code = code;
    this.status = refusals[code][0];
    this.fields = options.fields;
  }
}

/** The body of an error's answer. */
export function errorBody(error: GatewayError, requestId: string) {
  return {
    error: { code: error.code, message: error.message, ...(error.fields && { fields: error.fields }), request_id: requestId },
  };
}
