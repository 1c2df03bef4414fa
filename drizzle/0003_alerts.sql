CREATE TABLE "alerts" (
	"key" text PRIMARY KEY NOT NULL,
	"told_at" timestamp (3) with time zone,
	"tried_at" timestamp (3) with time zone,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
