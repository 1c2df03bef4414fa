CREATE TABLE "replayed" (
	"callback_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"done_by" text NOT NULL,
	"replay_id" uuid,
	"added" integer NOT NULL,
	"changed" integer NOT NULL,
	"gone" integer NOT NULL,
	"unchanged" integer NOT NULL,
	CONSTRAINT "replayed_callback_id_id_pk" PRIMARY KEY("callback_id","id")
);
--> statement-breakpoint
CREATE TABLE "replays" (
	"id" uuid PRIMARY KEY NOT NULL,
	"filter" text NOT NULL,
	"terms" bigint[] NOT NULL,
	"callback_id" uuid,
	"dry_run" boolean NOT NULL,
	"state" text DEFAULT 'running' NOT NULL,
	"error" text,
	"started_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"before" uuid NOT NULL,
	"position" uuid,
	"looked_at" integer DEFAULT 0 NOT NULL,
	"added" integer DEFAULT 0 NOT NULL,
	"changed" integer DEFAULT 0 NOT NULL,
	"gone" integer DEFAULT 0 NOT NULL,
	"unchanged" integer DEFAULT 0 NOT NULL,
	"waiting" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"still_rejected" integer DEFAULT 0 NOT NULL,
	"lease" uuid,
	"lease_until" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "healed" ADD COLUMN "done_by" text;--> statement-breakpoint
CREATE INDEX "waiting_of_callback" ON "waiting" USING btree ("callback_id","item");