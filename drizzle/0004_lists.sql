DROP INDEX "callbacks_by_rare_status";--> statement-breakpoint
CREATE INDEX "audit_of_object" ON "audit" USING btree ("object","id");--> statement-breakpoint
CREATE INDEX "callbacks_by_adapter" ON "callbacks" USING btree ("adapter","id");--> statement-breakpoint
CREATE INDEX "callbacks_not_accepted" ON "callbacks" USING btree ("status","adapter","id") WHERE status <> 'accepted';--> statement-breakpoint
CREATE INDEX "minutes_refused" ON "minutes" USING btree ("minute") WHERE outcome like 'rejected:%';