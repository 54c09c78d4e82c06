import { DatabaseSync } from 'node:sqlite';

export function openNotes(path) {
  const db = new DatabaseSync(path);

  db.exec(`CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
  )`);

  const count = db.prepare('SELECT count(*) AS n FROM notes');
  const list = db.prepare('SELECT id, text, created_at FROM notes ORDER BY id');
  const add = db.prepare('INSERT INTO notes (text) VALUES (?) RETURNING id, text, created_at');
  const remove = db.prepare('DELETE FROM notes WHERE id = ?');

  return {
    count: () => count.get().n,
    list: () => list.all(),
    add: (text) => add.get(text),
    remove: (id) => remove.run(id).changes > 0,
  };
}
