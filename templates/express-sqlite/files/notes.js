import { DatabaseSync } from 'node:sqlite';

const db = new DatabaseSync(process.env.DATABASE || 'notes.db');

db.exec(`
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS notes (
    id         INTEGER PRIMARY KEY,
    text       TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    done       INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ'))
  );
`);

const list = db.prepare("SELECT * FROM notes WHERE text LIKE '%' || ? || '%' ORDER BY id DESC LIMIT 200");
const insert = db.prepare('INSERT INTO notes (text) VALUES (?) RETURNING *');
const update = db.prepare(
  'UPDATE notes SET text = coalesce(?, text), done = coalesce(?, done) WHERE id = ? RETURNING *',
);
const remove = db.prepare('DELETE FROM notes WHERE id = ?');

const noteOf = (row) => row && { ...row, done: row.done === 1 };

export function listNotes(words = '') {
  return list.all(words).map(noteOf);
}

export function addNote(text) {
  return noteOf(insert.get(text));
}

// undefined when there is none
export function changeNote(id, { text = null, done = null }) {
  return noteOf(update.get(text, done === null ? null : Number(done), id));
}

export function deleteNote(id) {
  return remove.run(id).changes === 1;
}
