-- The run of an app that a start or restart is to replace, as its sandbox's agent counts them: until
-- another one is there, the status does not tell of this one (fcgi-app/apps/replaced_run.h).

ALTER TABLE projects
	ADD COLUMN replaced_run text,
	ADD COLUMN replaced_at  timestamptz;
