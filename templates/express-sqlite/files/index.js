import express from 'express';
import { openNotes } from './notes.js';

const app = express();
const port = Number(process.env.PORT) || 3000;
const notes = openNotes(process.env.DATABASE ?? 'notes.db');

app.use(express.json());

app.get('/', (req, res) => {
  res.json({ notes: notes.count(), try: ['GET /notes', 'POST /notes {"text": "…"}', 'DELETE /notes/1'] });
});

app.get('/notes', (req, res) => {
  res.json(notes.list());
});

app.post('/notes', (req, res) => {
  const text = req.body?.text;

  if (typeof text !== 'string' || text.trim() === '') {
    res.status(400).json({ error: 'Send {"text": "…"}' });
    return;
  }
  res.status(201).json(notes.add(text.trim()));
});

app.delete('/notes/:id', (req, res) => {
  if (!notes.remove(Number(req.params.id))) {
    res.status(404).json({ error: 'There is no such note' });
    return;
  }
  res.status(204).end();
});

app.listen(port, (error) => {
  if (error) {
    throw error;
  }
  console.log(`Listening on http://localhost:${port}`);
});
