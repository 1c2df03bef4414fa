CREATE TABLE "endpoint_hours" (
	"endpoint_id" uuid NOT NULL,
	"hour" timestamp (3) with time zone NOT NULL,
	"accepted" integer NOT NULL,
	"failed" integer NOT NULL,
	"last_accepted_at" timestamp (3) with time zone,
	CONSTRAINT "endpoint_hours_endpoint_id_hour_pk" PRIMARY KEY("endpoint_id","hour")
);
--> statement-breakpoint
DROP INDEX "dispatches_due";--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "endpoint_id" uuid NOT NULL;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "ok" boolean NOT NULL;--> statement-breakpoint
ALTER TABLE "bindings" ADD COLUMN "told_by" text;--> statement-breakpoint
ALTER TABLE "dispatches" ADD COLUMN "lease" uuid;--> statement-breakpoint
ALTER TABLE "dispatches" ADD COLUMN "give_up_at" timestamp (3) with time zone DEFAULT now() + interval '7 days' NOT NULL;--> statement-breakpoint
ALTER TABLE "dispatches" ADD COLUMN "settled_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "endpoint_filters" ADD COLUMN "active" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "endpoints" ADD COLUMN "disabled_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "endpoints" ADD COLUMN "failures" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "endpoints" ADD COLUMN "circuit_open_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "endpoints" ADD COLUMN "probe_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "attempts_failed" ON "attempts" USING btree ("endpoint_id","id") WHERE not ok;--> statement-breakpoint
CREATE INDEX "dispatches_aside" ON "dispatches" USING btree ("endpoint_id","state","created_at") WHERE state in ('held', 'dead');--> statement-breakpoint
CREATE INDEX "dispatches_of_endpoint" ON "dispatches" USING btree ("endpoint_id","created_at","id");--> statement-breakpoint
CREATE INDEX "dispatches_by_age" ON "dispatches" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "dispatches_due" ON "dispatches" USING btree ("endpoint_id","next_at") WHERE state in ('pending', 'retrying');