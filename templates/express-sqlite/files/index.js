import express from 'express';

import { addNote, changeNote, deleteNote, listNotes } from './notes.js';

const app = express();
const port = Number(process.env.PORT) || 3000;

app.disable('x-powered-by');
app.use(express.json());
app.use(express.static(`${import.meta.dirname}/public`));

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
    this.expose = true;
  }
}

function textOf(body) {
  const text = typeof body?.text === 'string' ? body.text.trim() : '';
  if (text === '' || text.length > 2000) {
    throw new Refused(400, 'text must have 1 to 2000 characters');
  }
  return text;
}

app.get('/api/notes', (req, res) => {
  const notes = listNotes(String(req.query.q ?? ''));
  res.json({ count: notes.length, notes });
});

app.post('/api/notes', (req, res) => {
  res.status(201).json(addNote(textOf(req.body)));
});

app.patch('/api/notes/:id', (req, res) => {
  const { text, done } = req.body ?? {};
  const change = {
    text: text === undefined ? undefined : textOf(req.body),
    done: typeof done === 'boolean' ? done : undefined,
  };
  const note = changeNote(Number(req.params.id) || 0, change);
  if (!note) {
    throw new Refused(404, 'There is no such note');
  }
  res.json(note);
});

app.delete('/api/notes/:id', (req, res) => {
  if (!deleteNote(Number(req.params.id) || 0)) {
    throw new Refused(404, 'There is no such note');
  }
  res.status(204).end();
});

app.use((req, res) => {
  res.status(404).json({ error: 'Not found' });
});

app.use((error, req, res, next) => {
  if (!error.expose) {
    console.error(error);
  }
  if (res.headersSent) {
    next(error);
    return;
  }
  res.status(error.status ?? 500).json({ error: error.expose ? error.message : 'Something broke' });
});

app.listen(port, () => {
  console.log(`Listening on http://localhost:${port}`);
});
