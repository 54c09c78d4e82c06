-- What came of a generation, kept with it: a list of generations is the whole conversation, also when
-- their events are gone (30 days).

ALTER TABLE generations
	ADD COLUMN base_version integer NOT NULL DEFAULT 0, -- the head that the model was shown
	ADD COLUMN reply   text, -- the model's words without the files; NULL: none, or it runs
	ADD COLUMN summary text, -- JSON (fcgi-app/generate/summary.h); NULL: it runs, or is the janitor's to make
	ADD COLUMN result  text CHECK (result IN ('passed', 'failed')); -- NULL: nothing was run, or it is not known

-- Of those that were there before, the janitor makes the summaries, where there still are events.
UPDATE generations g SET base_version = coalesce(v.parent, 0)
	FROM versions v WHERE v.project_id = g.project_id AND v.n = g.version;
UPDATE generations g SET reply = nullif(left(regexp_replace(m.content,
		'<slipway-file[^>]*?>.*?</slipway-file>|<slipway-delete[^>]*?>', '', 'g'), 65536), '')
	FROM messages m WHERE m.generation_id = g.id AND m.role = 'assistant';

CREATE INDEX generations_without_summary ON generations (finished_at)
	WHERE summary IS NULL AND state <> 'running';
