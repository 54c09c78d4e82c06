#pragma once

/* Pieces of SQL text that several statements share. */

/* A timestamptz as RFC 3339 in UTC, for JSON. NULL stays NULL. */
#define SQL_TIME(column)                                                                           \
	"to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

/* A project as the API shows it, from projects p LEFT JOIN sandboxes s. `before` and `after` are
 * the parameters that hold what surrounds a preview's label (previews/preview_url.h). */
#define SQL_PROJECT_JSON(before, after)                                                            \
	"json_build_object('id', p.id, 'slug', p.slug, 'name', p.name, 'template', p.template,"    \
	" 'visibility', p.visibility, 'status', CASE WHEN s.desired_state <> 'removed'"            \
	" AND s.actual_state IN ('running', 'starting', 'failed') THEN s.actual_state"             \
	" ELSE 'stopped' END, 'preview_url', " before "::text || p.slug || " after "::text,"       \
	" 'version', p.head_version," SQL_PROJECT_TIME("created_at") ", " SQL_PROJECT_TIME(        \
		"updated_at") ", " SQL_PROJECT_TIME("deleted_at") ")::text"
#define SQL_PROJECT_TIME(name) "'" name "', " SQL_TIME("p." name)

/* Deleted, and not to be purged before the statement has ended (janitor.c). */
#define SQL_CAN_COME_BACK "p.deleted_at > now() - interval '7 days'"

/* A version as the API shows it, from versions v. */
#define SQL_VERSION_PAIRS                                                                          \
	"'n', v.n, 'parent', v.parent, 'kind', v.kind, 'restored_from', v.restored_from,"          \
	" 'generation_id', v.generation_id, 'message', v.message,"                                 \
	" 'prompt', (SELECT left(g.prompt, 500) FROM generations g WHERE g.id = v.generation_id)," \
	" 'result', (SELECT g.result FROM generations g WHERE g.id = v.generation_id),"            \
	" 'file_count', v.file_count, 'size_bytes', v.size_bytes,"                                 \
	" 'created_at', " SQL_TIME("v.created_at")

/* One of its files, from version_files f. */
#define SQL_FILE_JSON                                                                              \
	"json_build_object('path', f.path, 'size', f.size_bytes,"                                  \
	" 'mode', CASE f.mode WHEN 493 THEN '0755' ELSE '0644' END,"                               \
	" 'etag', '\"v' || f.changed_in || '\"')"
