CREATE TABLE "attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"dispatch_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"status" integer,
	"ms" integer,
	"error" text,
	"response" text
) PARTITION BY RANGE ("id");
--> statement-breakpoint
CREATE TABLE "audit" (
	"id" uuid PRIMARY KEY NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"token" text NOT NULL,
	"action" text NOT NULL,
	"object" text NOT NULL,
	"before" text,
	"after" text
);
--> statement-breakpoint
CREATE TABLE "bindings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"reference" text NOT NULL,
	"adapter" text NOT NULL,
	"kind" text NOT NULL,
	"value" text NOT NULL,
	"workspace_id" text NOT NULL,
	"other_workspace_id" text,
	"origin" text NOT NULL,
	"places" boolean DEFAULT true NOT NULL,
	"callback_id" uuid,
	"context" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone,
	CONSTRAINT "bindings_reference_unique" UNIQUE("reference")
);
--> statement-breakpoint
CREATE TABLE "callbacks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"adapter" text NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"ip" text,
	"headers" text NOT NULL,
	"body" "bytea" NOT NULL,
	"body_encrypted" boolean DEFAULT false NOT NULL,
	"size" integer NOT NULL,
	"verification" text NOT NULL,
	"items" text NOT NULL,
	"steps" text NOT NULL,
	"first_status" text NOT NULL,
	"reason" text,
	"events" integer NOT NULL,
	"taught" integer NOT NULL,
	"unmatched" integer NOT NULL,
	"duplicates" integer NOT NULL,
	"ignored" integer NOT NULL,
	"failed" integer NOT NULL,
	"dismissed" integer DEFAULT 0 NOT NULL,
	"status" text GENERATED ALWAYS AS (case when failed > 0 then 'failed' when unmatched > 0 then 'unmatched' when events + taught > 0 then 'accepted' when duplicates > 0 then 'duplicate' when dismissed > 0 then 'dismissed' else 'ignored' end) STORED NOT NULL,
	"terms" bigint[] NOT NULL
) PARTITION BY RANGE ("id");
--> statement-breakpoint
CREATE TABLE "cursors" (
	"name" text PRIMARY KEY NOT NULL,
	"position" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "data_keys" (
	"name" text PRIMARY KEY NOT NULL,
	"ciphertext" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dispatches" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"endpoint_id" uuid NOT NULL,
	"event_id" uuid NOT NULL,
	"workspace_id" text NOT NULL,
	"type" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp (3) with time zone DEFAULT now(),
	"last_status" integer,
	"last_error" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "endpoint_filters" (
	"endpoint_id" uuid NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"filters" text[] NOT NULL,
	CONSTRAINT "endpoint_filters_endpoint_id_since_pk" PRIMARY KEY("endpoint_id","since")
);
--> statement-breakpoint
CREATE TABLE "endpoints" (
	"id" uuid PRIMARY KEY NOT NULL,
	"workspace_id" text NOT NULL,
	"url" text NOT NULL,
	"filters" text[] NOT NULL,
	"description" text,
	"signature_header" text,
	"state" text NOT NULL,
	"state_reason" text,
	"secret_ciphertext" text NOT NULL,
	"previous_secret_ciphertext" text,
	"previous_secret_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "event_keys" (
	"natural_key" uuid NOT NULL,
	"owner" bigint NOT NULL,
	"event_id" uuid,
	"callback_id" uuid,
	"seen_on" date DEFAULT current_date NOT NULL,
	CONSTRAINT "event_keys_natural_key_owner_pk" PRIMARY KEY("natural_key","owner")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"epoch" integer NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"seq" bigserial,
	"workspace_id" text NOT NULL,
	"adapter" text,
	"name" text NOT NULL,
	"variant" text,
	"type" text,
	"message_id" text,
	"provider_message_id" text,
	"callback_id" uuid,
	"occurred_at" timestamp (3) with time zone NOT NULL,
	"body" text NOT NULL
) PARTITION BY RANGE ("id");
--> statement-breakpoint
CREATE TABLE "healed" (
	"callback_id" uuid NOT NULL,
	"item" integer NOT NULL,
	"verdict" text NOT NULL,
	"reason" text,
	"event_id" uuid,
	"workspace_id" text,
	"cause" text NOT NULL,
	"ways" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "healed_callback_id_item_pk" PRIMARY KEY("callback_id","item")
);
--> statement-breakpoint
CREATE TABLE "kept_callbacks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"adapter" text NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"ip" text,
	"headers" text NOT NULL,
	"body" "bytea" NOT NULL,
	"body_encrypted" boolean DEFAULT false NOT NULL,
	"size" integer NOT NULL,
	"verification" text NOT NULL,
	"items" text NOT NULL,
	"steps" text NOT NULL,
	"first_status" text NOT NULL,
	"reason" text,
	"events" integer NOT NULL,
	"taught" integer NOT NULL,
	"unmatched" integer NOT NULL,
	"duplicates" integer NOT NULL,
	"ignored" integer NOT NULL,
	"failed" integer NOT NULL,
	"dismissed" integer DEFAULT 0 NOT NULL,
	"status" text GENERATED ALWAYS AS (case when failed > 0 then 'failed' when unmatched > 0 then 'unmatched' when events + taught > 0 then 'accepted' when duplicates > 0 then 'duplicate' when dismissed > 0 then 'dismissed' else 'ignored' end) STORED NOT NULL,
	"terms" bigint[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "log_epochs" (
	"epoch" integer PRIMARY KEY NOT NULL,
	"server" text,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "minutes" (
	"adapter" text NOT NULL,
	"minute" timestamp (3) with time zone NOT NULL,
	"outcome" text NOT NULL,
	"count" integer NOT NULL,
	CONSTRAINT "minutes_adapter_minute_outcome_pk" PRIMARY KEY("adapter","minute","outcome")
);
--> statement-breakpoint
CREATE TABLE "path_generations" (
	"adapter" text NOT NULL,
	"workspace_id" text NOT NULL,
	"generation" integer NOT NULL,
	"valid_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "path_generations_adapter_workspace_id_generation_pk" PRIMARY KEY("adapter","workspace_id","generation")
);
--> statement-breakpoint
CREATE TABLE "rejections" (
	"id" uuid PRIMARY KEY NOT NULL,
	"adapter" text,
	"received_at" timestamp (3) with time zone NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"ip" text,
	"code" text NOT NULL,
	"headers_ciphertext" text NOT NULL,
	"header_names" text[] NOT NULL,
	"body" "bytea",
	"size" integer NOT NULL,
	"verification" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "secrets" (
	"id" uuid PRIMARY KEY NOT NULL,
	"adapter" text NOT NULL,
	"workspace_id" text,
	"position" integer NOT NULL,
	"ciphertext" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id_hash" text PRIMARY KEY NOT NULL,
	"token_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "snapshots" (
	"key" uuid PRIMARY KEY NOT NULL,
	"workspace_id" text NOT NULL,
	"adapter" text NOT NULL,
	"kind" text NOT NULL,
	"fields" text,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"workspace_id" text,
	"token_hash" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "tokens_token_hash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "waiting" (
	"id" uuid PRIMARY KEY NOT NULL,
	"natural_key" uuid NOT NULL,
	"owner" bigint NOT NULL,
	"adapter" text NOT NULL,
	"callback_id" uuid NOT NULL,
	"item" integer NOT NULL,
	"occurred_at" timestamp (3) with time zone NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"reason" text NOT NULL,
	"refs" text[] NOT NULL,
	"draft" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "workspaces" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"closed_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "attempts_of_dispatch" ON "attempts" USING btree ("dispatch_id");--> statement-breakpoint
CREATE INDEX "bindings_of_workspace" ON "bindings" USING btree ("workspace_id","id");--> statement-breakpoint
CREATE INDEX "callbacks_by_rare_status" ON "callbacks" USING btree ("status","id") WHERE status in ('failed', 'unmatched', 'dismissed');--> statement-breakpoint
CREATE INDEX "callbacks_by_term" ON "callbacks" USING gin ("terms");--> statement-breakpoint
CREATE INDEX "dispatches_due" ON "dispatches" USING btree ("next_at") WHERE state in ('pending', 'retrying');--> statement-breakpoint
CREATE INDEX "dispatches_of_event" ON "dispatches" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "endpoints_of_workspace" ON "endpoints" USING btree ("workspace_id");--> statement-breakpoint
CREATE INDEX "event_keys_by_day" ON "event_keys" USING brin ("seen_on");--> statement-breakpoint
CREATE INDEX "events_in_commit_order" ON "events" USING btree ("epoch","xid","seq");--> statement-breakpoint
CREATE INDEX "events_by_message" ON "events" USING btree ("message_id") WHERE message_id is not null;--> statement-breakpoint
CREATE INDEX "events_by_provider_message" ON "events" USING btree ("provider_message_id") WHERE provider_message_id is not null;--> statement-breakpoint
CREATE INDEX "kept_callbacks_by_term" ON "kept_callbacks" USING gin ("terms");--> statement-breakpoint
CREATE INDEX "secrets_of_adapter" ON "secrets" USING btree ("adapter","workspace_id");--> statement-breakpoint
CREATE UNIQUE INDEX "waiting_by_key" ON "waiting" USING btree ("natural_key","owner");--> statement-breakpoint
CREATE INDEX "waiting_by_reference" ON "waiting" USING gin ("refs") WITH (fastupdate=false);