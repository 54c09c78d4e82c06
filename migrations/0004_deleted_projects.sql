-- Deleted projects that can still come back are listed for their owner, last deleted first.

CREATE INDEX projects_deleted ON projects (user_id, deleted_at DESC, id) WHERE deleted_at IS NOT NULL;
